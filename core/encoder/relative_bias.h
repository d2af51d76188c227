#pragma once

#include <cstdint>

#include "encoder/tensor.h"
#include "runtime/aligned.h"

namespace bertie {

// What the attention scores gain by the distance from query to key, for each head: MPNet's
// (Song et al., arXiv:2004.09297), after T5 (Raffel et al., arXiv:1910.10683).
class RelativeBias {
 public:
  RelativeBias() = default;  // none
  // weight: (buckets, heads). Distances reach to positions - 1, both ways.
  RelativeBias(const TensorView& weight, int64_t positions);

  // bias[key - query] as AttentionArgs reads it; null where there is none.
  const float* of_head(int64_t head) const {
    return table_.size() > 0 ? table_.data() + head * stride_ + positions_ - 1 : nullptr;
  }

 private:
  int64_t positions_ = 0, stride_ = 0;
  Aligned<float> table_;  // (heads, stride_)
};

}  // namespace bertie
