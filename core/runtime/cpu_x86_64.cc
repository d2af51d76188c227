// By CPUID and XGETBV (Intel, Software Developer's Manual, volume 2A, CPUID, and volume 1, chapter
// 13; AMD has the same bits).
#include <cpuid.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/cpu.h"
#include "runtime/system.h"

namespace bertie {
namespace {

enum Register { eax, ebx, ecx, edx };
using Registers = std::array<uint32_t, 4>;

// The registers that a leaf gives; zeros where the CPU has no such leaf.
Registers cpuid(uint32_t leaf, uint32_t subleaf) {
  Registers r{};
  if (__get_cpuid_count(leaf, subleaf, &r[eax], &r[ebx], &r[ecx], &r[edx]) == 0) return {};
  return r;
}

// The vector state that the system saves when it switches threads (XCR0's bits).
constexpr uint64_t none = 0, avx = 0b110, avx512 = 0b1110'0110, tiles = uint64_t{0b11} << 17;

uint64_t saved_state() {
  constexpr uint32_t osxsave = 1u << 27;
  if ((cpuid(1, 0)[ecx] & osxsave) == 0) return none;
  uint32_t low, high;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t{high} << 32 | low;
}

struct Feature {
  const char* name;
  uint32_t leaf, subleaf;
  Register reg;
  int bit;
  uint64_t state;  // without which the instructions fault
};

constexpr Feature known[] = {
    {"sse4_2", 1, 0, ecx, 20, none},
    {"fma", 1, 0, ecx, 12, avx},
    {"avx2", 7, 0, ebx, 5, avx},
    {"avx_vnni", 7, 1, eax, 4, avx},
    {"avx512f", 7, 0, ebx, 16, avx512},
    {"avx512bw", 7, 0, ebx, 30, avx512},
    {"avx512dq", 7, 0, ebx, 17, avx512},
    {"avx512vl", 7, 0, ebx, 31, avx512},
    {"avx512_vnni", 7, 0, ecx, 11, avx512},
    {"avx512_bf16", 7, 1, eax, 5, avx512},
    {"amx_bf16", 7, 0, edx, 22, tiles},
    {"amx_tile", 7, 0, edx, 24, tiles},
    {"amx_int8", 7, 0, edx, 25, tiles},
};

}  // namespace

std::vector<std::string> find_cpu_features() {
  uint64_t saved = saved_state();
  // Eight kilobytes a thread, which the system keeps for those that have asked for it.
  if ((saved & tiles) == tiles && !allow_tiles()) saved &= ~tiles;
  std::vector<std::string> found;
  for (const Feature& feature : known) {
    // A subleaf beyond the last that the CPU has gives zeros.
    const uint32_t bits = cpuid(feature.leaf, feature.subleaf)[feature.reg];
    if ((bits >> feature.bit & 1) != 0 && (saved & feature.state) == feature.state) {
      found.emplace_back(feature.name);
    }
  }
  return found;
}

std::string cpu_name() {
  constexpr uint32_t first = 0x8000'0002, last = 0x8000'0004;
  std::string name;
  for (uint32_t leaf = first; leaf <= last; ++leaf) {
    for (const uint32_t word : cpuid(leaf, 0)) {
      for (int shift = 0; shift < 32; shift += 8) name += static_cast<char>(word >> shift & 0xff);
    }
  }
  name.resize(name.find('\0') == std::string::npos ? name.size() : name.find('\0'));
  const auto begin = name.find_first_not_of(' ');
  return begin == std::string::npos ? ""
                                    : name.substr(begin, name.find_last_not_of(' ') - begin + 1);
}

CpuDesign cpu_design() {
  CpuDesign design;
  const Registers maker = cpuid(0, 0);
  for (const Register word : {ebx, edx, ecx}) {
    for (int shift = 0; shift < 32; shift += 8) {
      design.vendor += static_cast<char>(maker[word] >> shift & 0xff);
    }
  }
  const uint32_t version = cpuid(1, 0)[eax], family = version >> 8 & 0xf;
  design.family = static_cast<int>(family == 0xf ? family + (version >> 20 & 0xff) : family);
  return design;
}

}  // namespace bertie
