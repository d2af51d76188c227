// vdpbf16ps as Intel defines it, for CPUs that lack it: for the second number of each pair, then
// for the first, one fused multiply-add rounded to nearest, with denormal inputs and results taken
// to be zero whatever MXCSR says. Included by kernels/vec.h inside its namespace.
inline F32 add_pairs(F32 total, I32 a, I32 b) {
  const unsigned usual = _mm_getcsr();
  const unsigned flushing = (usual & ~0x6000u) | 0x8040u;  // flush to zero, denormals are zeros
  // One piece of assembly, so that the compiler moves no arithmetic into or out of it.
  asm("vldmxcsr %[flushing]\n\t"
      "vfmadd231ps %[a1], %[b1], %[total]\n\t"
      "vfmadd231ps %[a0], %[b0], %[total]\n\t"
      "vldmxcsr %[usual]"
      : [total] "+v"(total.v)
      : [a1] "v"(high_half(a).v), [b1] "v"(high_half(b).v), [a0] "v"(low_half(a).v),
        [b0] "v"(low_half(b).v), [flushing] "m"(flushing), [usual] "m"(usual));
  return total;
}
