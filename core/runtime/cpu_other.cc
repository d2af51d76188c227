// Where nothing tells what the CPU has: what the architecture guarantees is used.
#include <string>
#include <vector>

#include "runtime/cpu.h"

namespace bertie {

std::vector<std::string> find_cpu_features() { return {}; }

std::string cpu_name() { return ""; }

CpuDesign cpu_design() { return {}; }

}  // namespace bertie
