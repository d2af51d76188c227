#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace bertie {

// Threads that take one piece of work through its phases together: each does its share of a phase,
// then all wait for the last. A team of one waits for nobody.
class Team {
 public:
  explicit Team(int size) : size_(size) {}
  int size() const { return size_; }

  // The part of [0, count) that belongs to `rank`, in units of `unit`.
  struct Share {
    int64_t begin, end;
  };
  Share share(int rank, int64_t count, int64_t unit = 1) const {
    const int64_t units = (count + unit - 1) / unit;
    const int64_t begin = units * rank / size_ * unit;
    const int64_t end = units * (rank + 1) / size_ * unit;
    return {begin < count ? begin : count, end < count ? end : count};
  }

  // Waits until every member is here. Spins for some microseconds, since the others are busy with
  // like shares, then sleeps: on a condition, for libstdc++'s std::atomic::wait misses wake-ups
  // where the system has no futex (it looks at the value before it locks), as MinGW's does.
  void wait() {
    if (size_ == 1) return;
    const uint32_t round = round_.load(std::memory_order_acquire);
    if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size_) {
      arrived_.store(0, std::memory_order_relaxed);
      {
        std::lock_guard lock(mutex_);
        round_.store(round + 1, std::memory_order_release);
      }
      next_.notify_all();
      return;
    }
    for (int spin = 0; spin < spins; ++spin) {
      if (round_.load(std::memory_order_acquire) != round) return;
      pause();
    }
    std::unique_lock lock(mutex_);
    next_.wait(lock, [&] { return round_.load(std::memory_order_acquire) != round; });
  }

 private:
  static constexpr int spins = 2000;

  static void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  const int size_;
  std::atomic<int> arrived_{0};
  std::atomic<uint32_t> round_{0};
  std::mutex mutex_;
  std::condition_variable next_;
};

}  // namespace bertie
