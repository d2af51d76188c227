#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "encoder/growing.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"

namespace bertie {

// What the attention scores gain by the distance from query to key, for each head: MPNet's
// (Song et al., arXiv:2004.09297), after T5 (Raffel et al., arXiv:1910.10683), or less the farther,
// by a slope of each head's: ALiBi (Press et al., arXiv:2108.12409). Callable from several threads.
class RelativeBias {
 public:
  // For sequences of at most so many tokens.
  struct Table {
    int64_t positions = 0, stride = 0;
    Aligned<float> values;  // (heads, stride)
    // bias[key - query] as AttentionArgs reads it.
    const float* of_head(int64_t head) const {
      return values.data() + head * stride + positions - 1;
    }
  };

  // weight: (buckets, heads). No sequence is longer than `positions`.
  RelativeBias(const TensorView& weight, int64_t positions);
  // ALiBi's.
  RelativeBias(int64_t heads, int64_t positions);

  // That of a sequence of so many tokens, or of a longer one.
  std::shared_ptr<const Table> of(int64_t length) const;
  // The most bytes for sequences of up to `longest` tokens.
  int64_t bytes(int64_t longest) const;

 private:
  Table table(int64_t positions) const;
  static int64_t stride(int64_t positions) { return 2 * positions - 1 + attention_bias_room; }

  const int64_t heads_, positions_;
  int64_t buckets_ = 0;           // 0: ALiBi
  std::vector<float> by_bucket_;  // (buckets, heads)
  std::vector<double> slopes_;    // (heads)
  Growing<Table> table_;
};

}  // namespace bertie
