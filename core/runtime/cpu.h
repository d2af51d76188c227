#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace bertie {

// Finds which of the features that Bertie asks for this CPU has and the system lets programs use,
// in the words of Linux's /proc/cpuinfo. It is asked of the CPU or of the system: the compilers'
// own
// __builtin_cpu_supports answers no to everything in a program that zig linked.
std::vector<std::string> find_cpu_features();

// As the CPU or the system calls it; empty where neither does.
std::string cpu_name();

// Who made an x86 CPU and the family that it counts among, as CPUID tells them: "GenuineIntel" and
// 6, "AuthenticAMD" and 25. Empty and 0 on others.
struct CpuDesign {
  std::string vendor;
  int family = 0;
};
CpuDesign cpu_design();

// What find_cpu_features found when it was first asked for.
inline const std::vector<std::string>& cpu_features() {
  static const std::vector<std::string> features = find_cpu_features();
  return features;
}

inline bool cpu_has(std::string_view feature) {
  return std::ranges::find(cpu_features(), feature) != cpu_features().end();
}

}  // namespace bertie
