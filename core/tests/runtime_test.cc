#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

#include "runtime/crc32c.h"
#include "runtime/team.h"
#include "runtime/thread_pool.h"

using namespace bertie;

TEST_CASE("every worker runs the job once") {
  ThreadPool pool(4);
  for (int round = 0; round < 100; ++round) {
    std::vector<std::atomic<int>> runs(4);
    pool.run([&](int worker) { ++runs[static_cast<size_t>(worker)]; });
    for (const auto& count : runs) CHECK(count == 1);
  }
}

TEST_CASE("for_each hands out every index once") {
  ThreadPool pool(3);
  for (const int64_t count : {0, 1, 7, 100}) {
    std::vector<std::atomic<int>> seen(static_cast<size_t>(count));
    pool.for_each(count, 8, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) ++seen[static_cast<size_t>(i)];
    });
    for (const auto& times : seen) CHECK(times == 1);
  }
}

TEST_CASE("a job's exception reaches the caller and the pool goes on working") {
  ThreadPool pool(3);
  for (const int thrower : {0, 2}) {
    CHECK_THROWS_AS(pool.run([&](int worker) {
      if (worker == thrower) throw std::runtime_error("broken");
    }),
                    std::runtime_error);
  }
  std::atomic<int> runs{0};
  pool.run([&](int) { ++runs; });
  CHECK(runs == 3);
}

TEST_CASE("callers on several threads take turns") {
  ThreadPool pool(2);
  std::atomic<int> runs{0};
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] {
      for (int round = 0; round < 50; ++round) pool.run([&](int) { ++runs; });
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(runs == 4 * 50 * 2);
}

// ThreadSanitizer doesn't follow a fork with threads, and qemu's emulation breaks at one.
#if !defined(__SANITIZE_THREAD__) && !defined(BERTIE_EMULATED)
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
  std::atomic<bool> inside{false}, over{false};
  std::thread caller([&] {
    pool.run([&](int) {
      inside = true;
      while (!over) std::this_thread::yield();
    });
  });
  while (!inside) std::this_thread::yield();
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
#endif

TEST_CASE("a team's shares cover the work in order") {
  for (const int size : {1, 2, 3, 7}) {
    for (const int64_t count : {0, 1, 5, 64}) {
      Team team(size);
      int64_t next = 0;
      for (int rank = 0; rank < size; ++rank) {
        const auto share = team.share(rank, count);
        CHECK(share.begin == next);
        next = share.end;
      }
      CHECK(next == count);
    }
  }
}

TEST_CASE("no member of a team passes a wait before the last arrives") {
  ThreadPool pool(3);
  Team team(pool.size());
  std::atomic<int> arrived{0};
  std::atomic<bool> early{false};
  pool.run([&](int) {
    for (int phase = 1; phase <= 200; ++phase) {
      ++arrived;
      team.wait();
      if (arrived < phase * pool.size()) early = true;
      team.wait();
    }
  });
  CHECK_FALSE(early);
}

TEST_CASE("CRC-32C gives the values of RFC 3720, appendix B.4") {
  std::vector<uint8_t> bytes(32, 0);
  CHECK(crc32c(bytes.data(), bytes.size()) == 0x8a9136aa);
  bytes.assign(32, 0xff);
  CHECK(crc32c(bytes.data(), bytes.size()) == 0x62a8ab43);
  std::iota(bytes.begin(), bytes.end(), uint8_t{0});
  CHECK(crc32c(bytes.data(), bytes.size()) == 0x46dd794e);
}

TEST_CASE("CRC-32C is the same by instruction, by tables and piece by piece") {
  std::vector<uint8_t> bytes(1000);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(i * i + 3 * i);
  for (const size_t begin : {0, 1, 7}) {
    for (size_t size = 0; begin + size <= bytes.size(); size += 13) {
      const uint8_t* data = bytes.data() + begin;
      const uint32_t whole = crc32c(data, size);
      CHECK(crc32c_by_tables(data, size) == whole);
      CHECK(crc32c(data + size / 3, size - size / 3, crc32c(data, size / 3)) == whole);
    }
  }
}
