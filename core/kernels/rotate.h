#pragma once

#include <cstdint>

#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// Nothing is fused, so that every ISA rounds alike.
inline void rotate_halves(float* x, const float* cos, const float* sin, int64_t half) {
  const auto turn = [](F32& a, F32& b, F32 c, F32 s) {
    const F32 first = a * c - b * s;
    b = b * c + a * s;
    a = first;
  };
  int64_t i = 0;
  for (; i + F32::lanes <= half; i += F32::lanes) {
    F32 a = F32::load(x + i), b = F32::load(x + half + i);
    turn(a, b, F32::load(cos + i), F32::load(sin + i));
    a.store(x + i);
    b.store(x + half + i);
  }
  if (const int64_t left = half - i; left > 0) {
    F32 a = F32::load_part(x + i, left), b = F32::load_part(x + half + i, left);
    turn(a, b, F32::load_part(cos + i, left), F32::load_part(sin + i, left));
    a.store_part(x + i, left);
    b.store_part(x + half + i, left);
  }
}

inline void rotate(float* x, int64_t heads, int64_t head_size, const float* cos, const float* sin,
                   int64_t dims, bool interleaved) {
  for (int64_t h = 0; h < heads; ++h, x += head_size) {
    if (!interleaved) {
      rotate_halves(x, cos, sin, dims / 2);
      continue;
    }
    for (int64_t i = 0; i < dims / 2; ++i) {
      const float a = x[2 * i], b = x[2 * i + 1];
      x[2 * i] = a * cos[i] - b * sin[i];
      x[2 * i + 1] = b * cos[i] + a * sin[i];
    }
  }
}

}  // namespace bertie::BERTIE_ISA
