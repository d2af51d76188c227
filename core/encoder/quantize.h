#pragma once

#include <cstdint>

namespace bertie {

// Rounds the weights of one output channel to signed bytes, the largest becoming 127, after
// multiplying each by its input's factor (none where factors is null). Returns what a byte of 1
// stands for. The same bits on every CPU.
float quantize(const float* weights, const float* factors, int64_t in, int8_t* bytes);

}  // namespace bertie
