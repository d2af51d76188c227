// softmax(scale * Q K^T + bias) V for one head of one sequence, a block of queries at a time: the
// scores of those queries against all keys fit the first-level cache, and no larger score matrix
// exists.
#pragma once

#include <cstdint>

#include "kernels/activation.h"
#include "kernels/formats.h"
#include "kernels/kernels.h"
#include "kernels/tile.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// Columns of a product that are summed side by side, in vectors; and the most rows that the
// registers then hold.
constexpr int score_vectors = 2;
constexpr int query_rows = F32::registers == 32 ? 12 : 6;
constexpr int64_t key_panel = score_vectors * F32::lanes;  // keys that lie side by side
// From this length on values are copied side by side; below, they are read where they lie.
constexpr int64_t copied_length = 48;

struct AttentionScratch {
  int64_t keys;    // length, rounded up to whole vectors
  int64_t values;  // head size, rounded up to whole vectors
  int64_t key_floats, value_floats, score_floats;
  AttentionScratch(int64_t length, int64_t head_size)
      : keys(round_up(length, F32::lanes)),
        values(round_up(head_size, F32::lanes)),
        key_floats(round_up(head_size * keys, 16)),
        value_floats(round_up(length * values, 16)),
        score_floats(query_rows * keys) {}
};

inline int64_t attention_scratch(int64_t length, int64_t head_size, bool) {
  const AttentionScratch s(length, head_size);
  return s.key_floats + s.value_floats + s.score_floats;
}

constexpr float per_e = 1.44269504f;  // e^x is 2^(x * this)

// A product whose row r is multiplied by factors[r], added to where there is a bias, and stored as
// far as it is wide.
struct Product {
  const float* a = nullptr;  // (rows, k)
  int64_t a_stride = 0;
  int64_t rows = 0;          // at most query_rows
  const float* b = nullptr;  // (k, width rounded up to whole vectors)
  int64_t b_stride = 0;      // from step to step,
  bool panels = false;       // or in panels of score_vectors, the last one as wide as it is
  int64_t k = 0;
  const float* factors = nullptr;
  const float* bias = nullptr;  // powers of e; row r begins r before it, and fills whole vectors
  float* out = nullptr;         // (rows, width)
  int64_t out_stride = 0;
  int64_t width = 0;
};

template <int R, int V>
inline void multiply_columns(const Product& p, int64_t column) {
  F32 sums[R][V];
  const float* b = p.b + (p.panels ? column * p.k : column);
  multiply<Float32, R, V>(p.a, p.a_stride, b, p.panels ? V * F32::lanes : p.b_stride, p.k, sums);
  for (int r = 0; r < R; ++r) {
    const F32 factor = F32::set(p.factors[r]);
    for (int v = 0; v < V; ++v) {
      const int64_t at = column + v * F32::lanes, left = p.width - at;
      float* out = p.out + r * p.out_stride + at;
      F32 y = sums[r][v] * factor;
      if (p.bias != nullptr) y = fma(F32::load(p.bias - r + at), F32::set(per_e), y);
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
  const int64_t columns = round_up(p.width, F32::lanes);
  int64_t column = 0;
  for (; column + key_panel <= columns; column += key_panel) {
    multiply_columns<R, score_vectors>(p, column);
  }
  if (column < columns) multiply_columns<R, 1>(p, column);
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

// keys (head_size, length) transposed, in panels of key_panel keys; the last one may be a vector
// wide. Keys beyond the length, up to whole vectors, are zeros.
inline void transpose_keys(const AttentionArgs& args, int64_t length, int64_t keys, float* out) {
  const int64_t whole = args.head_size / F32::lanes * F32::lanes;
  for (int64_t t = 0; t < length; t += F32::lanes) {
    const int64_t count = length - t, panel = t / key_panel * key_panel;
    const int64_t stride = keys - panel < key_panel ? keys - panel : key_panel;
    float* to = out + panel * args.head_size + (t - panel);
    for (int64_t d = 0; d < whole; d += F32::lanes) {
      transpose(args.key + t * args.stride + d, args.stride, count, to + d * stride, stride);
    }
    for (int64_t d = whole; d < args.head_size; ++d) {
      for (int64_t i = 0; i < F32::lanes; ++i) {
        to[d * stride + i] = i < count ? args.key[(t + i) * args.stride + d] : 0.0f;
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

// Adds what a score gains by relative positions, and hides what is outside the window. Says whether
// any key is left.
inline bool adjust_scores(const AttentionArgs& args, int64_t length, int64_t i, float* scores) {
  if (args.positions != nullptr) {
    const RelativePositions& p = *args.positions;
    for (int64_t j = 0; j < length; ++j) {
      float gain = 0.0f;
      for (int64_t d = 0; d < args.head_size; ++d) {
        const int64_t at = p.rows[i - j] * p.stride + d;
        if (p.key != nullptr) gain += args.query[i * args.stride + d] * p.key[at];
        if (p.query != nullptr) gain += args.key[j * args.stride + d] * p.query[at];
      }
      scores[j] += gain * args.scale * per_e;
    }
  }
  bool sees = false;
  for (int64_t j = 0; j < length; ++j) {
    const bool seen =
        (args.left < 0 || j >= i - args.left) && (args.right < 0 || j <= i + args.right);
    if (!seen) scores[j] = -1e30f;
    sees |= seen;
  }
  return sees;
}

inline void attention(const AttentionArgs& args) {
  const int64_t length = args.keys > 0 ? args.keys : args.length;
  const AttentionScratch sizes(length, args.head_size);
  float* keys = args.scratch;                   // sizes.keys of head_size
  float* copies = keys + sizes.key_floats;      // (length, sizes.values)
  float* scores = copies + sizes.value_floats;  // (query_rows, sizes.keys)
  transpose_keys(args, length, sizes.keys, keys);
  const bool in_place = length < copied_length && sizes.values == args.head_size;
  if (!in_place) copy_values(args, length, sizes.values, copies);
  const float* values = in_place ? args.value : copies;
  const int64_t value_stride = in_place ? args.stride : sizes.values;
  float scales[query_rows], factors[query_rows];
  for (float& scale : scales) scale = args.scale * per_e;
  int64_t first = 0;
  for (int64_t blocks = (args.length + query_rows - 1) / query_rows; blocks > 0; --blocks) {
    // As many queries to each block: a short one would leave multipliers idle.
    const int64_t rows = (args.length - first + blocks - 1) / blocks;
    multiply_rows<query_rows>({.a = args.query + first * args.stride,
                               .a_stride = args.stride,
                               .rows = rows,
                               .b = keys,
                               .panels = true,
                               .k = args.head_size,
                               .factors = scales,
                               .bias = args.bias == nullptr ? nullptr : args.bias - first,
                               .out = scores,
                               .out_stride = sizes.keys,
                               .width = sizes.keys});
    for (int64_t r = 0; r < rows; ++r) {
      const bool sees = adjust_scores(args, length, first + r, scores + r * sizes.keys);
      factors[r] = softmax_weights(scores + r * sizes.keys, length);
      if (!sees) factors[r] = 0.0f;
    }
    multiply_rows<query_rows>({.a = scores,
                               .a_stride = sizes.keys,
                               .rows = rows,
                               .b = values,
                               .b_stride = value_stride,
                               .k = length,
                               .factors = factors,
                               .out = args.out + first * args.out_stride,
                               .out_stride = args.out_stride,
                               .width = args.head_size});
    first += rows;
  }
}

}  // namespace bertie::BERTIE_ISA
