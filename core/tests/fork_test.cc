// Where processes fork. ThreadSanitizer doesn't follow a fork with threads, and qemu's emulation
// breaks at one.
#include <doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "runtime/thread_pool.h"

using namespace bertie;

namespace {

// Forks; whether what the child does comes to a good end within ten seconds.
bool child_succeeds(const std::function<bool()>& task) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    _exit(task() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status == 0;
}

}  // namespace

TEST_CASE("a forked child has workers of its own") {
  ThreadPool pool(3);
  pool.run([](int) {});
  CHECK(child_succeeds([&] {
    std::atomic<int> runs{0};
    pool.run([&](int) { ++runs; });
    return runs == 3;
  }));
}

TEST_CASE("a child forked in the middle of another thread's job can use the pool") {
  ThreadPool pool(2);
  std::atomic<int> inside{0};
  std::atomic<bool> over{false};
  std::thread caller([&] {
    pool.run([&](int) {
      ++inside;
      while (!over) std::this_thread::yield();
    });
  });
  // Both workers: AddressSanitizer holds a lock while a thread begins, which a child would inherit.
  while (inside < pool.size()) std::this_thread::yield();
  CHECK(child_succeeds([&] {
    std::atomic<int> runs{0};
    pool.run([&](int) { ++runs; });
    return runs == 2;
  }));
  over = true;
  caller.join();
}

TEST_CASE("what a child never asks for, it leaves alone") {
  CHECK(child_succeeds([] {
    auto pool = std::make_unique<ThreadPool>(2);
    pool->run([](int) {});
    return child_succeeds([&] {
      pool.reset();  // joining the parent's workers would hang
      return true;
    });
  }));
}
