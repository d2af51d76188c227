#include "encoder/pooling.h"

#include <algorithm>

namespace bertie {

void pool(Pooling pooling, const float* hidden, int64_t length, int64_t size, float* out) {
  std::copy_n(hidden, size, out);
  if (pooling == Pooling::cls) return;
  for (int64_t t = 1; t < length; ++t) {
    const float* row = hidden + t * size;
    if (pooling == Pooling::max) {
      for (int64_t i = 0; i < size; ++i) out[i] = row[i] > out[i] ? row[i] : out[i];
    } else {
      for (int64_t i = 0; i < size; ++i) out[i] += row[i];
    }
  }
  if (pooling == Pooling::mean) {
    for (int64_t i = 0; i < size; ++i) out[i] /= static_cast<float>(length);
  }
}

}  // namespace bertie
