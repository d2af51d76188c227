// softmax(scale * Q K^T) V for one head of one sequence, a few queries at a time: the scores of
// those queries against all keys fit the first-level cache, and no larger score matrix exists.
#pragma once

#include "kernels/activation.h"
#include "kernels/tile.h"

namespace bertie::BERTIE_ISA {

struct AttentionScratch {
  int64_t keys;    // length, rounded up to whole vectors
  int64_t values;  // head size, rounded up to whole vectors
  int64_t key_floats, value_floats, score_floats;
  AttentionScratch(int64_t length, int64_t head_size)
      : keys(round_up(length, F32::lanes)),
        values(round_up(head_size, F32::lanes)),
        key_floats(round_up(head_size * keys, 16)),
        value_floats(round_up(length * values, 16)),
        score_floats(tile_rows * keys) {}
};

inline int64_t attention_scratch(int64_t length, int64_t head_size) {
  const AttentionScratch s(length, head_size);
  return s.key_floats + s.value_floats + s.score_floats;
}

// sums of V vectors from column `first` on, for R rows, stored where `store(r, column, sum)` says.
template <int R, int V, typename Store>
inline void multiply_columns(const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                             int64_t k, int64_t first, const Store& store) {
  F32 sums[R][V];
  multiply<Float32, R, V>(a, a_stride, b + first, b_stride, k, sums);
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) store(r, first + v * F32::lanes, sums[r][v]);
  }
}

// a (R, k) @ b (k, columns), columns being whole vectors.
template <int R, typename Store>
inline void multiply_all(const float* a, int64_t a_stride, const float* b, int64_t b_stride,
                         int64_t k, int64_t columns, const Store& store) {
  int64_t first = 0;
  for (; first + panel_width <= columns; first += panel_width) {
    multiply_columns<R, panel_vectors>(a, a_stride, b, b_stride, k, first, store);
  }
  if constexpr (panel_vectors > 2) {
    if (first + 2 * F32::lanes <= columns) {
      multiply_columns<R, 2>(a, a_stride, b, b_stride, k, first, store);
      first += 2 * F32::lanes;
    }
  }
  if (first < columns) multiply_columns<R, 1>(a, a_stride, b, b_stride, k, first, store);
}

// Turns scores (length, padded to whole vectors) into weights that sum to 1 times the returned
// factor's inverse: the division is left to the caller, who does it once per output.
inline float softmax_weights(float* scores, int64_t length) {
  const float lowest = -__builtin_inff();
  F32 top = F32::set(lowest);
  int64_t i = 0;
  for (; i + F32::lanes <= length; i += F32::lanes) top = max(top, F32::load(scores + i));
  const int64_t left = length - i;
  if (left > 0) top = max(top, F32::load_part(scores + i, left, lowest));
  const F32 peak = F32::set(largest(top));
  F32 total = F32::zero();
  for (i = 0; i + F32::lanes <= length; i += F32::lanes) {
    const F32 e = exp(F32::load(scores + i) - peak);
    e.store(scores + i);
    total = total + e;
  }
  if (left > 0) {
    const F32 e = exp(F32::load(scores + i) - peak);
    e.store(scores + i);
    float kept[F32::lanes];
    for (int64_t lane = 0; lane < F32::lanes; ++lane) kept[lane] = lane < left ? scores[i + lane] : 0.0f;
    total = total + F32::load(kept);
  }
  return 1.0f / sum(total);
}

inline void attention(const AttentionArgs& args) {
  const AttentionScratch sizes(args.length, args.head_size);
  float* keys = args.scratch;                  // (head_size, sizes.keys): transposed
  float* values = keys + sizes.key_floats;     // (length, sizes.values)
  float* scores = values + sizes.value_floats; // (tile_rows, sizes.keys)
  for (int64_t t = 0; t < args.length; ++t) {
    const float* key = args.key + t * args.stride;
    for (int64_t d = 0; d < args.head_size; ++d) keys[d * sizes.keys + t] = key[d] * args.scale;
    const float* value = args.value + t * args.stride;
    for (int64_t d = 0; d < args.head_size; ++d) values[t * sizes.values + d] = value[d];
    for (int64_t d = args.head_size; d < sizes.values; ++d) values[t * sizes.values + d] = 0.0f;
  }
  for (int64_t t = args.length; t < sizes.keys; ++t) {
    for (int64_t d = 0; d < args.head_size; ++d) keys[d * sizes.keys + t] = 0.0f;
  }
  for_tiles(args.length, [&]<int R>(int64_t row) {
    multiply_all<R>(args.query + row * args.stride, args.stride, keys, sizes.keys, args.head_size,
                    sizes.keys, [&](int r, int64_t column, F32 score) {
                      score.store(scores + r * sizes.keys + column);
                    });
    float factor[R];
    for (int r = 0; r < R; ++r) factor[r] = softmax_weights(scores + r * sizes.keys, args.length);
    multiply_all<R>(scores, sizes.keys, values, sizes.values, args.length, sizes.values,
                    [&](int r, int64_t column, F32 value) {
                      const F32 y = value * F32::set(factor[r]);
                      float* at = args.out + (row + r) * args.out_stride + column;
                      const int64_t left = args.head_size - column;
                      if (left >= F32::lanes) {
                        y.store(at);
                      } else {
                        y.store_part(at, left);
                      }
                    });
  });
}

}  // namespace bertie::BERTIE_ISA
