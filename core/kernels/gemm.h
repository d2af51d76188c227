#pragma once

#include "kernels/activation.h"
#include "kernels/peak.h"
#include "kernels/tile.h"

namespace bertie::BERTIE_ISA {

template <typename Format>
inline int64_t panel_bytes(int64_t in) {
  return operand_bytes<Format>(in) * panel_width;
}

template <typename Format>
inline void pack(const float* weight, int64_t in, int64_t out, void* panel, float* channel_scale,
                 int32_t* channel_sum) {
  using Element = typename Format::Element;
  auto* at = static_cast<Element*>(panel);
  constexpr int64_t depth = Format::depth;
  for (int64_t c = 0; c < panel_width; ++c) {
    const float* row = weight + c * in;
    const float scale = c < out ? Format::channel_scale(row, in) : 1.0f;
    int32_t sum = 0;
    for (int64_t k = 0; k < operand_elements<Format>(in); ++k) {
      const bool inside = c < out && k < in;
      const Element q = inside ? Format::weight(row[k], scale) : Element{};
      at[(k / depth * panel_width + c) * depth + k % depth] = q;
      if constexpr (sizeof(Element) == 1) sum += static_cast<int8_t>(q);
    }
    if (channel_scale != nullptr) channel_scale[c] = scale;
    if (channel_sum != nullptr) channel_sum[c] = sum;
  }
}

template <typename Format, int R, Activation A>
inline void gemm_tile(const GemmArgs& args, const typename Format::Element* panel, int64_t row,
                      int64_t column) {
  const PackedLinear& linear = *args.linear;
  typename Format::Sum sums[R][panel_vectors];
  using Element = typename Format::Element;
  const int64_t stride = args.a_stride / static_cast<int64_t>(sizeof(Element));
  multiply<Format, R, panel_vectors>(static_cast<const Element*>(args.a) + row * stride, stride,
                                     panel, panel_width * Format::depth,
                                     operand_elements<Format>(linear.in) / Format::depth, sums);
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < panel_vectors; ++v) {
      const int64_t channel = column + v * F32::lanes;
      const int64_t left = linear.out - channel;
      if (left <= 0) break;
      const int64_t at = (row + r) * args.out_stride + channel;
      const F32 product = Format::finish(sums[r][v], args, row + r, channel);
      F32 y = activate(A, product + F32::load(linear.bias + channel));
      if (left >= F32::lanes) {
        if (args.residual != nullptr) y = y + F32::load(args.residual + at);
        y.store(args.out + at);
      } else {
        if (args.residual != nullptr) y = y + F32::load_part(args.residual + at, left);
        y.store_part(args.out + at, left);
      }
    }
  }
}

template <typename Format, Activation A>
inline void gemm_panels(const GemmArgs& args) {
  using Element = typename Format::Element;
  const int64_t panel_elements = operand_elements<Format>(args.linear->in) * panel_width;
  for (int64_t p = args.panel_begin; p < args.panel_end; ++p) {
    const Element* panel = static_cast<const Element*>(args.linear->weight) + p * panel_elements;
    for_tiles(args.rows, [&]<int R>(int64_t row) {
      gemm_tile<Format, R, A>(args, panel, row, p * panel_width);
    });
  }
}

template <typename Format>
inline void gemm(const GemmArgs& args) {
  switch (args.activation) {
    case Activation::identity: return gemm_panels<Format, Activation::identity>(args);
    case Activation::gelu: return gemm_panels<Format, Activation::gelu>(args);
    case Activation::gelu_tanh: return gemm_panels<Format, Activation::gelu_tanh>(args);
    case Activation::relu: return gemm_panels<Format, Activation::relu>(args);
    case Activation::tanh: return gemm_panels<Format, Activation::tanh>(args);
  }
}

template <typename Format>
constexpr GemmKernels gemm_kernels(decltype(GemmKernels::operand) operand) {
  return {.panel_bytes = panel_bytes<Format>,
          .pack = pack<Format>,
          .operand_bytes = operand_bytes<Format>,
          .operand = operand,
          .gemm = gemm<Format>,
          .multiply_registers = multiply_registers<Format>,
          .step_operations = step_operations<Format>};
}

}  // namespace bertie::BERTIE_ISA
