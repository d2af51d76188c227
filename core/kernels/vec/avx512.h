// 16 floats: AVX-512 F, BW, DQ and VL, with VNNI where the compiler may use it.
// IWYU pragma: private, include "kernels/vec.h"
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace bertie::BERTIE_ISA {

struct F32 {
  static constexpr int64_t lanes = 16;
  static constexpr int registers = 32;
  __m512 v;
  static F32 zero() { return {_mm512_setzero_ps()}; }
  static F32 set(float x) { return {_mm512_set1_ps(x)}; }
  static F32 load(const float* p) { return {_mm512_loadu_ps(p)}; }
  void store(float* p) const { _mm512_storeu_ps(p, v); }
  // The first n < lanes elements; those beyond read as `rest` and are never touched in memory.
  static F32 load_part(const float* p, int64_t n, float rest = 0.0f) {
    return {_mm512_mask_loadu_ps(_mm512_set1_ps(rest), first(n), p)};
  }
  void store_part(float* p, int64_t n) const { _mm512_mask_storeu_ps(p, first(n), v); }
  static __mmask16 first(int64_t n) { return static_cast<__mmask16>((1u << n) - 1u); }
};
inline F32 operator+(F32 a, F32 b) { return {_mm512_add_ps(a.v, b.v)}; }
inline F32 operator-(F32 a, F32 b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline F32 operator*(F32 a, F32 b) { return {_mm512_mul_ps(a.v, b.v)}; }
inline F32 operator/(F32 a, F32 b) { return {_mm512_div_ps(a.v, b.v)}; }
inline F32 fma(F32 a, F32 b, F32 c) { return {_mm512_fmadd_ps(a.v, b.v, c.v)}; }
inline F32 max(F32 a, F32 b) { return {_mm512_max_ps(a.v, b.v)}; }
inline F32 min(F32 a, F32 b) { return {_mm512_min_ps(a.v, b.v)}; }
inline F32 round(F32 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
// x where a < b, else y.
inline F32 select_less(F32 a, F32 b, F32 x, F32 y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}
// a * 2^n for whole n in [-126, 127].
inline F32 scale_by_power(F32 a, F32 n) { return {_mm512_scalef_ps(a.v, n.v)}; }
// x - floor(x), and a * 2^floor(x) for x in [-126, 127].
inline F32 fraction(F32 x) { return {_mm512_reduce_ps(x.v, _MM_FROUND_TO_NEG_INF)}; }
inline F32 scale_by_floor(F32 a, F32 x) { return {_mm512_scalef_ps(a.v, x.v)}; }
inline float sum(F32 a) { return _mm512_reduce_add_ps(a.v); }
inline float largest(F32 a) { return _mm512_reduce_max_ps(a.v); }
inline float smallest(F32 a) { return _mm512_reduce_min_ps(a.v); }
// a in the first n < lanes elements, zero in the others.
inline F32 keep_first(F32 a, int64_t n) { return {_mm512_maskz_mov_ps(F32::first(n), a.v)}; }
// The smaller of |a| and |b|.
inline F32 least_magnitude(F32 a, F32 b) { return {_mm512_range_ps(a.v, b.v, 0b1010)}; }
// table[i] of 32 numbers, i being the lowest five bits of each element of `index`.
inline F32 pick(const float* table, F32 index) {
  return {_mm512_permutex2var_ps(_mm512_loadu_ps(table), _mm512_castps_si512(index.v),
                                 _mm512_loadu_ps(table + 16))};
}
// To the nearest whole numbers, as bytes; what is outside [0, 255] becomes 0 or 255.
inline void store_bytes(F32 a, uint8_t* p) {
  const __m512i words = _mm512_max_epi32(_mm512_cvtps_epi32(a.v), _mm512_setzero_si512());
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtusepi32_epi8(words));
}
// out[c][r] = in[r][c] for lanes × lanes elements, rows `stride`s apart; rows from `count` on are
// not read, but taken to be zeros.
inline void transpose(const float* in, int64_t in_stride, int64_t count, float* out,
                      int64_t out_stride) {
  __m512 a[16], b[16];
  for (int i = 0; i < 16; ++i) {
    a[i] = i < count ? _mm512_loadu_ps(in + i * in_stride) : _mm512_setzero_ps();
  }
  for (int i = 0; i < 16; i += 4) {  // 4 × 4 blocks, in the four quarters of each register
    const __m512 low01 = _mm512_unpacklo_ps(a[i], a[i + 1]);
    const __m512 high01 = _mm512_unpackhi_ps(a[i], a[i + 1]);
    const __m512 low23 = _mm512_unpacklo_ps(a[i + 2], a[i + 3]);
    const __m512 high23 = _mm512_unpackhi_ps(a[i + 2], a[i + 3]);
    b[i] = _mm512_shuffle_ps(low01, low23, 0x44);
    b[i + 1] = _mm512_shuffle_ps(low01, low23, 0xee);
    b[i + 2] = _mm512_shuffle_ps(high01, high23, 0x44);
    b[i + 3] = _mm512_shuffle_ps(high01, high23, 0xee);
  }
  for (int j = 0; j < 4;
       ++j) {  // column 4 q + j is quarter q of b[j], b[4 + j], b[8 + j], b[12 + j]
    const __m512 even0 = _mm512_shuffle_f32x4(b[j], b[4 + j], 0x88);
    const __m512 odd0 = _mm512_shuffle_f32x4(b[j], b[4 + j], 0xdd);
    const __m512 even1 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0x88);
    const __m512 odd1 = _mm512_shuffle_f32x4(b[8 + j], b[12 + j], 0xdd);
    _mm512_storeu_ps(out + j * out_stride, _mm512_shuffle_f32x4(even0, even1, 0x88));
    _mm512_storeu_ps(out + (4 + j) * out_stride, _mm512_shuffle_f32x4(odd0, odd1, 0x88));
    _mm512_storeu_ps(out + (8 + j) * out_stride, _mm512_shuffle_f32x4(even0, even1, 0xdd));
    _mm512_storeu_ps(out + (12 + j) * out_stride, _mm512_shuffle_f32x4(odd0, odd1, 0xdd));
  }
}

// As many int32 as F32 has floats.
struct I32 {
  __m512i v;
  static I32 zero() { return {_mm512_setzero_si512()}; }
  static I32 set(int32_t x) { return {_mm512_set1_epi32(x)}; }
  static I32 load(const void* p) { return {_mm512_loadu_si512(p)}; }
};
inline F32 to_float(I32 a) { return {_mm512_cvtepi32_ps(a.v)}; }
// The two bfloat16 of each 32-bit lane, as float32.
inline F32 low_half(I32 a) { return {_mm512_castsi512_ps(_mm512_slli_epi32(a.v, 16))}; }
inline F32 high_half(I32 a) {
  return {_mm512_castsi512_ps(_mm512_and_si512(a.v, _mm512_set1_epi32(-65536)))};
}

// Four bytes of a times four of b in each 32-bit lane, exactly: a unsigned, b signed.
#if defined(__AVX512VNNI__)
struct Bytes {  // a prepared operand of add_products
  // What is taken off an activation's byte before it is stored, where the instruction wants signed.
  static constexpr float offset = 0.0f;
  __m512i v;
  static Bytes weights(I32 b) { return {b.v}; }
  static Bytes activations(int32_t a) { return {_mm512_set1_epi32(a)}; }
};
inline I32 add_products(I32 total, Bytes a, Bytes b) {
  // Not the intrinsic: GCC 12 copies the accumulator around it and spills the tile to the stack.
  asm("vpdpbusd %2, %1, %0" : "+v"(total.v) : "v"(a.v), "v"(b.v));
  return total;
}
#else
struct Bytes {  // split into 16-bit halves: vpmaddubsw would saturate, vpmaddwd can't
  static constexpr float offset = 0.0f;
  __m512i even, odd;
  static Bytes weights(I32 b) {
    return {_mm512_srai_epi16(_mm512_slli_epi16(b.v, 8), 8), _mm512_srai_epi16(b.v, 8)};
  }
  static Bytes activations(int32_t a) {
    return {_mm512_set1_epi32(a & 0x00ff00ff),
            _mm512_set1_epi32(static_cast<int32_t>(static_cast<uint32_t>(a) >> 8 & 0x00ff00ff))};
  }
};
inline I32 add_products(I32 total, Bytes a, Bytes b) {
  const __m512i pairs =
      _mm512_add_epi32(_mm512_madd_epi16(a.even, b.even), _mm512_madd_epi16(a.odd, b.odd));
  return {_mm512_add_epi32(total.v, pairs)};
}
#endif

}  // namespace bertie::BERTIE_ISA
