#pragma once

#include <span>
#include <vector>

#include "kernels/kernels.h"

namespace bertie {

// Whether a product in each precision is what another ISA, whose instructions are beyond doubt,
// makes of the same numbers, but for rounding. Takes a fraction of a millisecond.
bool computes_rightly(const Kernels& kernels, const Kernels& reference);

// The first that computes rightly beside the last, which is taken for granted, and those before it.
struct Tried {
  const Kernels* first_right;
  std::vector<const Kernels*> wrong;
};
Tried try_kernels(std::span<const Kernels* const> kernels);

}  // namespace bertie
