// 8 floats: AVX2 and FMA, with AVX-VNNI where the compiler may use it.
// IWYU pragma: private, include "kernels/vec.h"
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace bertie::BERTIE_ISA {

struct F32 {
  static constexpr int64_t lanes = 8;
  static constexpr int registers = 16;
  __m256 v;
  static F32 zero() { return {_mm256_setzero_ps()}; }
  static F32 set(float x) { return {_mm256_set1_ps(x)}; }
  static F32 load(const float* p) { return {_mm256_loadu_ps(p)}; }
  void store(float* p) const { _mm256_storeu_ps(p, v); }
  static F32 load_part(const float* p, int64_t n, float rest = 0.0f) {
    const __m256i mask = first(n);
    return {_mm256_blendv_ps(_mm256_set1_ps(rest), _mm256_maskload_ps(p, mask),
                             _mm256_castsi256_ps(mask))};
  }
  void store_part(float* p, int64_t n) const { _mm256_maskstore_ps(p, first(n), v); }
  static __m256i first(int64_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
};
inline F32 operator+(F32 a, F32 b) { return {_mm256_add_ps(a.v, b.v)}; }
inline F32 operator-(F32 a, F32 b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline F32 operator*(F32 a, F32 b) { return {_mm256_mul_ps(a.v, b.v)}; }
inline F32 operator/(F32 a, F32 b) { return {_mm256_div_ps(a.v, b.v)}; }
inline F32 fma(F32 a, F32 b, F32 c) { return {_mm256_fmadd_ps(a.v, b.v, c.v)}; }
inline F32 max(F32 a, F32 b) { return {_mm256_max_ps(a.v, b.v)}; }
inline F32 min(F32 a, F32 b) { return {_mm256_min_ps(a.v, b.v)}; }
inline F32 round(F32 a) {
  return {_mm256_round_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
inline F32 select_less(F32 a, F32 b, F32 x, F32 y) {
  return {_mm256_blendv_ps(y.v, x.v, _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ))};
}
inline F32 scale_by_power(F32 a, F32 n) {
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n.v), _mm256_set1_epi32(127));
  return {_mm256_mul_ps(a.v, _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23)))};
}
inline F32 floor(F32 x) { return {_mm256_floor_ps(x.v)}; }
inline F32 fraction(F32 x) { return x - floor(x); }
inline F32 scale_by_floor(F32 a, F32 x) { return scale_by_power(a, floor(x)); }
inline float sum(F32 a) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float largest(F32 a) {
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(a.v), _mm256_extractf128_ps(a.v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
inline float smallest(F32 a) { return -largest(F32::zero() - a); }
inline F32 keep_first(F32 a, int64_t n) {
  return {_mm256_and_ps(a.v, _mm256_castsi256_ps(F32::first(n)))};
}
inline void transpose(const float* in, int64_t in_stride, int64_t count, float* out,
                      int64_t out_stride) {
  __m256 a[8], b[8];
  for (int i = 0; i < 8; ++i) {
    a[i] = i < count ? _mm256_loadu_ps(in + i * in_stride) : _mm256_setzero_ps();
  }
  for (int i = 0; i < 8; i += 4) {
    const __m256 low01 = _mm256_unpacklo_ps(a[i], a[i + 1]);
    const __m256 high01 = _mm256_unpackhi_ps(a[i], a[i + 1]);
    const __m256 low23 = _mm256_unpacklo_ps(a[i + 2], a[i + 3]);
    const __m256 high23 = _mm256_unpackhi_ps(a[i + 2], a[i + 3]);
    b[i] = _mm256_shuffle_ps(low01, low23, 0x44);
    b[i + 1] = _mm256_shuffle_ps(low01, low23, 0xee);
    b[i + 2] = _mm256_shuffle_ps(high01, high23, 0x44);
    b[i + 3] = _mm256_shuffle_ps(high01, high23, 0xee);
  }
  for (int j = 0; j < 4; ++j) {
    _mm256_storeu_ps(out + j * out_stride, _mm256_permute2f128_ps(b[j], b[4 + j], 0x20));
    _mm256_storeu_ps(out + (4 + j) * out_stride, _mm256_permute2f128_ps(b[j], b[4 + j], 0x31));
  }
}
inline void store_bytes(F32 a, uint8_t* p) {
  const __m256i words = _mm256_cvtps_epi32(a.v);
  const __m128i halves =
      _mm_packus_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(halves, halves));
}

struct I32 {
  __m256i v;
  static I32 zero() { return {_mm256_setzero_si256()}; }
  static I32 set(int32_t x) { return {_mm256_set1_epi32(x)}; }
  static I32 load(const void* p) { return {_mm256_loadu_si256(static_cast<const __m256i*>(p))}; }
};
inline F32 to_float(I32 a) { return {_mm256_cvtepi32_ps(a.v)}; }
inline F32 low_half(I32 a) { return {_mm256_castsi256_ps(_mm256_slli_epi32(a.v, 16))}; }
inline F32 high_half(I32 a) {
  return {_mm256_castsi256_ps(_mm256_and_si256(a.v, _mm256_set1_epi32(-65536)))};
}

#if defined(__AVXVNNI__)
// The tests' build takes the EVEX encoding, which CPUs with AVX-512 run: the operation is the same.
#if !defined(BERTIE_VNNI_ENCODING)
#define BERTIE_VNNI_ENCODING "%{vex%} "
#endif
struct Bytes {
  static constexpr float offset = 0.0f;
  __m256i v;
  static Bytes weights(I32 b) { return {b.v}; }
  static Bytes activations(int32_t a) { return {_mm256_set1_epi32(a)}; }
};
inline I32 add_products(I32 total, Bytes a, Bytes b) {
  asm(BERTIE_VNNI_ENCODING "vpdpbusd %2, %1, %0" : "+x"(total.v) : "x"(a.v), "x"(b.v));
  return total;
}
#else
struct Bytes {  // split into 16-bit halves: vpmaddubsw would saturate, vpmaddwd can't
  static constexpr float offset = 0.0f;
  __m256i even, odd;
  static Bytes weights(I32 b) {
    return {_mm256_srai_epi16(_mm256_slli_epi16(b.v, 8), 8), _mm256_srai_epi16(b.v, 8)};
  }
  static Bytes activations(int32_t a) {
    return {_mm256_set1_epi32(a & 0x00ff00ff),
            _mm256_set1_epi32(static_cast<int32_t>(static_cast<uint32_t>(a) >> 8 & 0x00ff00ff))};
  }
};
inline I32 add_products(I32 total, Bytes a, Bytes b) {
  const __m256i pairs =
      _mm256_add_epi32(_mm256_madd_epi16(a.even, b.even), _mm256_madd_epi16(a.odd, b.odd));
  return {_mm256_add_epi32(total.v, pairs)};
}
#endif

}  // namespace bertie::BERTIE_ISA
