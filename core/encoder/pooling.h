#pragma once

#include <cstdint>
#include <span>

namespace bertie {

enum class Pooling : int32_t { mean, cls, max, mean_sqrt_len_tokens, weightedmean, lasttoken };

// The larger of two; NaN where one of them is.
inline float larger(float a, float b) { return a > b || a != a ? a : b; }

// Reduces one sequence's hidden states (length, size), length >= 1, token after token: the same
// bits on every ISA. Leaves out the first `skip` tokens: where that is all of them, the result is
// zeros, but for cls, which then takes the first token after all, and lasttoken, which knows no
// skip. out: (size).
void pool(Pooling pooling, const float* hidden, int64_t length, int64_t skip, int64_t size,
          float* out);

// What a forward pass leaves: every token's hidden states, or each sequence's poolings of them.
struct Result {
  // 0: the embeddings', n: after pass n; negative ones count from the end. They stand side by side.
  std::span<const int64_t> layers;
  std::span<const Pooling> modes;  // side by side within a layer; none: hidden states
  std::span<const int32_t> skip;   // (sequences) what pooling leaves out; empty: nothing
  float* out =
      nullptr;  // (tokens, layers × hidden_size) or (sequences, layers × modes × hidden_size)
};

}  // namespace bertie
