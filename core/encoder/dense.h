#pragma once

#include <cstdint>
#include <span>

#include "encoder/linear.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/thread_pool.h"

namespace bertie {

// A dense layer on its own, for what stands on top of the encoder. A row's result has
// the same bits whatever the other rows are, with any number of threads. Callable from several.
class Dense {
 public:
  // weight is (out, in); bias is (out), or null.
  Dense(const TensorView& weight, const TensorView* bias, Activation activation,
        Precision precision, int threads);

  int64_t in() const { return linear_.in(); }
  int64_t out() const { return linear_.out(); }

  // x (rows, in) → out (rows, out()). In int8 a row with NaN or infinity gives NaN only.
  void apply(const float* x, int64_t rows, float* out) const;

  // The largest of each output over each sequence: x (tokens, in), sequences one after another →
  // out (sequences, out()); NaN where one of them is. The outputs of all tokens never stand in
  // memory. Throws Error(input) for lengths that don't add up, or a sequence of no tokens.
  void maximum(const float* x, int64_t tokens, std::span<const int32_t> lengths, float* out) const;

 private:
  int64_t panels() const;

  const Kernels& kernels_;
  const GemmKernels& gemm_;
  const Activation activation_;
  const Linear linear_;
  mutable ThreadPool pool_;
};

}  // namespace bertie
