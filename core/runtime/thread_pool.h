#pragma once

#include <cstdint>
#include <functional>

#include "runtime/per_process.h"

namespace bertie {

// Cores that this process may use: CPU affinity and the cgroup's quota, rounded up; at least 1.
int available_cores();

// A fixed set of workers that sleep between jobs. The calling thread is worker 0, so a pool of one
// starts no thread. Jobs from several callers run one after another. After fork() the child's
// first job starts fresh workers, whatever the parent's were doing.
class ThreadPool {
 public:
  // threads: at least 1.
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int size() const { return size_; }

  // Calls job(worker) once for each worker in [0, size()) and returns when all have. The first
  // exception that a job throws is thrown here, after all have ended. Not to be called from a job.
  void run(const std::function<void(int)>& job);

  // Calls body(begin, end, worker) over [0, count) in pieces of at most `grain`, handed out in
  // order to whichever worker is free.
  void for_each(int64_t count, int64_t grain,
                const std::function<void(int64_t, int64_t, int)>& body);

 private:
  struct State;

  const int size_;
  PerProcess<State> state_;
};

}  // namespace bertie
