#include "encoder/quantize.h"

#include <algorithm>
#include <cmath>

namespace bertie {
namespace {

// To the nearest whole number, ties to even, for magnitudes below 2^22: what std::rint does, in a
// form that compilers vectorize for every CPU.
float rounded(float x) {
  constexpr float whole = 0x1.8p23f;  // floats of this size have no fraction
  return (x + whole) - whole;
}

}  // namespace

float quantize(const float* weights, const float* factors, int64_t in, int8_t* bytes) {
  const auto weight = [&](int64_t k) {
    return factors == nullptr ? weights[k] : weights[k] * factors[k];
  };
  float top = 0.0f;
  for (int64_t k = 0; k < in; ++k) top = std::max(top, std::abs(weight(k)));
  // A channel of zeros, or of numbers too small to tell from them, keeps any scale.
  const float scale = top / 127.0f > 0.0f ? top / 127.0f : 1.0f;
  for (int64_t k = 0; k < in; ++k) {
    bytes[k] = static_cast<int8_t>(rounded(std::clamp(weight(k) / scale, -127.0f, 127.0f)));
  }
  return scale;
}

}  // namespace bertie
