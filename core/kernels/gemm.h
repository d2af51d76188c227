#pragma once

#include "kernels/activation.h"
#include "kernels/kernels.h"
#include "kernels/tile.h"

namespace bertie::BERTIE_ISA {

inline void pack(const float* weight, int64_t in, int64_t out, float* panels) {
  for (int64_t first = 0; first < out; first += panel_width) {
    const int64_t width = out - first < panel_width ? out - first : panel_width;
    for (int64_t k = 0; k < in; ++k, panels += panel_width) {
      for (int64_t c = 0; c < width; ++c) panels[c] = weight[(first + c) * in + k];
      for (int64_t c = width; c < panel_width; ++c) panels[c] = 0.0f;
    }
  }
}

template <int R, Activation A>
inline void gemm_tile(const GemmArgs& args, const float* panel, const float* bias, int64_t row,
                      int64_t column) {
  F32 sums[R][panel_vectors];
  multiply<R, panel_vectors>(args.a + row * args.a_stride, args.a_stride, panel, panel_width,
                             args.linear->in, sums);
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < panel_vectors; ++v) {
      const int64_t offset = v * F32::lanes;
      const int64_t left = args.linear->out - column - offset;
      if (left <= 0) break;
      const int64_t at = (row + r) * args.out_stride + column + offset;
      F32 y = activate(A, sums[r][v] + F32::load(bias + offset));
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

template <Activation A>
inline void gemm_panels(const GemmArgs& args) {
  for (int64_t p = args.panel_begin; p < args.panel_end; ++p) {
    const float* panel = args.linear->weight + p * args.linear->in * panel_width;
    const float* bias = args.linear->bias + p * panel_width;
    for_tiles(args.rows, [&]<int R>(int64_t row) {
      gemm_tile<R, A>(args, panel, bias, row, p * panel_width);
    });
  }
}

inline void gemm(const GemmArgs& args) {
  switch (args.activation) {
    case Activation::identity: return gemm_panels<Activation::identity>(args);
    case Activation::gelu: return gemm_panels<Activation::gelu>(args);
    case Activation::gelu_tanh: return gemm_panels<Activation::gelu_tanh>(args);
    case Activation::relu: return gemm_panels<Activation::relu>(args);
    case Activation::tanh: return gemm_panels<Activation::tanh>(args);
  }
}

}  // namespace bertie::BERTIE_ISA
