#include "encoder/dense.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "encoder/pooling.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"
#include "runtime/error.h"

namespace bertie {
namespace {

// Rows that a thread takes at a time, and whose outputs stand in its cache.
constexpr int64_t rows_at_a_time = 96;

// Rows as a product reads them: as they are in float32, else made here.
class Operands {
 public:
  // x (rows, in) is read for as long as this is.
  Operands(const GemmKernels& gemm, const PackedLinear& linear, const float* x, int64_t rows)
      : linear_(linear), stride_(gemm.operand_bytes(linear.in)), rows_(x) {
    if (gemm.operand == nullptr) return;
    made_ = Aligned<unsigned char>(rows * stride_);
    scales_ = Aligned<RowScale>(rows);
    gemm.operand(x, rows, linear, made_.data(), scales_.data());
    rows_ = made_.data();
    if (linear.precision != Precision::int8) return;
    // Bytes know no NaN: a row that has one, or infinity, becomes NaN as a whole.
    constexpr float nan = std::numeric_limits<float>::quiet_NaN();
    for (int64_t r = 0; r < rows; ++r) {
      const float* row = x + r * linear.in;
      const auto finite = [](float value) { return std::isfinite(value); };
      if (!std::all_of(row, row + linear.in, finite)) scales_.data()[r] = {nan, nan};
    }
  }

  // What a product of `count` rows from `first` on needs, but for its outputs.
  GemmArgs args(int64_t first, int64_t count, Activation activation) const {
    return {.a = static_cast<const unsigned char*>(rows_) + first * stride_,
            .a_stride = stride_,
            .a_scale = scales_.size() == 0 ? nullptr : scales_.data() + first,
            .rows = count,
            .linear = &linear_,
            .activation = activation};
  }

 private:
  const PackedLinear& linear_;
  const int64_t stride_;
  const void* rows_;
  Aligned<unsigned char> made_;
  Aligned<RowScale> scales_;
};

}  // namespace

Dense::Dense(const TensorView& weight, const TensorView* bias, Activation activation,
             Precision precision, int threads)
    : kernels_(select_kernels()),
      gemm_(kernels_.gemm[static_cast<int>(precision)]),
      activation_(activation),
      linear_(kernels_, precision, weight.shape[1], {&weight}, {bias}),
      pool_(threads) {}

int64_t Dense::panels() const { return (out() + kernels_.panel - 1) / kernels_.panel; }

void Dense::apply(const float* x, int64_t rows, float* out_rows) const {
  const auto multiply = [&](const Operands& operands, int64_t count, int64_t begin, int64_t end,
                            float* to) {
    GemmArgs args = operands.args(0, count, activation_);
    args.panel_begin = begin;
    args.panel_end = end;
    args.out = to;
    args.out_stride = out();
    gemm_.gemm(args);
  };
  if (rows >= rows_at_a_time * pool_.size()) {
    pool_.for_each(rows, rows_at_a_time, [&](int64_t begin, int64_t end, int) {
      const Operands mine(gemm_, linear_.packed(), x + begin * in(), end - begin);
      multiply(mine, end - begin, 0, panels(), out_rows + begin * out());
    });
    return;
  }
  // Few rows: the outputs are shared out instead, if there are enough of them.
  const Operands all(gemm_, linear_.packed(), x, rows);
  const int64_t grain = (panels() + pool_.size() - 1) / pool_.size();
  if (pool_.size() == 1 || panels() < 4 * pool_.size()) {
    return multiply(all, rows, 0, panels(), out_rows);
  }
  pool_.for_each(panels(), grain, [&](int64_t begin, int64_t end, int) {
    multiply(all, rows, begin, end, out_rows);
  });
}

void Dense::maximum(const float* x, int64_t tokens, std::span<const int32_t> lengths,
                    float* out_rows) const {
  int64_t total = 0;
  for (const int32_t length : lengths) {
    if (length < 1) {
      throw Error(ErrorKind::input,
                  "a sequence has " + std::to_string(length) + " tokens, expected at least 1");
    }
    total += length;
  }
  if (total != tokens) {
    throw Error(ErrorKind::input, "the lengths add up to " + std::to_string(total) +
                                      " tokens, but there are " + std::to_string(tokens) + " rows");
  }
  const int64_t width = kernels_.panel;
  const Operands operands(gemm_, linear_.packed(), x, tokens);
  pool_.for_each(panels(), 1, [&](int64_t begin, int64_t end, int) {
    Aligned<float> outputs(rows_at_a_time * width);
    for (int64_t p = begin; p < end; ++p) {
      // The panel as a layer of its own, so that its outputs lie side by side.
      PackedLinear alone = linear_.packed();
      alone.weight = static_cast<const unsigned char*>(alone.weight) + p * gemm_.panel_bytes(in());
      alone.bias += p * width;
      if (alone.channel_scale != nullptr) {
        alone.channel_scale += p * width;
        alone.channel_shift += p * width;
      }
      alone.out = std::min(width, out() - p * width);
      size_t sequence = 0;
      int64_t left = lengths.empty() ? 0 : lengths[0];
      bool begun = false;
      for (int64_t first = 0; first < tokens; first += rows_at_a_time) {
        const int64_t rows = std::min(rows_at_a_time, tokens - first);
        GemmArgs args = operands.args(first, rows, activation_);
        args.linear = &alone;
        args.panel_end = 1;
        args.out = outputs.data();
        args.out_stride = width;
        gemm_.gemm(args);
        for (int64_t r = 0; r < rows; ++r) {
          float* to = out_rows + static_cast<int64_t>(sequence) * out() + p * width;
          const float* from = outputs.data() + r * width;
          if (!begun) {
            std::copy_n(from, alone.out, to);
          } else {
            for (int64_t c = 0; c < alone.out; ++c) to[c] = larger(from[c], to[c]);
          }
          begun = --left > 0;
          if (left == 0 && ++sequence < lengths.size()) left = lengths[sequence];
        }
      }
    }
  });
}

}  // namespace bertie
