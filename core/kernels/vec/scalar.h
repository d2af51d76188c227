// A vector of one: what every CPU runs, and what the other ISAs are tested against.
// IWYU pragma: private, include "kernels/vec.h"
#pragma once

#include <cstdint>

namespace bertie::BERTIE_ISA {

struct F32 {
  static constexpr int64_t lanes = 1;
  static constexpr int registers = 16;
  float v;
  static F32 zero() { return {0.0f}; }
  static F32 set(float x) { return {x}; }
  static F32 load(const float* p) { return {*p}; }
  void store(float* p) const { *p = v; }
  static F32 load_part(const float*, int64_t, float rest = 0.0f) { return {rest}; }
  void store_part(float*, int64_t) const {}
};
inline F32 operator+(F32 a, F32 b) { return {a.v + b.v}; }
inline F32 operator-(F32 a, F32 b) { return {a.v - b.v}; }
inline F32 operator*(F32 a, F32 b) { return {a.v * b.v}; }
inline F32 operator/(F32 a, F32 b) { return {a.v / b.v}; }
// Not fused: without the instruction a fused one is a slow library call.
inline F32 fma(F32 a, F32 b, F32 c) { return {a.v * b.v + c.v}; }
inline F32 max(F32 a, F32 b) { return {a.v > b.v ? a.v : b.v}; }
inline F32 min(F32 a, F32 b) { return {a.v < b.v ? a.v : b.v}; }
inline F32 round(F32 a) { return {__builtin_rintf(a.v)}; }
inline F32 select_less(F32 a, F32 b, F32 x, F32 y) { return a.v < b.v ? x : y; }
inline F32 scale_by_power(F32 a, F32 n) {
  const uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(n.v) + 127) << 23;
  return {a.v * __builtin_bit_cast(float, bits)};
}
inline F32 floor(F32 x) { return {__builtin_floorf(x.v)}; }
inline F32 fraction(F32 x) { return x - floor(x); }
inline F32 scale_by_floor(F32 a, F32 x) { return scale_by_power(a, floor(x)); }
inline float sum(F32 a) { return a.v; }
inline float largest(F32 a) { return a.v; }
inline float smallest(F32 a) { return a.v; }
inline F32 keep_first(F32, int64_t) { return {0.0f}; }
inline void transpose(const float* in, int64_t, int64_t count, float* out, int64_t) {
  *out = count > 0 ? *in : 0.0f;
}
inline void store_bytes(F32 a, uint8_t* p) {
  const float rounded = __builtin_rintf(a.v);
  *p = static_cast<uint8_t>(rounded < 0.0f ? 0.0f : rounded > 255.0f ? 255.0f : rounded);
}

struct I32 {
  int32_t v;
  static I32 zero() { return {0}; }
  static I32 set(int32_t x) { return {x}; }
  static I32 load(const void* p) {
    I32 a;
    __builtin_memcpy(&a.v, p, sizeof a.v);
    return a;
  }
};
inline F32 to_float(I32 a) { return {static_cast<float>(a.v)}; }
inline F32 low_half(I32 a) { return {__builtin_bit_cast(float, static_cast<uint32_t>(a.v) << 16)}; }
inline F32 high_half(I32 a) {
  return {__builtin_bit_cast(float, static_cast<uint32_t>(a.v) & 0xffff0000u)};
}

struct Bytes {
  static constexpr float offset = 0.0f;
  uint32_t v;
  static Bytes weights(I32 b) { return {static_cast<uint32_t>(b.v)}; }
  static Bytes activations(int32_t a) { return {static_cast<uint32_t>(a)}; }
};
inline I32 add_products(I32 total, Bytes a, Bytes b) {
  for (int shift = 0; shift < 32; shift += 8) {
    total.v += static_cast<int32_t>(a.v >> shift & 0xff) * static_cast<int8_t>(b.v >> shift);
  }
  return total;
}

}  // namespace bertie::BERTIE_ISA
