// The products of attention: a few rows, held in registers, times panels of keys or rows of values.
#pragma once

#include <cstdint>

#include "kernels/formats.h"
#include "kernels/tile.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// Columns of a product that are summed side by side, in vectors; and the most rows that the
// registers then hold.
constexpr int score_vectors = 2;
constexpr int query_rows = F32::registers == 32 ? 12 : 6;
constexpr int64_t key_panel = score_vectors * F32::lanes;  // keys that lie side by side

constexpr float per_e = 1.44269504f;  // e^x is 2^(x * this)

// Keys (k, columns) transposed, in panels of key_panel, the last of which may be a vector wide.
struct Panels {
  const float* data = nullptr;
  int64_t columns = 0;                    // whole vectors
  int64_t stride(int64_t column) const {  // from step to step
    const int64_t left = columns - column / key_panel * key_panel;
    return left < key_panel ? left : key_panel;
  }
  const float* column(int64_t column, int64_t k) const {
    const int64_t panel = column / key_panel * key_panel;
    return data + panel * k + (column - panel);
  }
};

// A product whose row r is multiplied by factors[r], added to where there is a bias or an earlier
// result, and stored as far as it is wide.
struct Product {
  const float* a = nullptr;  // (rows, k)
  int64_t a_stride = 0;
  int64_t rows = 0;                // at most query_rows
  const Panels* panels = nullptr;  // what it is multiplied with, or
  const float* b = nullptr;        // (k, columns)
  int64_t b_stride = 0;
  int64_t k = 0;
  int64_t begin = 0;  // columns, from a whole vector on
  int64_t end = 0;
  const float* factors = nullptr;
  const float* bias = nullptr;     // powers of e; row r begins r before it, and fills whole vectors
  const float* rescale = nullptr;  // what stands in `out` is multiplied by this, and stays a part
  float* out = nullptr;            // (rows, end - begin)
  int64_t out_stride = 0;
};

// Not inlined: GCC 12 then keeps some sums on the stack.
template <int R, int V>
[[gnu::noinline]] inline void multiply_columns(const Product& p, int64_t column) {
  F32 sums[R][V];
  if (p.panels != nullptr) {
    multiply<Float32, R, V>(p.a, p.a_stride, p.panels->column(column, p.k),
                            p.panels->stride(column), p.k, sums);
  } else {
    multiply<Float32, R, V>(p.a, p.a_stride, p.b + column, p.b_stride, p.k, sums);
  }
  const bool plain = p.bias == nullptr && p.rescale == nullptr;
  if (plain && column + V * F32::lanes <= p.end) {
#pragma GCC unroll 16  // else sums, here and below, go through memory
    for (int r = 0; r < R; ++r) {
      const F32 factor = F32::set(p.factors[r]);
      float* out = p.out + r * p.out_stride + column - p.begin;
      for (int v = 0; v < V; ++v) (sums[r][v] * factor).store(out + v * F32::lanes);
    }
    return;
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r) {
    const F32 factor = F32::set(p.factors[r]);
    for (int v = 0; v < V; ++v) {
      const int64_t at = column + v * F32::lanes, left = p.end - at;
      float* out = p.out + r * p.out_stride + at - p.begin;
      F32 y = sums[r][v] * factor;
      if (p.bias != nullptr) y = fma(F32::load(p.bias - r + at), F32::set(per_e), y);
      if (p.rescale != nullptr) {
        const F32 before = left >= F32::lanes ? F32::load(out) : F32::load_part(out, left);
        y = fma(before, F32::set(p.rescale[r]), y);
      }
      if (left >= F32::lanes) {
        y.store(out);
      } else {
        y.store_part(out, left);
      }
    }
  }
}

template <int R>
inline void multiply_rows(const Product& p) {
  if (p.rows != R) {
    if constexpr (R > 1) multiply_rows<R - 1>(p);
    return;
  }
  const int64_t end = round_up(p.end, F32::lanes);
  for (int64_t column = p.begin; column < end;) {
    if (column % key_panel == 0 && column + key_panel <= end) {
      multiply_columns<R, score_vectors>(p, column);
      column += key_panel;
    } else {
      multiply_columns<R, 1>(p, column);
      column += F32::lanes;
    }
  }
}

}  // namespace bertie::BERTIE_ISA
