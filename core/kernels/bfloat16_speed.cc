#include "kernels/bfloat16_speed.h"

#include <string_view>

#include "runtime/cpu.h"

namespace bertie {
namespace {

// Who multiplies bfloat16 faster than float32, of those that do so natively: all, or the CPUs of a
// vendor from a family on.
struct Native {
  std::string_view isa;
  std::string_view vendor;
  int first_family;
};

constexpr Native natives[] = {
    {"amx", "", 0},
    // Zen 4 and later, whose vdpbf16ps, of twice as many numbers as an FMA, runs at an FMA's rate.
    // On Intel's cores it runs at a quarter of that.
    {"avx512bf16", "AuthenticAMD", 25},
    {"neonmmla", "", 0},
};

}  // namespace

Bfloat16Speed bfloat16_speed(std::string_view isa, const CpuDesign& cpu) {
  for (const Native& native : natives) {
    if (native.isa != isa) continue;
    const bool fast =
        native.vendor.empty() || (native.vendor == cpu.vendor && native.first_family <= cpu.family);
    return fast ? Bfloat16Speed::faster : Bfloat16Speed::slower;
  }
  return Bfloat16Speed::none;
}

}  // namespace bertie
