#include "encoder/pooling.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace bertie {
namespace {

// What the sum of a sequence's tokens, from `skip` on, is divided by.
float divisor(Pooling pooling, int64_t length, int64_t skip) {
  const auto count = static_cast<float>(length - skip);
  if (pooling == Pooling::mean_sqrt_len_tokens) return std::sqrt(count);
  // The weights skip + 1 … length, summed exactly.
  if (pooling == Pooling::weightedmean) {
    return static_cast<float>((length - skip) * (length + skip + 1) / 2);
  }
  return count;
}

}  // namespace

void pool(Pooling pooling, const float* hidden, int64_t length, int64_t skip, int64_t size,
          float* out) {
  if (pooling == Pooling::lasttoken) {
    std::copy_n(hidden + (length - 1) * size, size, out);
    return;
  }
  if (pooling == Pooling::cls) {
    std::copy_n(hidden + (skip < length ? skip : 0) * size, size, out);
    return;
  }
  if (skip >= length) {
    std::fill_n(out, size, 0.0f);
    return;
  }
  const bool weighted = pooling == Pooling::weightedmean;
  std::copy_n(hidden + skip * size, size, out);
  if (weighted) {
    for (int64_t i = 0; i < size; ++i) out[i] *= static_cast<float>(skip + 1);
  }
  for (int64_t t = skip + 1; t < length; ++t) {
    const float* row = hidden + t * size;
    if (pooling == Pooling::max) {
      for (int64_t i = 0; i < size; ++i) out[i] = larger(row[i], out[i]);
    } else if (weighted) {
      const auto weight = static_cast<float>(t + 1);
      for (int64_t i = 0; i < size; ++i) out[i] += row[i] * weight;
    } else {
      for (int64_t i = 0; i < size; ++i) out[i] += row[i];
    }
  }
  if (pooling == Pooling::max) return;
  const float by = divisor(pooling, length, skip);
  for (int64_t i = 0; i < size; ++i) out[i] /= by;
}

}  // namespace bertie
