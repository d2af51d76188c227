// A small vector of floats, one definition per ISA. Kernels are written over it once; the file
// isa.cc compiles them for each. Everything lives in the ISA's own namespace: a linker that merges
// two inline functions of one name must never hand AVX-512 code to a CPU without it.
#pragma once

#include <cstdint>

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#elif defined(BERTIE_NEON)
#include <arm_neon.h>
#endif

namespace bertie::BERTIE_ISA {

#if defined(__AVX512F__)

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
inline F32 operator+(F32 a, F32 b) {
  return {_mm512_add_ps(a.v, b.v)};
}
inline F32 operator-(F32 a, F32 b) {
  return {_mm512_sub_ps(a.v, b.v)};
}
inline F32 operator*(F32 a, F32 b) {
  return {_mm512_mul_ps(a.v, b.v)};
}
inline F32 operator/(F32 a, F32 b) {
  return {_mm512_div_ps(a.v, b.v)};
}
inline F32 fma(F32 a, F32 b, F32 c) {
  return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
inline F32 max(F32 a, F32 b) {
  return {_mm512_max_ps(a.v, b.v)};
}
inline F32 min(F32 a, F32 b) {
  return {_mm512_min_ps(a.v, b.v)};
}
inline F32 round(F32 a) {
  return {_mm512_roundscale_ps(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC)};
}
// x where a < b, else y.
inline F32 select_less(F32 a, F32 b, F32 x, F32 y) {
  return {_mm512_mask_blend_ps(_mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ), y.v, x.v)};
}
// a * 2^n for whole n in [-126, 127].
inline F32 scale_by_power(F32 a, F32 n) {
  return {_mm512_scalef_ps(a.v, n.v)};
}
inline float sum(F32 a) {
  return _mm512_reduce_add_ps(a.v);
}
inline float largest(F32 a) {
  return _mm512_reduce_max_ps(a.v);
}
inline float smallest(F32 a) {
  return _mm512_reduce_min_ps(a.v);
}
// a in the first n < lanes elements, zero in the others.
inline F32 keep_first(F32 a, int64_t n) {
  return {_mm512_maskz_mov_ps(F32::first(n), a.v)};
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
inline F32 to_float(I32 a) {
  return {_mm512_cvtepi32_ps(a.v)};
}
// The two bfloat16 of each 32-bit lane, as float32.
inline F32 low_half(I32 a) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(a.v, 16))};
}
inline F32 high_half(I32 a) {
  return {_mm512_castsi512_ps(_mm512_and_si512(a.v, _mm512_set1_epi32(-65536)))};
}

// Four bytes of a times four of b in each 32-bit lane, exactly: a unsigned, b signed.
#if defined(__AVX512VNNI__)
struct Bytes {  // a prepared operand of add_products
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

#elif defined(__AVX2__)

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
inline F32 operator+(F32 a, F32 b) {
  return {_mm256_add_ps(a.v, b.v)};
}
inline F32 operator-(F32 a, F32 b) {
  return {_mm256_sub_ps(a.v, b.v)};
}
inline F32 operator*(F32 a, F32 b) {
  return {_mm256_mul_ps(a.v, b.v)};
}
inline F32 operator/(F32 a, F32 b) {
  return {_mm256_div_ps(a.v, b.v)};
}
inline F32 fma(F32 a, F32 b, F32 c) {
  return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
inline F32 max(F32 a, F32 b) {
  return {_mm256_max_ps(a.v, b.v)};
}
inline F32 min(F32 a, F32 b) {
  return {_mm256_min_ps(a.v, b.v)};
}
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
inline float smallest(F32 a) {
  return -largest(F32::zero() - a);
}
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
inline F32 to_float(I32 a) {
  return {_mm256_cvtepi32_ps(a.v)};
}
inline F32 low_half(I32 a) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(a.v, 16))};
}
inline F32 high_half(I32 a) {
  return {_mm256_castsi256_ps(_mm256_and_si256(a.v, _mm256_set1_epi32(-65536)))};
}

