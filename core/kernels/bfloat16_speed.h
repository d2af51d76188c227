#pragma once

#include <string_view>

#include "runtime/cpu.h"

namespace bertie {

// How fast an ISA multiplies bfloat16 on a CPU: not as such, more slowly than float32, or faster.
enum class Bfloat16Speed { none, slower, faster };

// A rule and no measurement, so that a machine always settles the same. docs/performance.md has
// its sources.
Bfloat16Speed bfloat16_speed(std::string_view isa, const CpuDesign& cpu);

}  // namespace bertie
