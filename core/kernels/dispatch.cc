#include <algorithm>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/kernels.h"
#include "runtime/cpu.h"
#include "runtime/error.h"

namespace bertie {

namespace scalar {
extern const Kernels kernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Kernels kernels;
}
namespace avxvnni {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
namespace avx512vnni {
extern const Kernels kernels;
}
namespace avx512bf16 {
extern const Kernels kernels;
}
#elif defined(__aarch64__)
namespace neon {
extern const Kernels kernels;
}
namespace neondot {
extern const Kernels kernels;
}
namespace neonmmla {
extern const Kernels kernels;
}
#endif

namespace {

struct Built {
  const Kernels* kernels;
  std::vector<std::string_view> needs;  // features of the CPU, as cpu_features() calls them
};

// What this build has, fastest first.
const std::vector<Built>& built() {
  static const std::vector<Built> table = {
#if defined(__x86_64__)
      {&avx512bf16::kernels,
       {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni",
        "avx512_bf16"}},
      {&avx512vnni::kernels,
       {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"}},
      {&avx512::kernels, {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"}},
      {&avxvnni::kernels, {"avx2", "fma", "avx_vnni"}},
      {&avx2::kernels, {"avx2", "fma"}},
#elif defined(__aarch64__)
      {&neonmmla::kernels, {"asimddp", "i8mm", "bf16"}},
      {&neondot::kernels, {"asimddp"}},
      {&neon::kernels, {}},
#endif
      {&scalar::kernels, {}},
  };
  return table;
}

}  // namespace

std::span<const Kernels* const> built_kernels() {
  static const std::vector<const Kernels*> all = [] {
    std::vector<const Kernels*> list;
    for (const Built& one : built()) list.push_back(one.kernels);
    return list;
  }();
  return all;
}

std::span<const Kernels* const> available_kernels() {
  static const std::vector<const Kernels*> runnable = [] {
    std::vector<const Kernels*> list;
    for (const Built& one : built()) {
      if (std::ranges::all_of(one.needs, cpu_has)) list.push_back(one.kernels);
    }
    return list;
  }();
  return runnable;
}

const Kernels& select_kernels() {
  const auto available = available_kernels();
  const char* wanted = std::getenv("BERTIE_ISA");
  if (wanted == nullptr || *wanted == '\0') return *available.front();
  std::string names;
  for (const Kernels* kernels : available) {
    if (std::string_view(kernels->isa) == wanted) return *kernels;
    names += (names.empty() ? "" : ", ") + std::string(kernels->isa);
  }
  throw Error(ErrorKind::input, "BERTIE_ISA is '" + std::string(wanted) +
                                    "', which this build and CPU can't run; set it to one of: " +
                                    names + ", or unset it");
}

}  // namespace bertie
