// The inner loop of every product: a tile of rows × vectors of sums held in registers.
#pragma once

#include <cstdint>

#include "kernels/formats.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

constexpr int panel_vectors = F32::registers == 32 ? 4 : 2;
constexpr int tile_rows = 6;
constexpr int64_t panel_width = panel_vectors * F32::lanes;

// sums[r][v] = the products of a's row r with column vector v of b, added in order of k. Each sum
// is one chain of multiply-adds, whatever R and V are: a row's result never depends on its
// neighbours. Strides are in elements; b's is from step to step, and a step is `depth` inputs.
template <typename Format, int R, int V>
  requires(!Matrix<Format>)
inline void multiply(const typename Format::Element* a, int64_t a_stride,
                     const typename Format::Element* b, int64_t b_stride, int64_t steps,
                     typename Format::Sum (&sums)[R][V]) {
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) sums[r][v] = Format::Sum::zero();
  }
  for (int64_t i = 0; i < steps; ++i) {
    typename Format::Column column[V];
    for (int v = 0; v < V; ++v) {
      column[v] = Format::column(b + i * b_stride + v * F32::lanes * Format::depth);
    }
#pragma GCC unroll 16  // every R: clang leaves sums in memory where a step is assembly
    for (int r = 0; r < R; ++r) {
      const auto x = Format::row(a + r * a_stride + i * Format::depth);
      for (int v = 0; v < V; ++v) sums[r][v] = Format::add(sums[r][v], x, column[v]);
    }
  }
}

// Calls body.operator()<R>(first row) over tiles of up to `tile_rows` rows, of like height: 14 rows
// are 5 + 5 + 4, not 6 + 6 + 2, since short tiles leave multipliers idle. Heights are multiples of
// `unit`, which divides tile_rows, but for the last.
template <typename Body>
inline void for_tiles(int64_t rows, int64_t unit, const Body& body) {
  int64_t row = 0;
  for (int64_t tiles = (rows + tile_rows - 1) / tile_rows; row < rows; --tiles) {
    const int64_t even = round_up((rows - row + tiles - 1) / tiles, unit);
    const int64_t height = even < rows - row ? even : rows - row;
    switch (height) {
      case 1:
        body.template operator()<1>(row);
        break;
      case 2:
        body.template operator()<2>(row);
        break;
      case 3:
        body.template operator()<3>(row);
        break;
      case 4:
        body.template operator()<4>(row);
        break;
      case 5:
        body.template operator()<5>(row);
        break;
      default:
        body.template operator()<6>(row);
        break;
    }
    row += height;
  }
}

}  // namespace bertie::BERTIE_ISA
