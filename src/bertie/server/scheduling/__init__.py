"""What stands between a server's APIs and the library: queue, batches, worker processes."""
