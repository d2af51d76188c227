#include <sys/auxv.h>

#include <string>
#include <vector>

#include "runtime/cpu.h"

namespace bertie {
namespace {

struct Feature {
  const char* name;
  unsigned long vector;  // of the auxiliary vector
  int bit;
};

// Bits of the kernel's <asm/hwcap.h>, of which older ones lack some.
constexpr Feature known[] = {
    {"crc32", AT_HWCAP, 7},
    {"asimddp", AT_HWCAP, 20},
    {"i8mm", AT_HWCAP2, 13},
    {"bf16", AT_HWCAP2, 14},
};

}  // namespace

std::vector<std::string> find_cpu_features() {
  std::vector<std::string> found;
  for (const Feature& feature : known) {
    if ((getauxval(feature.vector) >> feature.bit & 1) != 0) found.emplace_back(feature.name);
  }
  return found;
}

std::string cpu_name() { return ""; }

CpuDesign cpu_design() { return {}; }

}  // namespace bertie