struct Bytes {
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

#elif defined(BERTIE_NEON)

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
inline F32 operator+(F32 a, F32 b) {
  return {vaddq_f32(a.v, b.v)};
}
inline F32 operator-(F32 a, F32 b) {
  return {vsubq_f32(a.v, b.v)};
}
inline F32 operator*(F32 a, F32 b) {
  return {vmulq_f32(a.v, b.v)};
}
inline F32 operator/(F32 a, F32 b) {
  return {vdivq_f32(a.v, b.v)};
}
inline F32 fma(F32 a, F32 b, F32 c) {
  return {vfmaq_f32(c.v, a.v, b.v)};
}
inline F32 max(F32 a, F32 b) {
  return {vmaxq_f32(a.v, b.v)};
}
inline F32 min(F32 a, F32 b) {
  return {vminq_f32(a.v, b.v)};
}
inline F32 round(F32 a) {
  return {vrndnq_f32(a.v)};
}
inline F32 select_less(F32 a, F32 b, F32 x, F32 y) {
  return {vbslq_f32(vcltq_f32(a.v, b.v), x.v, y.v)};
}
inline F32 scale_by_power(F32 a, F32 n) {
  const int32x4_t exponent = vaddq_s32(vcvtnq_s32_f32(n.v), vdupq_n_s32(127));
  return {vmulq_f32(a.v, vreinterpretq_f32_s32(vshlq_n_s32(exponent, 23)))};
}
inline float sum(F32 a) {
  return vaddvq_f32(a.v);
}
inline float largest(F32 a) {
  return vmaxvq_f32(a.v);
}
inline float smallest(F32 a) {
  return vminvq_f32(a.v);
}
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
inline void store_bytes(F32 a, uint8_t* p) {
  const uint32x4_t words = vminq_u32(vcvtnq_u32_f32(a.v), vdupq_n_u32(255));
  for (int i = 0; i < 4; ++i) p[i] = static_cast<uint8_t>(words[i]);
}

struct I32 {
  int32x4_t v;
  static I32 zero() { return {vdupq_n_s32(0)}; }
  static I32 set(int32_t x) { return {vdupq_n_s32(x)}; }
  static I32 load(const void* p) {
    return {vreinterpretq_s32_u8(vld1q_u8(static_cast<const uint8_t*>(p)))};
  }
};
inline F32 to_float(I32 a) {
  return {vcvtq_f32_s32(a.v)};
}
inline F32 low_half(I32 a) {
  return {vreinterpretq_f32_s32(vshlq_n_s32(a.v, 16))};
}
inline F32 high_half(I32 a) {
  return {vreinterpretq_f32_s32(vandq_s32(a.v, vdupq_n_s32(-65536)))};
}

struct Bytes {  // widened to 16 bits, so that every aarch64 can run it
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

#else  // scalar: a vector of one, the reference that the others are tested against

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
inline F32 operator+(F32 a, F32 b) {
  return {a.v + b.v};
}
inline F32 operator-(F32 a, F32 b) {
  return {a.v - b.v};
}
inline F32 operator*(F32 a, F32 b) {
  return {a.v * b.v};
}
inline F32 operator/(F32 a, F32 b) {
  return {a.v / b.v};
}
// Not fused: without the instruction a fused one is a slow library call.
inline F32 fma(F32 a, F32 b, F32 c) {
  return {a.v * b.v + c.v};
}
inline F32 max(F32 a, F32 b) {
  return {a.v > b.v ? a.v : b.v};
}
inline F32 min(F32 a, F32 b) {
  return {a.v < b.v ? a.v : b.v};
}
inline F32 round(F32 a) {
  return {__builtin_rintf(a.v)};
}
inline F32 select_less(F32 a, F32 b, F32 x, F32 y) {
  return a.v < b.v ? x : y;
}
inline F32 scale_by_power(F32 a, F32 n) {
  const uint32_t bits = static_cast<uint32_t>(static_cast<int32_t>(n.v) + 127) << 23;
  return {a.v * __builtin_bit_cast(float, bits)};
}
inline float sum(F32 a) {
  return a.v;
}
inline float largest(F32 a) {
  return a.v;
}
inline float smallest(F32 a) {
  return a.v;
}
inline F32 keep_first(F32, int64_t) {
  return {0.0f};
}
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
inline F32 to_float(I32 a) {
  return {static_cast<float>(a.v)};
}
inline F32 low_half(I32 a) {
  return {__builtin_bit_cast(float, static_cast<uint32_t>(a.v) << 16)};
}
inline F32 high_half(I32 a) {
  return {__builtin_bit_cast(float, static_cast<uint32_t>(a.v) & 0xffff0000u)};
}

struct Bytes {
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

#endif

inline F32 as_float(F32 a) {
  return a;
}
inline F32 as_float(I32 a) {
  return to_float(a);
}

// Products of the bfloat16 pairs in a and b, added to the sums. Where the CPU lacks the
// instruction the roundings of the operands are the same, and the products are float32's.
#if defined(__AVX512BF16__)
inline F32 add_pairs(F32 total, I32 a, I32 b) {
  return {_mm512_dpbf16_ps(total.v, (__m512bh)a.v, (__m512bh)b.v)};
}
#else
inline F32 add_pairs(F32 total, I32 a, I32 b) {
  return fma(high_half(a), high_half(b), fma(low_half(a), low_half(b), total));
}
#endif

}  // namespace bertie::BERTIE_ISA
