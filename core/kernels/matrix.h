// bfloat16 and int8 on aarch64's matrix instructions (bfmmla, usmmla): two rows times two output
// channels at once, four or eight inputs deep. Panels and operands lie as everywhere else, only
// deeper; sums of two rows share a register until the end.
#pragma once

#include <cstdint>

#include "kernels/formats.h"
#include "kernels/tile.h"

namespace bertie::BERTIE_ISA {

#if defined(BERTIE_MATRIX)

struct MatrixInt8 : Int8 {
  static constexpr int64_t depth = 8;
  using Block = int32x4_t;   // row 0 × channels 0 and 1, row 1 × channels 0 and 1
  using Rows = uint8x16_t;   // eight inputs of each of two rows
  using Column = int8x16_t;  // eight weights of each of two channels
  static Rows rows(const Element* first, const Element* second) {
    return vcombine_u8(vld1_u8(first), second != nullptr ? vld1_u8(second) : vdup_n_u8(0));
  }
  static Column column(const Element* p) { return vreinterpretq_s8_u8(vld1q_u8(p)); }
  static Block add(Block total, Rows a, Column b) { return vusmmlaq_s32(total, a, b); }
  static Sum first_row(Block left, Block right) {
    return {vcombine_s32(vget_low_s32(left), vget_low_s32(right))};
  }
  static Sum second_row(Block left, Block right) {
    return {vcombine_s32(vget_high_s32(left), vget_high_s32(right))};
  }
};

struct MatrixBfloat16 : Bfloat16 {
  static constexpr int64_t depth = 4;
  using Block = float32x4_t;
  using Rows = bfloat16x8_t;
  using Column = bfloat16x8_t;
  static Rows rows(const Element* first, const Element* second) {
    const uint16x4_t none = vdup_n_u16(0);
    return vreinterpretq_bf16_u16(
        vcombine_u16(vld1_u16(first), second != nullptr ? vld1_u16(second) : none));
  }
  static Column column(const Element* p) { return vreinterpretq_bf16_u16(vld1q_u16(p)); }
  static Block add(Block total, Rows a, Column b) { return vbfmmlaq_f32(total, a, b); }
  static Sum first_row(Block left, Block right) {
    return {vcombine_f32(vget_low_f32(left), vget_low_f32(right))};
  }
  static Sum second_row(Block left, Block right) {
    return {vcombine_f32(vget_high_f32(left), vget_high_f32(right))};
  }
};

#endif

// As multiply() of tile.h. A row's sums don't depend on the row it shares registers with.
template <typename Format, int R, int V>
  requires Matrix<Format>
inline void multiply(const typename Format::Element* a, int64_t a_stride,
                     const typename Format::Element* b, int64_t b_stride, int64_t steps,
                     typename Format::Sum (&sums)[R][V]) {
  constexpr int pairs = (R + 1) / 2, columns = 2 * V;
  typename Format::Block blocks[pairs][columns] = {};
  for (int64_t i = 0; i < steps; ++i, a += Format::depth, b += b_stride) {
    typename Format::Rows rows[pairs];
    for (int p = 0; p < pairs; ++p) {
      const typename Format::Element* row = a + 2 * p * a_stride;
      rows[p] = Format::rows(row, 2 * p + 1 < R ? row + a_stride : nullptr);
    }
    for (int c = 0; c < columns; ++c) {
      const auto column = Format::column(b + 2 * c * Format::depth);
      for (int p = 0; p < pairs; ++p) blocks[p][c] = Format::add(blocks[p][c], rows[p], column);
    }
  }
  for (int r = 0; r < R; ++r) {
    const auto& row = blocks[r / 2];
    for (int v = 0; v < V; ++v) {
      sums[r][v] = r % 2 == 0 ? Format::first_row(row[2 * v], row[2 * v + 1])
                              : Format::second_row(row[2 * v], row[2 * v + 1]);
    }
  }
}

// As multiply_registers() of peak.h.
template <typename Format>
  requires Matrix<Format>
inline float multiply_registers(int64_t steps) {
  constexpr int pairs = tile_rows / 2, columns = 2 * panel_vectors;
  const typename Format::Element operands[2 * Format::depth] = {};
  const typename Format::Element* unknown = operands;
  asm volatile("" : "+r"(unknown) : : "memory");
  const auto column = Format::column(unknown);
  typename Format::Block blocks[pairs][columns] = {};
  for (int64_t i = 0; i < steps; ++i) {
    asm volatile("" : "+r"(unknown));
    const auto rows = Format::rows(unknown, unknown + Format::depth);
    for (auto& pair : blocks) {
      for (auto& block : pair) block = Format::add(block, rows, column);
    }
  }
  float total = 0.0f;
  for (auto& pair : blocks) {
    for (auto& block : pair) total += largest(as_float(Format::first_row(block, block)));
  }
  return total;
}

}  // namespace bertie::BERTIE_ISA
