#pragma once

#include <cstdint>
#include <span>

namespace bertie {

enum class Pooling : int32_t { mean, cls, max };

// Reduces one sequence's hidden states (length, size), length >= 1, token after token: the same
// bits on every ISA. out: (size).
void pool(Pooling pooling, const float* hidden, int64_t length, int64_t size, float* out);

// Where a forward pass leaves one vector for each sequence: its poolings side by side.
struct Pooled {
  std::span<const Pooling> modes;
  float* out = nullptr;  // (sequences, modes × hidden_size)
};

}  // namespace bertie
