#pragma once

#include "kernels/gelu_cubics.h"  // IWYU pragma: keep: with AVX-512 only
#include "kernels/kernels.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// e^x for x <= 88, within 2 ulp; below -87.3 it is e^-87.3, which no sum of
// ours can tell from zero.
inline F32 exp(F32 x) {
  x = max(x, F32::set(-87.3f));
  const F32 n = round(x * F32::set(1.44269504f));
  // ln 2 in two parts, so that n * ln 2 is exact (Cody and Waite's reduction).
  F32 r = fma(n, F32::set(-0.693359375f), x);
  r = fma(n, F32::set(2.12194440e-4f), r);
  F32 p = F32::set(1.0f / 720);
  p = fma(p, r, F32::set(1.0f / 120));
  p = fma(p, r, F32::set(1.0f / 24));
  p = fma(p, r, F32::set(1.0f / 6));
  p = fma(p, r, F32::set(0.5f));
  p = fma(p, r, F32::set(1.0f));
  p = fma(p, r, F32::set(1.0f));
  return scale_by_power(p, n);
}

// 2^x for x <= 0, within 2 ulp of the exact power of the x at hand; below -126 it is 2^-126. The
// coefficients are the minimax fit of 2^r on [0, 1) whose constant is 1.
inline F32 exp2(F32 x) {
  x = max(x, F32::set(-126.0f));
  const F32 r = fraction(x);
  F32 p = F32::set(1.8671311e-3f);
  p = fma(p, r, F32::set(9.0170279e-3f));
  p = fma(p, r, F32::set(5.5799916e-2f));
  p = fma(p, r, F32::set(2.4016444e-1f));
  p = fma(p, r, F32::set(6.9315130e-1f));
  p = fma(p, r, F32::set(1.0f));
  return scale_by_floor(p, x);
}

// 1 / (1 + e^-x), for any x.
inline F32 sigmoid(F32 x) {
  const F32 one = F32::set(1.0f);
  return one / (one + exp(min(F32::zero() - x, F32::set(88.0f))));
}

#if defined(__AVX512F__)
// x * Phi(x) = max(x, 0) - u * Phi(-u), u = |x|: the erf form, within 5e-7 absolute and exact at 0.
// Phi(-u) is a cubic on each of 32 intervals, whose coefficients one instruction picks: half the
// work of the polynomial below, and a shorter chain.
inline F32 gelu(F32 x) {
  constexpr float per_unit = 6.0f, bound = 5.248f;  // intervals in 1, the end of the last one
  // 1.5 * 2^23: added, it leaves the nearest whole number in the lowest bits.
  constexpr float to_whole = 12582912.0f;
  const F32 u = least_magnitude(x, F32::set(bound));
  const F32 place = fma(u, F32::set(per_unit), F32::set(to_whole));
  const F32 r = fma(u, F32::set(per_unit), F32::set(to_whole) - place);
  F32 p = pick(gelu_cubics[0], place);
  for (int i = 1; i < 4; ++i) p = fma(p, r, pick(gelu_cubics[i], place));
  return fma(F32::zero() - u, p, max(F32::zero(), x));  // in this order, so that a NaN stays one
}
#else
// x * Phi(x), the erf form, within 7e-7 absolute. The coefficients come from scripts/fit_gelu.py.
inline F32 gelu(F32 x) {
  constexpr float bound = 5.2f;
  const F32 low = F32::set(-bound), high = F32::set(bound), one = F32::set(1.0f);
  const F32 c = max(min(x, high), low);
  const F32 t = fma(c * c, F32::set(2.0f / (bound * bound)), F32::set(-1.0f));
  constexpr float coefficients[] = {0.0011886536f, -0.0014688588f, 0.002005262f, -0.0045422297f,
                                    0.008365019f,  -0.012619698f,  0.018038806f, -0.024698831f,
                                    0.03197391f,   -0.039931986f,  0.050025616f, -0.06774362f,
                                    0.13594998f};
  F32 p = F32::set(-0.0003882024f);
  for (const float coefficient : coefficients) p = fma(p, t, F32::set(coefficient));
  F32 cdf = fma(c, p, F32::set(0.5f));
  cdf = select_less(x, low, F32::zero(), select_less(high, x, one, cdf));
  return x * cdf;
}
#endif

// The tanh form: x / 2 * (1 + tanh(u)) = x * sigmoid(2 u), u = sqrt(2 / pi) *
// (x + 0.044715 x^3).
inline F32 gelu_tanh(F32 x) {
  const F32 cubic = fma(x * x, F32::set(0.044715f), F32::set(1.0f));
  const F32 y = x * sigmoid(x * cubic * F32::set(1.5957691216f));
  // Down there it is zero; the smallest sigmoid times a huge x would not be.
  return select_less(x, F32::set(-10.0f), F32::zero(), y);
}

inline F32 tanh(F32 x) { return fma(sigmoid(x + x), F32::set(2.0f), F32::set(-1.0f)); }

inline F32 silu(F32 x) {
  // Down there it is zero; the smallest sigmoid times a huge x would not be.
  return select_less(x, F32::set(-87.0f), F32::zero(), x * sigmoid(x));
}

inline F32 activate(Activation activation, F32 x) {
  switch (activation) {
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::relu:
      return max(x, F32::zero());
    case Activation::tanh:
      return tanh(x);
    case Activation::silu:
      return silu(x);
    case Activation::identity:
      break;
  }
  return x;
}

}  // namespace bertie::BERTIE_ISA
