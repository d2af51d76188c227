// The number formats of a product: how operands lie in memory and how one step of the inner loop
// multiplies them. gemm.h is written once over these.
#pragma once

#include <cstdint>

#include "kernels/kernels.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

constexpr int64_t round_up(int64_t n, int64_t multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

inline uint16_t to_bfloat16(float x) {  // to nearest, ties to even; a NaN stays one
  const uint32_t bits = __builtin_bit_cast(uint32_t, x);
  if (x != x) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

inline int32_t load_word(const void* p) {
  int32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return word;
}

// What turns a vector of output channels' sums into their values, for any row.
struct PlainChannels {
  F32 bias;
  PlainChannels(const PackedLinear& linear, int64_t channel)
      : bias(F32::load(linear.bias + channel)) {}
  F32 finish(F32 sum, const GemmArgs&, int64_t) const { return sum + bias; }
};

// sum stands for the bytes as stored; the numbers are byte * scale + offset of the row times scale
// of the channel, so the offset adds itself times the sum of the channel's weights.
struct ScaledChannels {
  F32 bias, scale, shift;
  ScaledChannels(const PackedLinear& linear, int64_t channel)
      : bias(F32::load(linear.bias + channel)),
        scale(F32::load(linear.channel_scale + channel)),
        shift(F32::load(linear.channel_shift + channel)) {}
  F32 finish(I32 sum, const GemmArgs& args, int64_t row) const {
    const RowScale& r = args.a_scale[row];
    return fma(to_float(sum) * scale, F32::set(r.scale), fma(F32::set(r.offset), shift, bias));
  }
};

// A step multiplies `depth` inputs; a panel holds them side by side for each output channel.
struct Float32 {
  using Element = float;
  using Sum = F32;
  using Column = F32;
  static constexpr int64_t depth = 1;
  static Column column(const Element* p) { return F32::load(p); }
  static F32 row(const Element* p) { return F32::set(*p); }
  static Sum add(Sum total, F32 a, Column b) { return fma(a, b, total); }
  using Weight = float;
  static Element weight(Weight w) { return w; }
  using Channels = PlainChannels;
};

struct Bfloat16 {
  using Element = uint16_t;
  using Sum = F32;
  using Column = I32;
  static constexpr int64_t depth = 2;
  static Column column(const Element* p) { return I32::load(p); }
  static I32 row(const Element* p) { return I32::set(load_word(p)); }
  static Sum add(Sum total, I32 a, Column b) { return add_pairs(total, a, b); }
  using Weight = float;
  static Element weight(Weight w) { return to_bfloat16(w); }
  using Channels = PlainChannels;
};

struct Int8 {
  using Element = uint8_t;
  using Sum = I32;
  using Column = Bytes;
  static constexpr int64_t depth = 4;
  static Column column(const Element* p) { return Bytes::weights(I32::load(p)); }
  static Bytes row(const Element* p) { return Bytes::activations(load_word(p)); }
  static Sum add(Sum total, Bytes a, Column b) { return add_products(total, a, b); }
  using Weight = int8_t;
  static Element weight(Weight w) { return static_cast<Element>(w); }
  using Channels = ScaledChannels;
};

// Formats of matrix.h, whose sums of two rows share a register.
template <typename Format>
concept Matrix = requires { typename Format::Block; };

// Formats of amx.h, which multiply whole tiles.
template <typename Format>
concept Tiled = requires { Format::tile_inputs; };

template <typename Format>
inline int64_t operand_elements(int64_t in) {
  if constexpr (Tiled<Format>) return round_up(in, Format::tile_inputs);
  return round_up(in, Format::depth);
}

template <typename Format>
inline int64_t operand_bytes(int64_t in) {
  return operand_elements<Format>(in) * static_cast<int64_t>(sizeof(typename Format::Element));
}

template <typename Format>
inline void operand_bfloat16(const float* x, int64_t rows, const PackedLinear& linear, void* out,
                             RowScale*) {
  auto* q = static_cast<uint16_t*>(out);
  const int64_t in = linear.in, padded = operand_elements<Format>(in);
  for (int64_t r = 0; r < rows; ++r, x += in, q += padded) {
    for (int64_t k = 0; k < in; ++k) q[k] = to_bfloat16(x[k]);
    for (int64_t k = in; k < padded; ++k) q[k] = 0;
  }
}

// One scale and zero point a row, over the range of its values and zero.
template <typename Format>
inline void operand_int8(const float* x, int64_t rows, const PackedLinear& linear, void* out,
                         RowScale* scales) {
  auto* q = static_cast<uint8_t*>(out);
  const int64_t in = linear.in, padded = operand_elements<Format>(in);
  const int64_t whole = in / F32::lanes * F32::lanes, left = in - whole;
  const int64_t pairs = whole / (2 * F32::lanes) * (2 * F32::lanes);
  const float* smoothing = linear.smoothing;
  const auto value = [&](int64_t k) {
    const F32 v = F32::load(x + k);
    return smoothing == nullptr ? v : v * F32::load(smoothing + k);
  };
  const auto tail = [&] {
    const F32 v = F32::load_part(x + whole, left);
    return smoothing == nullptr ? v : v * F32::load_part(smoothing + whole, left);
  };
  for (int64_t r = 0; r < rows; ++r, x += in, q += padded) {
    F32 low[2] = {F32::zero(), F32::zero()}, high[2] = {F32::zero(), F32::zero()};
    const auto widen = [&](int i, F32 v) {
      low[i] = min(low[i], v);
      high[i] = max(high[i], v);
    };
    for (int64_t k = 0; k < pairs; k += 2 * F32::lanes) {  // two chains hide each other's latency
      widen(0, value(k));
      widen(1, value(k + F32::lanes));
    }
    if (pairs < whole) widen(0, value(pairs));
    if (left > 0) widen(1, tail());
    const float least = smallest(min(low[0], low[1]));
    const float range = largest(max(high[0], high[1])) - least;
    const float scale = range > 0.0f ? range / 255.0f : 1.0f;
    const float zero = __builtin_rintf(-least / scale);
    const F32 inverse = F32::set(1.0f / scale), shift = F32::set(zero);
    for (int64_t k = 0; k < whole; k += F32::lanes) {
      store_bytes(fma(value(k), inverse, shift), q + k);
    }
    if (left > 0) {
      uint8_t last[F32::lanes];
      store_bytes(fma(tail(), inverse, shift), last);
      for (int64_t k = 0; k < left; ++k) q[whole + k] = last[k];
    }
    for (int64_t k = in; k < padded; ++k) q[k] = 0;
    scales[r] = {scale, -scale * (zero - Bytes::offset)};
  }
}

}  // namespace bertie::BERTIE_ISA
