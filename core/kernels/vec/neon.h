// 4 floats: what every aarch64 has, with sdot where the compiler may use it. kernels/matrix.h has
// what CPUs with matrix instructions run in place of Bytes and add_pairs.
// IWYU pragma: private, include "kernels/vec.h"
#pragma once

#include <arm_neon.h>

#include <cstdint>

#if defined(__ARM_FEATURE_MATMUL_INT8) && defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
#define BERTIE_MATRIX
#endif

namespace bertie::BERTIE_ISA {

struct F32 {
  static constexpr int64_t lanes = 4;
  static constexpr int registers = 32;
  float32x4_t v;
  static F32 zero() { return {vdupq_n_f32(0.0f)}; }
  static F32 set(float x) { return {vdupq_n_f32(x)}; }
  static F32 load(const float* p) { return {vld1q_f32(p)}; }
  void store(float* p) const { vst1q_f32(p, v); }
  static F32 load_part(const float* p, int64_t n, float rest = 0.0f) {
    float part[4] = {rest, rest, rest, rest};
    for (int64_t i = 0; i < n; ++i) part[i] = p[i];
    return load(part);
  }
  void store_part(float* p, int64_t n) const {
    float part[4];
    store(part);
    for (int64_t i = 0; i < n; ++i) p[i] = part[i];
  }
};
inline F32 operator+(F32 a, F32 b) { return {vaddq_f32(a.v, b.v)}; }
inline F32 operator-(F32 a, F32 b) { return {vsubq_f32(a.v, b.v)}; }
inline F32 operator*(F32 a, F32 b) { return {vmulq_f32(a.v, b.v)}; }
inline F32 operator/(F32 a, F32 b) { return {vdivq_f32(a.v, b.v)}; }
inline F32 fma(F32 a, F32 b, F32 c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
inline F32 max(F32 a, F32 b) { return {vmaxq_f32(a.v, b.v)}; }
inline F32 min(F32 a, F32 b) { return {vminq_f32(a.v, b.v)}; }
inline F32 round(F32 a) { return {vrndnq_f32(a.v)}; }
inline F32 select_less(F32 a, F32 b, F32 x, F32 y) {
  return {vbslq_f32(vcltq_f32(a.v, b.v), x.v, y.v)};
}
inline F32 scale_by_power(F32 a, F32 n) {
  const int32x4_t exponent = vaddq_s32(vcvtnq_s32_f32(n.v), vdupq_n_s32(127));
  return {vmulq_f32(a.v, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)))};
}
inline F32 floor(F32 x) { return {vrndmq_f32(x.v)}; }
inline F32 fraction(F32 x) { return x - floor(x); }
inline F32 scale_by_floor(F32 a, F32 x) { return scale_by_power(a, floor(x)); }
inline float sum(F32 a) { return vaddvq_f32(a.v); }
inline float largest(F32 a) { return vmaxvq_f32(a.v); }
inline float smallest(F32 a) { return vminvq_f32(a.v); }
inline F32 keep_first(F32 a, int64_t n) {
  float part[4];
  a.store(part);
  return F32::load_part(part, n);
}
inline void transpose(const float* in, int64_t in_stride, int64_t count, float* out,
                      int64_t out_stride) {
  for (int64_t r = 0; r < 4; ++r) {
    for (int64_t c = 0; c < 4; ++c) out[c * out_stride + r] = r < count ? in[r * in_stride + c] : 0;
  }
}
// sdot multiplies signed bytes only, so where it is used activations are stored 128 lower.
#if defined(__ARM_FEATURE_DOTPROD) && !defined(BERTIE_MATRIX)
constexpr int stored_lower = 128;
#else
constexpr int stored_lower = 0;
#endif
inline void store_bytes(F32 a, uint8_t* p) {
  const uint16x4_t halves = vqmovn_u32(vcvtnq_u32_f32(a.v));
  const uint32x2_t bytes = vreinterpret_u32_u8(vqmovn_u16(vcombine_u16(halves, halves)));
  const uint32_t word = vget_lane_u32(bytes, 0) ^ stored_lower * 0x01010101u;
  __builtin_memcpy(p, &word, sizeof word);
}

struct I32 {
  int32x4_t v;
  static I32 zero() { return {vdupq_n_s32(0)}; }
  static I32 set(int32_t x) { return {vdupq_n_s32(x)}; }
  static I32 load(const void* p) {
    return {vreinterpretq_s32_u8(vld1q_u8(static_cast<const uint8_t*>(p)))};
  }
};
inline F32 to_float(I32 a) { return {vcvtq_f32_s32(a.v)}; }
inline F32 low_half(I32 a) { return {vreinterpretq_f32_s32(vshlq_n_s32(a.v, 16))}; }
inline F32 high_half(I32 a) { return {vreinterpretq_f32_s32(vandq_s32(a.v, vdupq_n_s32(-65536)))}; }

#if defined(__ARM_FEATURE_DOTPROD) && !defined(BERTIE_MATRIX)
struct Bytes {
  static constexpr float offset = stored_lower;
  int8x16_t v;
  static Bytes weights(I32 b) { return {vreinterpretq_s8_s32(b.v)}; }
  static Bytes activations(int32_t a) { return {vreinterpretq_s8_s32(vdupq_n_s32(a))}; }
};
inline I32 add_products(I32 total, Bytes a, Bytes b) { return {vdotq_s32(total.v, a.v, b.v)}; }
#else
struct Bytes {  // widened to 16 bits, so that every aarch64 can run it
  static constexpr float offset = 0.0f;
  int16x8_t low, high;
  static Bytes weights(I32 b) {
    const int8x16_t bytes = vreinterpretq_s8_s32(b.v);
    return {vmovl_s8(vget_low_s8(bytes)), vmovl_s8(vget_high_s8(bytes))};
  }
  static Bytes activations(int32_t a) {
    const uint8x8_t bytes = vreinterpret_u8_s32(vdup_n_s32(a));
    const int16x8_t wide = vreinterpretq_s16_u16(vmovl_u8(bytes));
    return {wide, wide};
  }
};
inline I32 add_products(I32 total, Bytes a, Bytes b) {
  int32x4_t first = vmull_s16(vget_low_s16(a.low), vget_low_s16(b.low));
  int32x4_t second = vmull_s16(vget_high_s16(a.low), vget_high_s16(b.low));
  int32x4_t third = vmull_s16(vget_low_s16(a.high), vget_low_s16(b.high));
  int32x4_t fourth = vmull_s16(vget_high_s16(a.high), vget_high_s16(b.high));
  const int32x4_t pairs = vpaddq_s32(vpaddq_s32(first, second), vpaddq_s32(third, fourth));
  return {vaddq_s32(total.v, pairs)};
}
#endif

}  // namespace bertie::BERTIE_ISA
