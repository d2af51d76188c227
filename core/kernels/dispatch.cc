#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#include <array>
#include <cstdlib>
#include <string_view>

#include "kernels/kernels.h"
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

struct Found {
  std::array<const Kernels*, 8> list{};
  size_t count = 0;
  void add(const Kernels& kernels) { list[count++] = &kernels; }
};

#if defined(__x86_64__)
// GCC 12's __builtin_cpu_supports doesn't know it.
bool has_avx_vnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax & 1u << 4) != 0;
}
#endif

Found detect() {
  Found found;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") &&
                          __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  const bool has_vnni = has_avx512 && __builtin_cpu_supports("avx512vnni");
  if (has_vnni && __builtin_cpu_supports("avx512bf16")) found.add(avx512bf16::kernels);
  if (has_vnni) found.add(avx512vnni::kernels);
  if (has_avx512) found.add(avx512::kernels);
  if (has_avx2 && has_avx_vnni()) found.add(avxvnni::kernels);
  if (has_avx2) found.add(avx2::kernels);
#elif defined(__aarch64__)
  // Constants of the kernel's <asm/hwcap.h>, which older ones lack.
  constexpr unsigned long dot = 1ul << 20, i8mm = 1ul << 13, bf16 = 1ul << 14;
  const unsigned long second = getauxval(AT_HWCAP2);
  const bool has_dot = (getauxval(AT_HWCAP) & dot) != 0;
  if (has_dot && (second & i8mm) != 0 && (second & bf16) != 0) found.add(neonmmla::kernels);
  if (has_dot) found.add(neondot::kernels);
  found.add(neon::kernels);
#endif
  found.add(scalar::kernels);
  return found;
}

}  // namespace

std::span<const Kernels* const> available_kernels() {
  static const Found found = detect();
  return {found.list.data(), found.count};
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
