#include <doctest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "runtime/cpu.h"
#include "runtime/crc32c.h"
#include "runtime/system.h"
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

TEST_CASE("a team of more members than cores wakes all of them, however often it waits") {
  ThreadPool pool(4);
  Team team(pool.size());
  std::atomic<int> ended{0};
  pool.run([&](int) {
    for (int phase = 0; phase < 10000; ++phase) team.wait();
    ++ended;
  });
  CHECK(ended == pool.size());
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

// Where there is Linux's own list: under Wine, too, and not where the CPU is emulated.
TEST_CASE("the features of the CPU are those that the system lists") {
  if (std::getenv("BERTIE_EXPECTED_ISAS") != nullptr) return;
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::set<std::string> listed;
  for (std::string line; listed.empty() && std::getline(cpuinfo, line);) {
    if (!line.starts_with("flags") && !line.starts_with("Features")) continue;
    std::istringstream words(line.substr(line.find(':') + 1));
    for (std::string word; words >> word;) listed.insert(word);
  }
#if defined(__linux__)
  REQUIRE_FALSE(listed.empty());
#endif
  if (listed.empty()) return;
  std::set<std::string> expected;
  for (const char* asked : {"sse4_2", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512dq",
                            "avx512vl", "avx512_vnni", "avx512_bf16", "amx_tile", "amx_int8",
                            "amx_bf16", "crc32", "asimddp", "i8mm", "bf16"}) {
    if (listed.contains(asked)) expected.insert(asked);
  }
  CHECK(std::set<std::string>(cpu_features().begin(), cpu_features().end()) == expected);
}

#if defined(__x86_64__)
TEST_CASE("the CPU's vendor and family are those that the system says") {
  std::ifstream cpuinfo("/proc/cpuinfo");
  std::map<std::string, std::string> said;
  for (std::string line; std::getline(cpuinfo, line) && !line.empty();) {
    if (line.find(": ") == std::string::npos) continue;
    said[line.substr(0, line.find_last_not_of("\t ", line.find(':') - 1) + 1)] =
        line.substr(line.find(": ") + 2);
  }
#if defined(__linux__)
  REQUIRE_FALSE(said.empty());
#endif
  if (said.empty()) return;
  CHECK(cpu_design().vendor == said["vendor_id"]);
  CHECK(std::to_string(cpu_design().family) == said["cpu family"]);
}
#endif

TEST_CASE("there is a core, and a quota only takes some away") {
  CHECK(affinity_cores() >= 1);
  CHECK(quota_cores() >= 0);
  CHECK(available_cores() >= 1);
  CHECK(available_cores() <= affinity_cores());
}

TEST_CASE("pages are zeros that can be written") {
  constexpr size_t bytes = 3'000'000;
  auto* pages = static_cast<unsigned char*>(allocate_pages(bytes));
  for (const size_t at : {size_t{0}, bytes / 2, bytes - 1}) {
    CHECK(pages[at] == 0);
    pages[at] = 1;
  }
  free_pages(pages, bytes);
}
