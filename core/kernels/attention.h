// softmax(scale * Q K^T + bias) V for one head of one sequence, a block of queries at a time: the
// scores of those queries against all keys fit the first-level cache, and no larger score matrix
// exists.
#pragma once

#include "kernels/activation.h"
#include "kernels/tile.h"

namespace bertie::BERTIE_ISA {

// Queries that share one reading of the keys and values.
constexpr int query_rows = 2 * tile_rows;
// From this length on values are copied side by side; below, they are read where they lie.
constexpr int64_t copied_length = 48;

struct AttentionScratch {
  int64_t keys;    // length, rounded up to whole vectors
  int64_t values;  // head size, rounded up to whole vectors
  int64_t key_floats, value_floats, score_floats;
  AttentionScratch(int64_t length, int64_t head_size)
      : keys(round_up(length, F32::lanes)),
        values(round_up(head_size, F32::lanes)),
        key_floats(round_up(values * keys, 16)),
        value_floats(round_up(length * values, 16)),
        score_floats(query_rows * keys) {}
};

inline int64_t attention_scratch(int64_t length, int64_t head_size) {
  const AttentionScratch s(length, head_size);
  return s.key_floats + s.value_floats + s.score_floats;
}

constexpr float per_e = 1.44269504f;  // e^x is 2^(x * this)

// A product whose row r is multiplied by factors[r], added to where there is a bias, and stored as
// far as it is wide.
struct Product {
  const float* a = nullptr;  // (rows, k)
  int64_t a_stride = 0;
  int64_t rows = 0;
  const float* b = nullptr;  // (k, width rounded up to whole vectors)
  int64_t b_stride = 0;
  int64_t k = 0;
  const float* factors = nullptr;
  const float* bias = nullptr;  // powers of e; row r begins r before it, and fills whole vectors
  float* out = nullptr;         // (rows, width)
  int64_t out_stride = 0;
  int64_t width = 0;
};

template <int R, int V>
inline void multiply_tile(const Product& p, int64_t row, int64_t column) {
  F32 sums[R][V];
  multiply<Float32, R, V>(p.a + row * p.a_stride, p.a_stride, p.b + column, p.b_stride, p.k, sums);
  for (int r = 0; r < R; ++r) {
    const F32 factor = F32::set(p.factors[row + r]);
    for (int v = 0; v < V; ++v) {
      const int64_t left = p.width - column - v * F32::lanes;
      float* out = p.out + (row + r) * p.out_stride + column + v * F32::lanes;
      F32 y = sums[r][v] * factor;
      if (p.bias != nullptr) {
        y = fma(F32::load(p.bias - (row + r) + column + v * F32::lanes), F32::set(per_e), y);
      }
      if (left >= F32::lanes) {
        y.store(out);
      } else {
        y.store_part(out, left);
      }
    }
  }
}

template <int V>
inline void multiply_columns(const Product& p, int64_t column) {
  if constexpr (V <= 2 && F32::registers == 32) {  // narrow, so there are registers for more rows
    if (p.rows == query_rows) return multiply_tile<query_rows, V>(p, 0, column);
  }
  for_tiles(p.rows, 1, [&]<int R>(int64_t row) { multiply_tile<R, V>(p, row, column); });
}

inline void multiply_all(const Product& p) {
  const int64_t columns = round_up(p.width, F32::lanes);
  int64_t column = 0;
  for (; column + panel_width <= columns; column += panel_width) {
    multiply_columns<panel_vectors>(p, column);
  }
  if constexpr (panel_vectors > 2) {
    if (column + 2 * F32::lanes <= columns) {
      multiply_columns<2>(p, column);
      column += 2 * F32::lanes;
    }
  }
  if (column < columns) multiply_columns<1>(p, column);
}

// Turns scores (length, with room for whole vectors) into 2^(score - largest); returns the inverse
// of their sum, which the caller applies once to each output instead of once to each weight.
inline float softmax_weights(float* scores, int64_t length) {
  const int64_t whole = length / F32::lanes * F32::lanes, left = length - whole;
  const float lowest = -__builtin_inff();
  F32 top = F32::set(lowest);
  for (int64_t i = 0; i < whole; i += F32::lanes) top = max(top, F32::load(scores + i));
  if (left > 0) top = max(top, F32::load_part(scores + whole, left, lowest));
  const F32 peak = F32::set(largest(top));
  F32 total = F32::zero();
  for (int64_t i = 0; i < whole; i += F32::lanes) {
    const F32 e = exp2(F32::load(scores + i) - peak);
    e.store(scores + i);
    total = total + e;
  }
  if (left > 0) {
    const F32 e = keep_first(exp2(F32::load(scores + whole) - peak), left);
    e.store(scores + whole);
    total = total + e;
  }
  return 1.0f / sum(total);
}

// keys (head_size, length) transposed; columns beyond the length, up to whole vectors, are zeros.
inline void transpose_keys(const AttentionArgs& args, int64_t length, int64_t stride, float* out) {
  const int64_t whole = args.head_size / F32::lanes * F32::lanes;
  for (int64_t t = 0; t < length; t += F32::lanes) {
    const int64_t count = length - t;
    for (int64_t d = 0; d < whole; d += F32::lanes) {
      transpose(args.key + t * args.stride + d, args.stride, count, out + d * stride + t, stride);
    }
    for (int64_t d = whole; d < args.head_size; ++d) {
      for (int64_t i = 0; i < F32::lanes; ++i) {
        out[d * stride + t + i] = i < count ? args.key[(t + i) * args.stride + d] : 0.0f;
      }
    }
  }
}

// values (length, head_size) side by side, each row padded by zeros to whole vectors.
inline void copy_values(const AttentionArgs& args, int64_t length, int64_t stride, float* out) {
  for (int64_t t = 0; t < length; ++t, out += stride) {
    const float* value = args.value + t * args.stride;
    int64_t d = 0;
    for (; d + F32::lanes <= args.head_size; d += F32::lanes) F32::load(value + d).store(out + d);
    if (d < args.head_size) F32::load_part(value + d, args.head_size - d).store(out + d);
  }
}

inline void attention(const AttentionArgs& args) {
  const int64_t length = args.keys > 0 ? args.keys : args.length;
  const AttentionScratch sizes(length, args.head_size);
  float* keys = args.scratch;                   // (head_size, sizes.keys)
  float* copies = keys + sizes.key_floats;      // (length, sizes.values)
  float* scores = copies + sizes.value_floats;  // (query_rows, sizes.keys)
  transpose_keys(args, length, sizes.keys, keys);
  const bool in_place = length < copied_length && sizes.values == args.head_size;
  if (!in_place) copy_values(args, length, sizes.values, copies);
  const float* values = in_place ? args.value : copies;
  const int64_t value_stride = in_place ? args.stride : sizes.values;
  float scales[query_rows], factors[query_rows];
  for (float& scale : scales) scale = args.scale * per_e;
  for (int64_t first = 0; first < args.length; first += query_rows) {
    const int64_t rows = args.length - first < query_rows ? args.length - first : query_rows;
    multiply_all({.a = args.query + first * args.stride,
                  .a_stride = args.stride,
                  .rows = rows,
                  .b = keys,
                  .b_stride = sizes.keys,
                  .k = args.head_size,
                  .factors = scales,
                  .bias = args.bias == nullptr ? nullptr : args.bias - first,
                  .out = scores,
                  .out_stride = sizes.keys,
                  .width = sizes.keys});
    for (int64_t r = 0; r < rows; ++r) {
      factors[r] = softmax_weights(scores + r * sizes.keys, length);
    }
    multiply_all({.a = scores,
                  .a_stride = sizes.keys,
                  .rows = rows,
                  .b = values,
                  .b_stride = value_stride,
                  .k = length,
                  .factors = factors,
                  .out = args.out + first * args.out_stride,
                  .out_stride = args.out_stride,
                  .width = args.head_size});
  }
}

}  // namespace bertie::BERTIE_ISA
