#pragma once

#include <cstdint>

#include "kernels/activation.h"
#include "kernels/formats.h"
#include "kernels/kernels.h"
#include "kernels/matrix.h"
#include "kernels/tile.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

template <typename Format>
inline int64_t panel_bytes(int64_t in) {
  return operand_bytes<Format>(in) * panel_width;
}

// One place of a panel after the other.
template <typename Format>
inline void pack_elements(const typename Format::Weight* rows, int64_t in, int64_t out,
                          int64_t first, typename Format::Element* at) {
  using Element = typename Format::Element;
  constexpr int64_t depth = Format::depth;
  for (int64_t c = 0; c < panel_width; ++c) {
    for (int64_t k = first; k < operand_elements<Format>(in); ++k) {
      const bool inside = c < out && k < in;
      at[(k / depth * panel_width + c) * depth + k % depth] =
          inside ? Format::weight(rows[c * in + k]) : Element{};
    }
  }
}

// A panel is its channels' rows transposed. Where a step of the inner loop is four bytes, whatever
// numbers they are, blocks of them are transposed in registers.
template <typename Format>
inline void pack(const void* weight, int64_t in, int64_t out, void* panel) {
  using Element = typename Format::Element;
  constexpr int64_t depth = Format::depth, lanes = F32::lanes, block = lanes * depth;
  const auto* rows = static_cast<const typename Format::Weight*>(weight);
  auto* at = static_cast<Element*>(panel);
  int64_t done = 0;
  if constexpr (depth * sizeof(Element) == sizeof(float) && lanes > 1) {
    Element elements[block];
    alignas(64) float words[lanes * lanes];
    for (; done + block <= in; done += block) {
      for (int64_t c = 0; c < panel_width; c += lanes) {
        const int64_t count = out - c < lanes ? out - c : lanes;
        for (int64_t r = 0; r < count; ++r) {
          const auto* row = rows + (c + r) * in + done;
          for (int64_t i = 0; i < block; ++i) elements[i] = Format::weight(row[i]);
          __builtin_memcpy(words + r * lanes, elements, sizeof elements);
        }
        transpose(words, lanes, count, reinterpret_cast<float*>(at + done * panel_width) + c,
                  panel_width);
      }
    }
  }
  pack_elements<Format>(rows, in, out, done, at);
}

// Applied to a tile that lies in the first-level cache, apart from the products: one loop for each
// activation instead of one for each shape of tile.
template <Activation A>
inline void activate_all(float* values, int64_t count) {
  for (int64_t i = 0; i < count; i += 2 * F32::lanes) {  // two at a time hide each other's latency
    const F32 a = activate(A, F32::load(values + i));
    const F32 b = activate(A, F32::load(values + i + F32::lanes));
    a.store(values + i);
    b.store(values + i + F32::lanes);
  }
}

inline void activate_tile(Activation activation, float* values, int64_t count) {
  switch (activation) {
    case Activation::identity:
      return;
    case Activation::gelu:
      return activate_all<Activation::gelu>(values, count);
    case Activation::gelu_tanh:
      return activate_all<Activation::gelu_tanh>(values, count);
    case Activation::relu:
      return activate_all<Activation::relu>(values, count);
    case Activation::tanh:
      return activate_all<Activation::tanh>(values, count);
    case Activation::silu:
      return activate_all<Activation::silu>(values, count);
  }
}

// Outputs that a panel holds.
inline int64_t panel_columns(const PackedLinear& linear) {
  return linear.gated ? panel_width / 2 : panel_width;
}

// Makes outputs of a tile's sums. channel: the panel's first.
template <typename Format, int R>
inline void finish_tile(const GemmArgs& args, const typename Format::Sum (&sums)[R][panel_vectors],
                        int64_t row, int64_t channel) {
  const PackedLinear& linear = *args.linear;
  // Where the layer is gated the gates lie before the values. activate_all goes by two vectors.
  constexpr int64_t half = panel_width / 2,
                    gates = (R * half + 2 * F32::lanes - 1) / (2 * F32::lanes) * (2 * F32::lanes);
  alignas(64) float tile[gates + R * half];
  for (int v = 0; v < panel_vectors; ++v) {
    const typename Format::Channels channels(linear, channel + v * F32::lanes);
    float* to = tile + v * F32::lanes;
    if (linear.gated && v >= panel_vectors / 2) to += gates - half;
    for (int r = 0; r < R; ++r) {
      channels.finish(sums[r][v], args, row + r).store(to + r * panel_columns(linear));
    }
  }
  if (linear.gated) {
    activate_tile(args.activation, tile, gates);
    for (int64_t i = 0; i < R * half; i += F32::lanes) {
      (F32::load(tile + i) * F32::load(tile + gates + i)).store(tile + i);
    }
  } else {
    activate_tile(args.activation, tile, R * panel_width);
  }
  const int64_t columns = panel_columns(linear), column = linear.gated ? channel / 2 : channel;
  const int64_t width = linear.out - column < columns ? linear.out - column : columns;
  for (int r = 0; r < R; ++r) {
    const float* from = tile + r * columns;
    const int64_t at = (row + r) * args.out_stride + column;
    int64_t c = 0;
    for (; c + F32::lanes <= width; c += F32::lanes) {
      F32 y = F32::load(from + c);
      if (args.residual != nullptr) y = y + F32::load(args.residual + at + c);
      y.store(args.out + at + c);
    }
    if (c < width) {
      F32 y = F32::load(from + c);
      if (args.residual != nullptr) y = y + F32::load_part(args.residual + at + c, width - c);
      y.store_part(args.out + at + c, width - c);
    }
  }
}

template <typename Format>
  requires(!Tiled<Format>)
inline void gemm(const GemmArgs& args) {
  using Element = typename Format::Element;
  const int64_t elements = operand_elements<Format>(args.linear->in);
  const int64_t stride = args.a_stride / static_cast<int64_t>(sizeof(Element));
  for (int64_t p = args.panel_begin; p < args.panel_end; ++p) {
    const Element* panel =
        static_cast<const Element*>(args.linear->weight) + p * elements * panel_width;
    for_tiles(args.rows, Matrix<Format> ? 2 : 1, [&]<int R>(int64_t row) {
      typename Format::Sum sums[R][panel_vectors];
      multiply<Format, R, panel_vectors>(static_cast<const Element*>(args.a) + row * stride, stride,
                                         panel, panel_width * Format::depth,
                                         elements / Format::depth, sums);
      finish_tile<Format, R>(args, sums, row, p * panel_width);
    });
  }
}

}  // namespace bertie::BERTIE_ISA
