"""What stands between a server's APIs and the library: queue, batches, worker processes.

A worker has two sides. In the front process the pool keeps a PoolWorker for each, which stays when
a process dies and another takes over; its WorkerHandle leads to the process of the moment, or to a
thread. In that process worker.py takes messages, and a ModelRunner does what they say.
"""
