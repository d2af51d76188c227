#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/kernels.h"
#include "kernels/self_test.h"
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
namespace amx {
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
#if !defined(BERTIE_EMULATE_AMX)
      {&amx::kernels,
       {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16",
        "amx_tile", "amx_int8", "amx_bf16"}},
#endif
      {&avx512bf16::kernels,
       {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni",
        "avx512_bf16"}},
      {&avx512vnni::kernels,
       {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"}},
      {&avx512::kernels, {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl"}},
      {&avxvnni::kernels, {"avx2", "fma", "avx_vnni"}},
      {&avx2::kernels, {"avx2", "fma"}},
#if defined(BERTIE_EMULATE_AMX)  // slow, and never taken by itself
      {&amx::kernels,
       {"avx2", "fma", "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512_vnni"}},
#endif
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

namespace {

const Tried& tried() {
  static const Tried once = try_kernels(available_kernels());
  return once;
}

// Remembered without a lock, which a forked child might find held: at worst it is tried twice.
bool is_right(const Kernels& kernels) {
  constexpr int most = 16;
  static std::atomic<int> verdicts[most];  // 0: none yet
  const auto available = available_kernels();
  const auto place = std::ranges::find(available, &kernels) - available.begin();
  std::atomic<int>& verdict = verdicts[std::min<std::ptrdiff_t>(place, most - 1)];
  if (verdict == 0) verdict = computes_rightly(kernels, *available.back()) ? 1 : 2;
  return verdict == 1;
}

}  // namespace

const Kernels& fastest_kernels() { return *tried().first_right; }

std::span<const Kernels* const> wrong_kernels() { return tried().wrong; }

const Kernels& select_kernels() {
  const char* wanted = std::getenv("BERTIE_ISA");
  if (wanted == nullptr || *wanted == '\0') return fastest_kernels();
  const auto available = available_kernels();
  const std::string before = "BERTIE_ISA is '" + std::string(wanted) + "', which ";
  std::string names;
  for (const Kernels* kernels : available) {
    if (std::string_view(kernels->isa) != wanted) {
      names += (names.empty() ? "" : ", ") + std::string(kernels->isa);
    } else if (is_right(*kernels)) {
      return *kernels;
    } else {
      throw Error(ErrorKind::input, before + "computes wrongly on this CPU; unset it, and " +
                                        fastest_kernels().isa + " is used");
    }
  }
  throw Error(ErrorKind::input, before + "this build and CPU can't run; set it to one of: " +
                                    names + ", or unset it");
}

}  // namespace bertie
