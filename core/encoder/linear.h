#pragma once

#include <cstdint>
#include <vector>

#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"

namespace bertie {

// A dense layer that owns its packed weights. Several tensors of one input width can be stacked,
// their outputs side by side (query, key and value are one product).
class Linear {
 public:
  Linear() = default;
  // weights[i] is (out_i, in); biases[i] is (out_i), or null where the layer has none. smoothing,
  // (in) or empty, divides the inputs of an int8 layer and multiplies the weights that read them,
  // so that outliers of the activations move into the weights (SmoothQuant, arXiv:2211.10438). An
  // int8 layer also takes weights that quantize() has made, smoothed, with their scales: scales[i],
  // (out_i), where weights[i] is of bytes. A gated layer has two weights of one shape, the gate
  // first, and as many outputs as one of them.
  Linear(const Kernels& kernels, Precision precision, int64_t in,
         const std::vector<const TensorView*>& weights,
         const std::vector<const TensorView*>& biases, const std::vector<float>& smoothing = {},
         const std::vector<const TensorView*>& scales = {}, bool gated = false);

  const PackedLinear& packed() const { return packed_; }
  Precision precision() const { return packed_.precision; }
  int64_t in() const { return packed_.in; }
  int64_t out() const { return packed_.out; }
  int64_t panels() const { return panels_; }

 private:
  Aligned<unsigned char> weight_;
  Aligned<float> bias_, channel_scale_, channel_shift_, smoothing_;
  PackedLinear packed_;
  int64_t panels_ = 0;
};

}  // namespace bertie
