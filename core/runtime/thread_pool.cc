#include "runtime/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "runtime/system.h"

namespace bertie {

int available_cores() {
  const int cores = affinity_cores(), quota = quota_cores();
  return quota > 0 ? std::min(cores, quota) : cores;
}

struct ThreadPool::State {
  std::mutex callers;  // one job at a time
  std::mutex mutex;
  std::condition_variable wake, done;
  const std::function<void(int)>* job = nullptr;
  uint64_t generation = 0;  // counts jobs, so that a worker runs each once
  int running = 0;
  bool stop = false;
  std::exception_ptr error;
  std::vector<std::thread> workers;

  ~State() {
    {
      std::lock_guard lock(mutex);
      stop = true;
    }
    wake.notify_all();
    for (auto& worker : workers) worker.join();
  }

  // Starts what is missing; a thread that the system refuses is tried again by the next job.
  void start(int threads) {
    for (int worker = static_cast<int>(workers.size()) + 1; worker < threads; ++worker) {
      workers.emplace_back([this, worker, seen = generation] { work(worker, seen); });
    }
  }

  void work(int worker, uint64_t seen) {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [&] { return stop || generation != seen; });
      if (stop) return;
      seen = generation;
      const auto* current = job;
      lock.unlock();
      std::exception_ptr failure = attempt(*current, worker);
      lock.lock();
      if (failure && !error) error = failure;
      if (--running == 0) done.notify_one();
    }
  }

  static std::exception_ptr attempt(const std::function<void(int)>& job, int worker) {
    try {
      job(worker);
      return nullptr;
    } catch (...) {
      return std::current_exception();
    }
  }
};

ThreadPool::ThreadPool(int threads) : size_(std::max(threads, 1)) {}

ThreadPool::~ThreadPool() = default;

void ThreadPool::run(const std::function<void(int)>& job) {
  if (size_ == 1) {
    job(0);
    return;
  }
  State& state = state_.get();
  std::lock_guard one_caller(state.callers);
  state.start(size_);
  {
    std::lock_guard lock(state.mutex);
    state.job = &job;
    state.error = nullptr;
    state.running = size_ - 1;
    ++state.generation;
  }
  state.wake.notify_all();
  std::exception_ptr error = State::attempt(job, 0);
  std::unique_lock lock(state.mutex);
  state.done.wait(lock, [&] { return state.running == 0; });
  if (!error) error = state.error;
  lock.unlock();
  if (error) std::rethrow_exception(error);
}

void ThreadPool::for_each(int64_t count, int64_t grain,
                          const std::function<void(int64_t, int64_t, int)>& body) {
  grain = std::max<int64_t>(grain, 1);
  if (size_ == 1 || count <= grain) {
    if (count > 0) body(0, count, 0);
    return;
  }
  std::atomic<int64_t> next{0};
  run([&](int worker) {
    for (;;) {
      const int64_t begin = next.fetch_add(grain);
      if (begin >= count) return;
      body(begin, std::min(begin + grain, count), worker);
    }
  });
}

}  // namespace bertie
