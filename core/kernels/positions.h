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

// Room before the keys and the scores, and behind them: rows of a product end at different columns,
// and begin at a whole vector of the table's.
constexpr int64_t skew_room = round_up(F32::lanes + query_rows, 16);

// Expanded tables. The column of a product's first query and its key 0 is `origin`; one query
// further it is one less.
struct Expanded {
  const float* key = nullptr;
  const float* query = nullptr;
  int64_t stride = 0;
  int64_t origin = 0;
};

// Scores of a vector of the table's columns. They belong to other keys for each query, so that the
// tables, which all queries share, are read in whole vectors and only once.
// Not inlined, for the reason that multiply_columns has.
template <int R, bool Key, bool Query>
[[gnu::noinline]] inline void positioned_columns(const Product& p, const Expanded& positions,
                                                 int64_t column) {
  F32 sums[R];
  for (int r = 0; r < R; ++r) sums[r] = F32::zero();
  const int64_t first = column - positions.origin;  // key of the first query
  const float *a = p.a, *keys = p.b + first;
  const float* key_table = Key ? positions.key + column : nullptr;
  const float* query_table = Query ? positions.query + column : nullptr;
  for (int64_t i = 0; i < p.k; ++i) {
    const F32 key_row = Key ? F32::load(key_table) : F32::zero();
    const F32 query_row = Query ? F32::load(query_table) : F32::zero();
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const F32 q = F32::set(a[r * p.a_stride + i]);
      if (Key) sums[r] = fma(q, key_row, sums[r]);
      // key · (query + table): keys, which lie across cache lines, are read once.
      sums[r] = fma(Query ? q + query_row : q, F32::load(keys + r), sums[r]);
    }
    keys += p.b_stride;
    if (Key) key_table += positions.stride;
    if (Query) query_table += positions.stride;
  }
  for (int r = 0; r < R; ++r) {
    (sums[r] * F32::set(p.factors[r])).store(p.out + r * p.out_stride + first + r - p.begin);
  }
}

// As multiply_rows, of keys side by side. What stands in the room around keys and scores is read
// and written, but doesn't count.
template <int R>
inline void multiply_positioned(const Product& p, const Expanded& positions) {
  if (p.rows != R) {
    if constexpr (R > 1) multiply_positioned<R - 1>(p, positions);
    return;
  }
  const int64_t begin = (positions.origin - (R - 1) + p.begin) / F32::lanes * F32::lanes;
  const int64_t end = positions.origin + p.end;
  for (int64_t column = begin; column < end; column += F32::lanes) {
    if (positions.query == nullptr) {
      positioned_columns<R, true, false>(p, positions, column);
    } else if (positions.key == nullptr) {
      positioned_columns<R, false, true>(p, positions, column);
    } else {
      positioned_columns<R, true, true>(p, positions, column);
    }
  }
  if (p.bias == nullptr) return;
  for (int r = 0; r < R; ++r) {
    for (int64_t column = p.begin; column < p.end; column += F32::lanes) {
      float* out = p.out + r * p.out_stride + column - p.begin;
      fma(F32::load(p.bias - r + column), F32::set(per_e), F32::load(out)).store(out);
    }
  }
}

}  // namespace bertie::BERTIE_ISA
