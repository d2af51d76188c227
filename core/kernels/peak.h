// The multiply-adds that a core can do when nothing but registers is involved: what the products
// are measured against.
#pragma once

#include <cstdint>

#include "kernels/formats.h"
#include "kernels/tile.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// Runs `steps` steps of a full tile on the same operands. Returns a number that depends on
// every sum, so that none is optimized away.
template <typename Format>
  requires(!Matrix<Format> && !Tiled<Format>)
inline float multiply_registers(int64_t steps) {
  using Element = typename Format::Element;
  Element operands[panel_width * Format::depth] = {};
  typename Format::Sum sums[tile_rows][panel_vectors];
  for (auto& tile_row : sums) {
    for (auto& sum : tile_row) sum = Format::Sum::zero();
  }
  const Element* unknown = operands;
  asm volatile("" : "+r"(unknown) : : "memory");  // the compiler can't know that they are zeros
  typename Format::Column columns[panel_vectors];
  for (int v = 0; v < panel_vectors; ++v) {
    columns[v] = Format::column(unknown + v * F32::lanes * Format::depth);
  }
  for (int64_t i = 0; i < steps; ++i) {
    asm volatile("" : "+r"(unknown));  // nor that they stay the same; one load a step is free
    const auto x = Format::row(unknown);
#pragma GCC unroll 8  // as in tile.h
    for (auto& tile_row : sums) {
      for (int v = 0; v < panel_vectors; ++v) tile_row[v] = Format::add(tile_row[v], x, columns[v]);
    }
  }
  float total = 0.0f;
  for (auto& tile_row : sums) {
    for (auto& sum : tile_row) total += largest(as_float(sum));
  }
  return total;
}

// Operations, two for each multiply-add, in a step of multiply_registers.
template <typename Format>
  requires(!Tiled<Format>)
constexpr int64_t step_operations() {
  return 2 * tile_rows * panel_width * Format::depth;
}

}  // namespace bertie::BERTIE_ISA
