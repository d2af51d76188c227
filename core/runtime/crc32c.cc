#include "runtime/crc32c.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "runtime/cpu.h"

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
// In assembly, since compilers disagree on which of their features the intrinsics need.
uint32_t by_instruction(const uint8_t* data, size_t size, uint32_t before) {
  uint64_t wide = static_cast<uint32_t>(~before);
  for (; size >= 8; data += 8, size -= 8) asm("crc32q %1, %0" : "+r"(wide) : "r"(load(data)));
  auto value = static_cast<uint32_t>(wide);
  for (; size > 0; ++data, --size) asm("crc32b %1, %0" : "+r"(value) : "q"(*data));
  return ~value;
}

constexpr const char* feature = "sse4_2";
#elif defined(__aarch64__)
uint32_t by_instruction(const uint8_t* data, size_t size, uint32_t before) {
  uint32_t value = ~before;
  for (; size >= 8; data += 8, size -= 8) {
    asm(".arch_extension crc\n\tcrc32cx %w0, %w0, %1" : "+r"(value) : "r"(load(data)));
  }
  for (; size > 0; ++data, --size) {
    asm(".arch_extension crc\n\tcrc32cb %w0, %w0, %w1" : "+r"(value) : "r"(*data));
  }
  return ~value;
}

constexpr const char* feature = "crc32";
#else
uint32_t by_instruction(const uint8_t* data, size_t size, uint32_t before) {
  return crc32c_by_tables(data, size, before);
}

constexpr const char* feature = "";
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
  static const bool fast = cpu_has(feature);
  return fast ? by_instruction(data, size, before) : crc32c_by_tables(data, size, before);
}

}  // namespace bertie
