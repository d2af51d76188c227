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
  // weights[i] is (out_i, in); biases[i] is (out_i), or null where the layer has none.
  Linear(const Kernels& kernels, int64_t in, const std::vector<const TensorView*>& weights,
         const std::vector<const TensorView*>& biases);

  const PackedLinear& packed() const { return packed_; }
  int64_t in() const { return packed_.in; }
  int64_t out() const { return packed_.out; }

 private:
  Aligned<float> weight_, bias_;
  PackedLinear packed_;
};

}  // namespace bertie
