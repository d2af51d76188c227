#pragma once

#include <cstdint>

#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// The sum of f(i) over the vectors of [0, whole), and of `rest`: in four chains, which hide each
// other's latency, always of the same vectors.
template <typename Function>
inline float sum_vectors(int64_t whole, F32 rest, const Function& f) {
  F32 chains[4] = {rest, F32::zero(), F32::zero(), F32::zero()};
  int64_t i = 0;
  for (; i + 4 * F32::lanes <= whole; i += 4 * F32::lanes) {
    for (int c = 0; c < 4; ++c) chains[c] = chains[c] + f(i + c * F32::lanes);
  }
  for (int c = 1; i < whole; i += F32::lanes, ++c) chains[c] = chains[c] + f(i);
  return sum((chains[0] + chains[1]) + (chains[2] + chains[3]));
}

// Two passes over the row, mean first: the variance of x - mean doesn't cancel as E[x²] - E[x]²
// does.
inline void layer_norm(const float* x, float* out, int64_t rows, int64_t size, const float* gain,
                       const float* bias, float epsilon) {
  const int64_t whole = size / F32::lanes * F32::lanes;
  const int64_t left = size - whole;
  const float inverse_size = 1.0f / static_cast<float>(size);
  for (int64_t r = 0; r < rows; ++r, x += size, out += size) {
    const F32 last = left > 0 ? F32::load_part(x + whole, left) : F32::zero();
    const float mean_value =
        sum_vectors(whole, last, [&](int64_t i) { return F32::load(x + i); }) * inverse_size;
    const F32 mean = F32::set(mean_value);
    const F32 off = left > 0 ? F32::load_part(x + whole, left, mean_value) - mean : F32::zero();
    const float squares = sum_vectors(whole, off * off, [&](int64_t i) {
      const F32 d = F32::load(x + i) - mean;
      return d * d;
    });
    const F32 scale = F32::set(1.0f / __builtin_sqrtf(squares * inverse_size + epsilon));
    for (int64_t i = 0; i < whole; i += F32::lanes) {
      const F32 y = (F32::load(x + i) - mean) * scale;
      fma(y, F32::load(gain + i), F32::load(bias + i)).store(out + i);
    }
    if (left > 0) {
      const F32 y = (last - mean) * scale;
      fma(y, F32::load_part(gain + whole, left), F32::load_part(bias + whole, left))
          .store_part(out + whole, left);
    }
  }
}

inline void rms_norm(const float* x, float* out, int64_t rows, int64_t size, const float* gain,
                     float epsilon) {
  const int64_t whole = size / F32::lanes * F32::lanes;
  const int64_t left = size - whole;
  const float inverse_size = 1.0f / static_cast<float>(size);
  for (int64_t r = 0; r < rows; ++r, x += size, out += size) {
    const F32 last = left > 0 ? F32::load_part(x + whole, left) : F32::zero();
    const float squares = sum_vectors(whole, last * last, [&](int64_t i) {
      const F32 v = F32::load(x + i);
      return v * v;
    });
    const F32 scale = F32::set(1.0f / __builtin_sqrtf(squares * inverse_size + epsilon));
    for (int64_t i = 0; i < whole; i += F32::lanes) {
      (F32::load(x + i) * scale * F32::load(gain + i)).store(out + i);
    }
    if (left > 0) (last * scale * F32::load_part(gain + whole, left)).store_part(out + whole, left);
  }
}

}  // namespace bertie::BERTIE_ISA
