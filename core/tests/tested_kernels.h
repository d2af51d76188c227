// The kernels that tests run: those that Bertie itself would, and beside them those of newer CPUs
// in a form that this one runs, with one instruction exchanged.
#pragma once

#include <string_view>
#include <vector>

#include "kernels/kernels.h"

#if defined(__x86_64__)
namespace bertie::avxvnni_as_evex {
extern const Kernels kernels;  // avxvnni, its vpdpbusd in the encoding of AVX-512
}
namespace bertie::avx512bf16_emulated {
extern const Kernels kernels;  // avx512bf16, with dpbf16.h for vdpbf16ps
}
namespace bertie::amx_emulated {
extern const Kernels kernels;  // amx, with tiles.h for the tiles
}
#endif

namespace bertie {

inline std::vector<const Kernels*> tested_kernels() {
  std::vector<const Kernels*> tested;
  for (const Kernels* kernels : available_kernels()) {
    tested.push_back(kernels);
#if defined(__x86_64__)
    if (std::string_view(kernels->isa) == "avx512vnni") {
      tested.push_back(&avxvnni_as_evex::kernels);
      tested.push_back(&avx512bf16_emulated::kernels);
      tested.push_back(&amx_emulated::kernels);
    }
#endif
  }
  return tested;
}

}  // namespace bertie
