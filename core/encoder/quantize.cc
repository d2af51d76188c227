#include "encoder/quantize.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "encoder/tensor.h"

namespace bertie {
namespace {

float largest_magnitude(const float* values, int64_t count) {
  constexpr int64_t chains = 8;  // side by side, since compilers keep the order of floats' maxima
  float tops[chains] = {};
  const int64_t whole = count / chains * chains;
  for (int64_t k = 0; k < whole; k += chains) {
    for (int64_t i = 0; i < chains; ++i) tops[i] = std::max(tops[i], std::abs(values[k + i]));
  }
  for (int64_t k = whole; k < count; ++k) tops[0] = std::max(tops[0], std::abs(values[k]));
  return *std::max_element(tops, tops + chains);
}

// To the nearest whole number, ties to even, for magnitudes below 2^22: what std::rint does, in a
// form that compilers vectorize for every CPU.
float rounded(float x) {
  constexpr float whole = 0x1.8p23f;  // floats of this size have no fraction
  return (x + whole) - whole;
}

}  // namespace

float quantize(float* weights, const float* factors, int64_t in, int8_t* bytes) {
  if (factors != nullptr) {
    for (int64_t k = 0; k < in; ++k) weights[k] *= factors[k];
  }
  const float step = largest_magnitude(weights, in) / 127.0f;
  // A channel of zeros, or of numbers too small to tell from them, keeps any scale.
  const float scale = step < std::numeric_limits<float>::min() ? 1.0f : step;
  for (int64_t k = 0; k < in; ++k) {
    bytes[k] = static_cast<int8_t>(static_cast<int32_t>(rounded(weights[k] / scale)));
  }
  return scale;
}

float read_bytes(const TensorView& weight, const TensorView* scales, int64_t channel,
                 const std::vector<float>& smoothing, float* row, int8_t* bytes) {
  const int64_t in = weight.shape[1];
  if (weight.dtype != DType::i8) {
    weight.read(channel * in, in, row);
    return quantize(row, smoothing.empty() ? nullptr : smoothing.data(), in, bytes);
  }
  std::memcpy(bytes, weight.data + channel * in, static_cast<size_t>(in));
  float scale;
  scales->read(channel, 1, &scale);
  return scale;
}

}  // namespace bertie
