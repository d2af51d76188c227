// A small vector of floats, F32, with I32 and Bytes beside it, one definition per ISA in vec/.
// Kernels are written over them once; isa.cc compiles them for each. Everything lives in the ISA's
// own namespace: a linker that merges two inline functions of one name must never hand AVX-512 code
// to a CPU without it.
#pragma once

#if defined(__AVX512F__)
#include "kernels/vec/avx512.h"
#elif defined(__AVX2__)
#include "kernels/vec/avx2.h"
#elif defined(BERTIE_NEON)
#include "kernels/vec/neon.h"
#else
#include "kernels/vec/scalar.h"
#endif

namespace bertie::BERTIE_ISA {

inline F32 as_float(F32 a) { return a; }
inline F32 as_float(I32 a) { return to_float(a); }

// Products of the bfloat16 pairs in a and b, added to the sums, the second of each pair first, as
// vdpbf16ps does. Where the CPU lacks the instruction the products are float32's and the bits the
// same, but for numbers below 1.2e-38, which the instruction takes to be zero.
#if defined(BERTIE_ADD_PAIRS)  // a test's stand-in for the instruction
#include BERTIE_ADD_PAIRS
#elif defined(__AVX512BF16__)
inline F32 add_pairs(F32 total, I32 a, I32 b) {
  return {_mm512_dpbf16_ps(total.v, (__m512bh)a.v, (__m512bh)b.v)};
}
#else
inline F32 add_pairs(F32 total, I32 a, I32 b) {
  return fma(low_half(a), low_half(b), fma(high_half(a), high_half(b), total));
}
#endif

}  // namespace bertie::BERTIE_ISA
