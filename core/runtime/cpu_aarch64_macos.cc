#include <sys/sysctl.h>

#include <string>
#include <vector>

#include "runtime/cpu.h"

namespace bertie {
namespace {

// Apple, "Determining instruction set characteristics".
constexpr struct {
  const char* name;
  const char* key;
} known[] = {
    {"crc32", "hw.optional.armv8_crc32"},
    {"asimddp", "hw.optional.arm.FEAT_DotProd"},
    {"i8mm", "hw.optional.arm.FEAT_I8MM"},
    {"bf16", "hw.optional.arm.FEAT_BF16"},
};

}  // namespace

std::vector<std::string> find_cpu_features() {
  std::vector<std::string> found;
  for (const auto& feature : known) {
    int value = 0;
    size_t size = sizeof value;
    // A system that has never heard of a feature doesn't know the key.
    if (sysctlbyname(feature.key, &value, &size, nullptr, 0) == 0 && value != 0) {
      found.emplace_back(feature.name);
    }
  }
  return found;
}

std::string cpu_name() {
  char name[256] = {};
  size_t size = sizeof name - 1;
  if (sysctlbyname("machdep.cpu.brand_string", name, &size, nullptr, 0) != 0) return "";
  return name;
}

CpuDesign cpu_design() { return {}; }

}  // namespace bertie
