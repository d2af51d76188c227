#pragma once

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
  // so that outliers of the activations move into the weights (SmoothQuant, arXiv:2211.10438).
  Linear(const Kernels& kernels, Precision precision, int64_t in,
         const std::vector<const TensorView*>& weights,
         const std::vector<const TensorView*>& biases, const std::vector<float>& smoothing = {});

  const PackedLinear& packed() const { return packed_; }
  Precision precision() const { return packed_.precision; }
  int64_t in() const { return packed_.in; }
  int64_t out() const { return packed_.out; }

 private:
  Aligned<unsigned char> weight_;
  Aligned<float> bias_, channel_scale_, channel_shift_, smoothing_;
  PackedLinear packed_;
};

}  // namespace bertie
