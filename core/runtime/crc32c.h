#pragma once

#include <cstddef>
#include <cstdint>

namespace bertie {

// CRC-32C (Castagnoli's polynomial; RFC 3720, appendix B.4), by the CPU's own instruction where it
// has one. `before` is the checksum of what came before `data`.
uint32_t crc32c(const uint8_t* data, size_t size, uint32_t before = 0);

// The same by tables, as on any CPU.
uint32_t crc32c_by_tables(const uint8_t* data, size_t size, uint32_t before = 0);

}  // namespace bertie
