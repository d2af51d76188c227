#pragma once

#include <cstdint>
#include <vector>

#include "encoder/tensor.h"

namespace bertie {

// Multiplies the weights of one output channel by their inputs' factors (where factors isn't null),
// in place, and rounds them to signed bytes, the largest becoming 127. Returns what a byte of 1
// stands for. The same bits on every CPU.
float quantize(float* weights, const float* factors, int64_t in, int8_t* bytes);

// Reads one output channel of a weight (out, in) as such bytes, made here with smoothing's factors
// (in), where there are some, or made before, with their scales (out). Returns what a byte of 1
// stands for. row (in) is scratch.
float read_bytes(const TensorView& weight, const TensorView* scales, int64_t channel,
                 const std::vector<float>& smoothing, float* row, int8_t* bytes);

}  // namespace bertie
