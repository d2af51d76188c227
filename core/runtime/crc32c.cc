#include "runtime/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#elif defined(__aarch64__)
#include <arm_acle.h>
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace bertie {
namespace {

constexpr uint32_t polynomial = 0x82f63b78;  // its bits reversed, as the register is

// tables[n][b]: what the byte b does to the register when n bytes follow it.
using Tables = std::array<std::array<uint32_t, 256>, 8>;

constexpr Tables make_tables() {
  Tables tables{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t value = byte;
    for (int bit = 0; bit < 8; ++bit) value = value & 1 ? value >> 1 ^ polynomial : value >> 1;
    tables[0][byte] = value;
  }
  for (size_t n = 1; n < tables.size(); ++n) {
    for (uint32_t byte = 0; byte < 256; ++byte) {
      const uint32_t value = tables[n - 1][byte];
      tables[n][byte] = value >> 8 ^ tables[0][value & 255];
    }
  }
  return tables;
}

constexpr Tables tables = make_tables();

uint64_t load(const uint8_t* data) {
  uint64_t word;
  std::memcpy(&word, data, sizeof word);
  return word;
}

#if defined(__x86_64__)
// In assembly, since compilers disagree on the feature that the intrinsics need: sse4.2 or crc32.
uint32_t by_instruction(const uint8_t* data, size_t size, uint32_t before) {
  uint64_t wide = static_cast<uint32_t>(~before);
  for (; size >= 8; data += 8, size -= 8) asm("crc32q %1, %0" : "+r"(wide) : "r"(load(data)));
  auto value = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) asm("crc32b %1, %0" : "+r"(value) : "q"(*data));
  return ~value;
}

bool has_instruction() { return __builtin_cpu_supports("sse4.2"); }
#elif defined(__aarch64__)
__attribute__((target("+crc"))) uint32_t by_instruction(const uint8_t* data, size_t size,
                                                        uint32_t before) {
  uint32_t value = ~before;
  for (; size >= 8; data += 8, size -= 8) value = __crc32cd(value, load(data));
  for (; size > 0; ++data, --size) value = __crc32cb(value, *data);
  return ~value;
}

bool has_instruction() { return getauxval(AT_HWCAP) & HWCAP_CRC32; }
#else
uint32_t by_instruction(const uint8_t* data, size_t size, uint32_t before) {
  return crc32c_by_tables(data, size, before);
}

bool has_instruction() { return false; }
#endif

}  // namespace

uint32_t crc32c_by_tables(const uint8_t* data, size_t size, uint32_t before) {
  uint32_t value = ~before;
  for (; size >= 8; data += 8, size -= 8) {
    const uint64_t word = load(data) ^ value;
    value = 0;
    for (size_t byte = 0; byte < 8; ++byte) value ^= tables[7 - byte][word >> 8 * byte & 255];
  }
  for (; size > 0; ++data, --size) value = value >> 8 ^ tables[0][(value ^ *data) & 255];
  return ~value;
}

uint32_t crc32c(const uint8_t* data, size_t size, uint32_t before) {
  static const bool fast = has_instruction();
  return fast ? by_instruction(data, size, before) : crc32c_by_tables(data, size, before);
}

}  // namespace bertie
