// Scores with relative positions. Both tables are laid out once in the order of the distance, so
// that what a query's row or a key's column needs of them is read straight on, one place further
// for each query.
#pragma once

#include <cstdint>

#include "kernels/formats.h"
#include "kernels/kernels.h"
#include "kernels/product.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// Floats from row to row of an expanded table: room for whole vectors at the end, and an odd number
// of cache lines, for rows a power of two apart would share few places of the cache.
inline int64_t expanded_stride(int64_t length) {
  return round_up(2 * length - 1 + F32::lanes, 32) + 16;
}

// out (head_size, 2 * length - 1): column c is the row of the table for the distance
// length - 1 - c.
inline void expand(const RelativePositions& positions, const float* table, int64_t length,
                   int64_t head_size, float* out) {
  const int64_t stride = expanded_stride(length), columns = 2 * length - 1;
  const int64_t whole = head_size / F32::lanes * F32::lanes;
  float block[F32::lanes * F32::lanes];
  for (int64_t c = 0; c < columns; c += F32::lanes) {
    const int64_t count = columns - c < F32::lanes ? columns - c : F32::lanes;
    const float* rows[F32::lanes];
    for (int64_t i = 0; i < count; ++i) {
      rows[i] = table + positions.rows[length - 1 - c - i] * positions.stride;
    }
    for (int64_t d = 0; d < whole; d += F32::lanes) {
      for (int64_t i = 0; i < count; ++i) F32::load(rows[i] + d).store(block + i * F32::lanes);
      transpose(block, F32::lanes, count, out + d * stride + c, stride);
    }
    for (int64_t d = whole; d < head_size; ++d) {
      for (int64_t i = 0; i < count; ++i) out[d * stride + c + i] = rows[i][d];
    }
  }
  for (int64_t d = 0; d < head_size; ++d) {  // read with the last vector, though never used
    for (int64_t c = columns; c < columns + F32::lanes; ++c) out[d * stride + c] = 0.0f;
  }
}

// Expanded tables, from the column for the first query and key 0 of a product on.
struct Expanded {
  const float* key = nullptr;
  const float* query = nullptr;
  int64_t stride = 0;
};

template <int R, bool Key, bool Query>
inline void positioned_column(const Product& p, const Expanded& positions, int64_t column) {
  F32 sums[R];
  for (int r = 0; r < R; ++r) sums[r] = F32::zero();
  const float *a = p.a, *b = p.panels->column(column, p.k);
  const float* key = Key ? positions.key + column : nullptr;
  const float* query = Query ? positions.query + column : nullptr;
  const int64_t b_stride = p.panels->stride(column);
  for (int64_t i = 0; i < p.k; ++i) {
    const F32 k = F32::load(b);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const F32 q = F32::set(a[r * p.a_stride + i]);
      sums[r] = fma(q, k, sums[r]);
      if (Key) sums[r] = fma(q, F32::load(key - r), sums[r]);
      if (Query) sums[r] = fma(k, F32::load(query - r), sums[r]);
    }
    b += b_stride;
    if (Key) key += positions.stride;
    if (Query) query += positions.stride;
  }
  for (int r = 0; r < R; ++r) {
    F32 y = sums[r] * F32::set(p.factors[r]);
    if (p.bias != nullptr) y = fma(F32::load(p.bias - r + column), F32::set(per_e), y);
    y.store(p.out + r * p.out_stride + column - p.begin);
  }
}

// As multiply_rows, of keys in panels and to whole vectors.
template <int R>
inline void multiply_positioned(const Product& p, const Expanded& positions) {
  if (p.rows != R) {
    if constexpr (R > 1) multiply_positioned<R - 1>(p, positions);
    return;
  }
  for (int64_t column = p.begin; column < p.end; column += F32::lanes) {
    if (positions.query == nullptr) {
      positioned_column<R, true, false>(p, positions, column);
    } else if (positions.key == nullptr) {
      positioned_column<R, false, true>(p, positions, column);
    } else {
      positioned_column<R, true, true>(p, positions, column);
    }
  }
}

}  // namespace bertie::BERTIE_ISA
