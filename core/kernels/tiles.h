// Intel's tile registers (AMX; Software Developer's Manual, volume 1, chapter 18): eight of up to
// 16 rows of up to 64 bytes. `C += A x B` takes four bytes or two bfloat16 at a time: those of row
// m of A times those of column n of B, where B's row k holds the k-th four bytes of each of 16
// columns.
#pragma once

#include <cstdint>

#include "kernels/formats.h"  // IWYU pragma: keep: for the stand-in
#include "kernels/vec.h"      // IWYU pragma: keep

namespace bertie::BERTIE_ISA {

constexpr int64_t tile_height = 16;     // rows at most
constexpr int64_t tile_row_bytes = 64;  // bytes of each, at most

// What the registers hold, as the instruction that says so reads it.
struct alignas(64) TileShapes {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
  void set(int tile, int64_t height) {
    rows[tile] = static_cast<uint8_t>(height);
    row_bytes[tile] = height > 0 ? tile_row_bytes : 0;
  }
};

#if defined(BERTIE_TILES)  // a test's stand-in for the registers
#include BERTIE_TILES
#else

// Assembly, for GCC's intrinsics want a register's number spelt out. Volatile keeps the order.
inline void set_shapes(const TileShapes& shapes) { asm volatile("ldtilecfg %0" : : "m"(shapes)); }
// Registers that hold nothing cost nothing when threads switch.
inline void release_tiles() { asm volatile("tilerelease"); }

template <int Tile>
inline void clear_tile() {
  asm volatile("tilezero %%tmm%c0" : : "i"(Tile));
}
// stride: bytes from row to row.
template <int Tile>
inline void load_tile(const void* p, int64_t stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(Tile) : "memory");
}
template <int Tile>
inline void store_tile(void* p, int64_t stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(stride), "i"(Tile) : "memory");
}
// Unsigned bytes of A times signed ones of B, summed exactly.
template <int C, int A, int B>
inline void add_tile_bytes() {
  asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
}
template <int C, int A, int B>
inline void add_tile_bfloat16() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
}

#endif

}  // namespace bertie::BERTIE_ISA
