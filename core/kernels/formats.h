// The number formats of a product: how operands lie in memory and how one step of the inner loop
// multiplies them. gemm.h is written once over these.
#pragma once

#include "kernels/kernels.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

inline int64_t round_up(int64_t n, int64_t multiple) {
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

// A step multiplies `depth` inputs; a panel holds them side by side for each output channel.
struct Float32 {
  using Element = float;
  using Sum = F32;
  using Column = F32;
  static constexpr int64_t depth = 1;
  static Column column(const Element* p) { return F32::load(p); }
  static F32 row(const Element* p) { return F32::set(*p); }
  static Sum add(Sum total, F32 a, Column b) { return fma(a, b, total); }
  static Element weight(float w, float) { return w; }
  static float channel_scale(const float*, int64_t) { return 1.0f; }
  static F32 finish(Sum sum, const GemmArgs&, int64_t, int64_t) { return sum; }
};

struct Bfloat16 {
  using Element = uint16_t;
  using Sum = F32;
  using Column = I32;
  static constexpr int64_t depth = 2;
  static Column column(const Element* p) { return I32::load(p); }
  static I32 row(const Element* p) { return I32::set(load_word(p)); }
  static Sum add(Sum total, I32 a, Column b) { return add_pairs(total, a, b); }
  static Element weight(float w, float) { return to_bfloat16(w); }
  static float channel_scale(const float*, int64_t) { return 1.0f; }
  static F32 finish(Sum sum, const GemmArgs&, int64_t, int64_t) { return sum; }
};

struct Int8 {
  using Element = uint8_t;
  using Sum = I32;
  using Column = Bytes;
  static constexpr int64_t depth = 4;
  static Column column(const Element* p) { return Bytes::weights(I32::load(p)); }
  static Bytes row(const Element* p) { return Bytes::activations(load_word(p)); }
  static Sum add(Sum total, Bytes a, Column b) { return add_products(total, a, b); }
  static Element weight(float w, float scale) {
    const float q = __builtin_rintf(w / scale);
    return static_cast<uint8_t>(static_cast<int8_t>(q < -127 ? -127 : q > 127 ? 127 : q));
  }
  // The largest weight becomes 127; a channel of zeros keeps any scale.
  static float channel_scale(const float* weights, int64_t in) {
    float top = 0.0f;
    for (int64_t k = 0; k < in; ++k) top = __builtin_fmaxf(top, __builtin_fabsf(weights[k]));
    return top > 0.0f ? top / 127.0f : 1.0f;
  }
  static F32 finish(Sum sum, const GemmArgs& args, int64_t row, int64_t channel) {
    const RowScale scale = args.a_scale[row];
    const I32 shift = I32::set(scale.zero) * I32::load(args.linear->channel_sum + channel);
    return to_float(sum - shift) *
           (F32::set(scale.scale) * F32::load(args.linear->channel_scale + channel));
  }
};

template <typename Format>
inline int64_t operand_elements(int64_t in) {
  return round_up(in, Format::depth);
}

template <typename Format>
inline int64_t operand_bytes(int64_t in) {
  return operand_elements<Format>(in) * static_cast<int64_t>(sizeof(typename Format::Element));
}

inline void operand_bfloat16(const float* x, int64_t rows, const PackedLinear& linear, void* out,
                             RowScale*) {
  auto* q = static_cast<uint16_t*>(out);
  const int64_t in = linear.in, padded = operand_elements<Bfloat16>(in);
  for (int64_t r = 0; r < rows; ++r, x += in, q += padded) {
    for (int64_t k = 0; k < in; ++k) q[k] = to_bfloat16(x[k]);
    for (int64_t k = in; k < padded; ++k) q[k] = 0;
  }
}

// One scale and zero point a row, over the range of its values and zero.
inline void operand_int8(const float* x, int64_t rows, const PackedLinear& linear, void* out,
                         RowScale* scales) {
  auto* q = static_cast<uint8_t*>(out);
  const int64_t in = linear.in, padded = operand_elements<Int8>(in);
  const int64_t whole = in / F32::lanes * F32::lanes, left = in - whole;
  const float* smoothing = linear.smoothing;
  const auto value = [&](const float* row, int64_t k) {
    const F32 v = F32::load(row + k);
    return smoothing == nullptr ? v : v * F32::load(smoothing + k);
  };
  const auto tail = [&](const float* row) {
    const F32 v = F32::load_part(row + whole, left);
    return smoothing == nullptr ? v : v * F32::load_part(smoothing + whole, left);
  };
  for (int64_t r = 0; r < rows; ++r, x += in, q += padded) {
    F32 low = F32::zero(), high = F32::zero();
    for (int64_t k = 0; k < whole; k += F32::lanes) {
      const F32 v = value(x, k);
      low = min(low, v);
      high = max(high, v);
    }
    if (left > 0) {
      low = min(low, tail(x));
      high = max(high, tail(x));
    }
    const float least = smallest(low), range = largest(high) - least;
    const float scale = range > 0.0f ? range / 255.0f : 1.0f;
    const float zero = __builtin_rintf(-least / scale);
    const F32 inverse = F32::set(1.0f / scale), shift = F32::set(zero);
    const auto byte = [&](F32 v) {
      return min(max(round(v * inverse) + shift, F32::zero()), F32::set(255.0f));
    };
    for (int64_t k = 0; k < whole; k += F32::lanes) store_bytes(byte(value(x, k)), q + k);
    if (left > 0) {
      uint8_t last[F32::lanes];
      store_bytes(byte(tail(x)), last);
      for (int64_t k = 0; k < left; ++k) q[whole + k] = last[k];
    }
    for (int64_t k = in; k < padded; ++k) q[k] = 0;
    scales[r] = {scale, static_cast<int32_t>(zero)};
  }
}

}  // namespace bertie::BERTIE_ISA
