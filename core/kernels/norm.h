#pragma once

#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// Two passes over the row, mean first: the variance of x - mean doesn't cancel as E[x²] - E[x]²
// does.
inline void layer_norm(float* x, int64_t rows, int64_t size, const float* gain, const float* bias,
                       float epsilon) {
  const int64_t whole = size / F32::lanes * F32::lanes;
  const int64_t left = size - whole;
  const float inverse_size = 1.0f / static_cast<float>(size);
  for (int64_t r = 0; r < rows; ++r, x += size) {
    F32 total = F32::zero();
    for (int64_t i = 0; i < whole; i += F32::lanes) total = total + F32::load(x + i);
    if (left > 0) total = total + F32::load_part(x + whole, left);
    const float mean_value = sum(total) * inverse_size;
    const F32 mean = F32::set(mean_value);
    F32 squares = F32::zero();
    for (int64_t i = 0; i < whole; i += F32::lanes) {
      const F32 d = F32::load(x + i) - mean;
      squares = fma(d, d, squares);
    }
    if (left > 0) {
      const F32 d = F32::load_part(x + whole, left, mean_value) - mean;
      squares = fma(d, d, squares);
    }
    const F32 scale = F32::set(1.0f / __builtin_sqrtf(sum(squares) * inverse_size + epsilon));
    for (int64_t i = 0; i < whole; i += F32::lanes) {
      const F32 y = (F32::load(x + i) - mean) * scale;
      fma(y, F32::load(gain + i), F32::load(bias + i)).store(x + i);
    }
    if (left > 0) {
      const F32 y = (F32::load_part(x + whole, left) - mean) * scale;
      fma(y, F32::load_part(gain + whole, left), F32::load_part(bias + whole, left))
          .store_part(x + whole, left);
    }
  }
}

}  // namespace bertie::BERTIE_ISA
