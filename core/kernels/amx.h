// bfloat16 and int8 by Intel's tiles: two of rows times two of output channels, the sums in four
// registers. Panels and operands lie as everywhere else, padded to whole tiles.
#pragma once

#include <cstdint>

#include "kernels/formats.h"
#include "kernels/gemm.h"
#include "kernels/kernels.h"
#include "kernels/tile.h"
#include "kernels/tiles.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

struct TileInt8 : Int8 {
  static constexpr int64_t tile_inputs = 64;
  template <int C, int A, int B>
  static void add_tile() {
    add_tile_bytes<C, A, B>();
  }
};

// Added in the order of the tiles: the first numbers of all pairs in a tile, the second ones, then
// both to the sum so far.
struct TileBfloat16 : Bfloat16 {
  static constexpr int64_t tile_inputs = 32;
  template <int C, int A, int B>
  static void add_tile() {
    add_tile_bfloat16<C, A, B>();
  }
};

// Rows whose sums two tiles hold, one above the other.
struct TileRows {
  int64_t upper = 0, lower = 0;
  explicit TileRows(int64_t rows)
      : upper(rows > tile_height ? (rows + 1) / 2 : rows), lower(rows - upper) {}
  bool operator==(const TileRows&) const = default;
  TileShapes shapes() const {
    TileShapes all;
    for (const int tile : {0, 1, 4}) all.set(tile, upper);
    for (const int tile : {2, 3, 5}) all.set(tile, lower);
    for (const int tile : {6, 7}) all.set(tile, tile_height);
    return all;
  }
};

// Bytes from step to step of a panel, and from row to row of its sums.
constexpr int64_t panel_row_bytes = panel_width * 4;
constexpr int64_t tile_columns = tile_row_bytes / 4;

// sums (rows, 32) = rows of `a` times 32 channels of a panel, from `b` on. Lower: there are two
// tiles of rows. 0 and 1 are the sums of the upper one, 2 and 3 of the lower one, 4 and 5 the rows,
// 6 and 7 the channels.
template <typename Format, bool Lower>
inline void multiply_tiles(const uint8_t* a, int64_t a_stride, const uint8_t* b, int64_t tiles,
                           int64_t upper, float* sums) {
  clear_tile<0>();
  clear_tile<1>();
  if constexpr (Lower) {
    clear_tile<2>();
    clear_tile<3>();
  }
  for (int64_t i = 0; i < tiles; ++i) {
    load_tile<4>(a, a_stride);
    load_tile<6>(b, panel_row_bytes);
    Format::template add_tile<0, 4, 6>();
    load_tile<7>(b + tile_row_bytes, panel_row_bytes);
    Format::template add_tile<1, 4, 7>();
    if constexpr (Lower) {
      load_tile<5>(a + upper * a_stride, a_stride);
      Format::template add_tile<2, 5, 6>();
      Format::template add_tile<3, 5, 7>();
    }
    a += tile_row_bytes;
    b += tile_height * panel_row_bytes;
  }
  store_tile<0>(sums, panel_row_bytes);
  store_tile<1>(sums + tile_columns, panel_row_bytes);
  if constexpr (Lower) {
    store_tile<2>(sums + upper * panel_width, panel_row_bytes);
    store_tile<3>(sums + upper * panel_width + tile_columns, panel_row_bytes);
  }
}

// As multiply() of tile.h, of up to 32 rows and all channels of a panel. sums: (rows, panel_width).
template <typename Format>
inline void multiply_panel(const uint8_t* a, int64_t a_stride, const uint8_t* panel, int64_t inputs,
                           TileRows rows, float* sums) {
  static_assert(panel_width % (2 * tile_columns) == 0);
  const int64_t tiles = inputs / Format::tile_inputs;
  for (int64_t c = 0; c < panel_width; c += 2 * tile_columns) {
    const uint8_t* b = panel + c * 4;
    if (rows.lower > 0) {
      multiply_tiles<Format, true>(a, a_stride, b, tiles, rows.upper, sums + c);
    } else {
      multiply_tiles<Format, false>(a, a_stride, b, tiles, rows.upper, sums + c);
    }
  }
}

template <typename Format>
  requires Tiled<Format>
inline void gemm(const GemmArgs& args) {
  constexpr int64_t most_rows = 2 * tile_height;
  alignas(64) float sums[most_rows * panel_width];  // or whole numbers, of as many bytes
  const auto* a = static_cast<const uint8_t*>(args.a);
  const int64_t inputs = operand_elements<Format>(args.linear->in);
  const int64_t bytes = panel_bytes<Format>(args.linear->in);
  // Of like height, but for the last.
  const int64_t parts = (args.rows + most_rows - 1) / most_rows;
  const int64_t height = parts > 0 ? (args.rows + parts - 1) / parts : 0;
  TileRows shaped(0);
  for (int64_t p = args.panel_begin; p < args.panel_end; ++p) {
    const auto* panel = static_cast<const uint8_t*>(args.linear->weight) + p * bytes;
    for (int64_t first = 0; first < args.rows; first += height) {
      const int64_t count = args.rows - first < height ? args.rows - first : height;
      const TileRows rows(count);
      if (rows != shaped) set_shapes(rows.shapes());
      shaped = rows;
      multiply_panel<Format>(a + first * args.a_stride, args.a_stride, panel, inputs, rows, sums);
      for_tiles(count, 1, [&]<int R>(int64_t row) {
        typename Format::Sum tile[R][panel_vectors];
        for (int r = 0; r < R; ++r) {
          const float* from = sums + (row + r) * panel_width;
          for (int v = 0; v < panel_vectors; ++v) {
            tile[r][v] = Format::Sum::load(from + v * F32::lanes);
          }
        }
        finish_tile<Format, R>(args, tile, first + row, p * panel_width);
      });
    }
  }
  if (shaped.upper > 0) release_tiles();
}

// As multiply_registers() of peak.h.
template <typename Format>
  requires Tiled<Format>
inline float multiply_registers(int64_t steps) {
  set_shapes(TileRows(2 * tile_height).shapes());
  const uint8_t operands[tile_height * tile_row_bytes] = {};
  load_tile<4>(operands, tile_row_bytes);
  load_tile<5>(operands, tile_row_bytes);
  load_tile<6>(operands, tile_row_bytes);
  load_tile<7>(operands, tile_row_bytes);
  clear_tile<0>();
  clear_tile<1>();
  clear_tile<2>();
  clear_tile<3>();
  for (int64_t i = 0; i < steps; ++i) {
    Format::template add_tile<0, 4, 6>();
    Format::template add_tile<1, 4, 7>();
    Format::template add_tile<2, 5, 6>();
    Format::template add_tile<3, 5, 7>();
  }
  alignas(64) float sums[tile_height * tile_row_bytes / sizeof(float)];
  store_tile<3>(sums, tile_row_bytes);
  release_tiles();
  return sums[0];
}

template <typename Format>
  requires Tiled<Format>
constexpr int64_t step_operations() {
  return 2 * 4 * tile_height * tile_columns * Format::tile_inputs;
}

}  // namespace bertie::BERTIE_ISA
