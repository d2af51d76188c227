#pragma once

#include <cstdint>

namespace bertie {

// Multiplies the weights of one output channel by their inputs' factors (where factors isn't null),
// in place, and rounds them to signed bytes, the largest becoming 127. Returns what a byte of 1
// stands for. The same bits on every CPU.
float quantize(float* weights, const float* factors, int64_t in, int8_t* bytes);

}  // namespace bertie
