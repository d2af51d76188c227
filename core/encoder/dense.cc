#include "encoder/dense.h"

#include <algorithm>
#include <string>
#include <vector>

#include "runtime/error.h"

namespace bertie {
namespace {

// Rows that a thread takes at a time, and whose outputs stand in its cache.
constexpr int64_t rows_at_a_time = 96;

}  // namespace

Dense::Dense(const TensorView& weight, const TensorView* bias, Activation activation, int threads)
    : kernels_(select_kernels()),
      activation_(activation),
      linear_(kernels_, Precision::float32, weight.shape[1], {&weight}, {bias}),
      pool_(threads) {}

int64_t Dense::panels() const { return (out() + kernels_.panel - 1) / kernels_.panel; }

GemmArgs Dense::panel(const float* x, int64_t rows, int64_t begin, int64_t end) const {
  const GemmKernels& gemm = kernels_.gemm[static_cast<int>(Precision::float32)];
  return {.a = x,
          .a_stride = gemm.operand_bytes(in()),
          .rows = rows,
          .linear = &linear_.packed(),
          .panel_begin = begin,
          .panel_end = end,
          .activation = activation_};
}

void Dense::apply(const float* x, int64_t rows, float* out_rows) const {
  const GemmKernels& gemm = kernels_.gemm[static_cast<int>(Precision::float32)];
  const auto multiply = [&](int64_t first, int64_t count, int64_t begin, int64_t end) {
    GemmArgs args = panel(x + first * in(), count, begin, end);
    args.out = out_rows + first * out();
    args.out_stride = out();
    gemm.gemm(args);
  };
  if (rows >= rows_at_a_time * pool_.size()) {
    pool_.for_each(rows, rows_at_a_time, [&](int64_t begin, int64_t end, int) {
      multiply(begin, end - begin, 0, panels());
    });
    return;
  }
  // Few rows: the outputs are shared out instead, if there are enough of them.
  const int64_t grain = (panels() + pool_.size() - 1) / pool_.size();
  if (pool_.size() == 1 || panels() < 4 * pool_.size()) return multiply(0, rows, 0, panels());
  pool_.for_each(panels(), grain,
                 [&](int64_t begin, int64_t end, int) { multiply(0, rows, begin, end); });
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
  const GemmKernels& gemm = kernels_.gemm[static_cast<int>(Precision::float32)];
  const int64_t width = kernels_.panel;
  pool_.for_each(panels(), 1, [&](int64_t begin, int64_t end, int) {
    Aligned<float> outputs(rows_at_a_time * width);
    for (int64_t p = begin; p < end; ++p) {
      // The panel as a layer of its own, so that its outputs lie side by side.
      PackedLinear alone = linear_.packed();
      alone.weight = static_cast<const unsigned char*>(alone.weight) + p * gemm.panel_bytes(in());
      alone.bias += p * width;
      alone.out = std::min(width, out() - p * width);
      size_t sequence = 0;
      int64_t left = lengths.empty() ? 0 : lengths[0];
      bool begun = false;
      for (int64_t first = 0; first < tokens; first += rows_at_a_time) {
        const int64_t rows = std::min(rows_at_a_time, tokens - first);
        GemmArgs args = panel(x + first * in(), rows, 0, 1);
        args.linear = &alone;
        args.out = outputs.data();
        args.out_stride = width;
        gemm.gemm(args);
        for (int64_t r = 0; r < rows; ++r) {
          float* to = out_rows + static_cast<int64_t>(sequence) * out() + p * width;
          const float* from = outputs.data() + r * width;
          if (!begun) {
            std::copy_n(from, alone.out, to);
          } else {
            for (int64_t c = 0; c < alone.out; ++c) to[c] = from[c] > to[c] ? from[c] : to[c];
          }
          begun = --left > 0;
          if (left == 0 && ++sequence < lengths.size()) left = lengths[sequence];
        }
      }
    }
  });
}

}  // namespace bertie
