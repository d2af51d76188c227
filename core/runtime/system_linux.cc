#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

#include "runtime/system.h"

namespace bertie {

int affinity_cores() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return std::max(CPU_COUNT(&allowed), 1);
  return std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
}

// Of the cgroup.
int quota_cores() {
  auto cores = [](double quota, double period) {
    return quota > 0 && period > 0 ? static_cast<int>((quota + period - 1) / period) : 0;
  };
  std::ifstream v2("/sys/fs/cgroup/cpu.max");
  std::string quota;
  double period = 0;
  if (v2 >> quota >> period) {
    return quota == "max" ? 0 : cores(std::strtod(quota.c_str(), nullptr), period);
  }
  double quota_us = 0;
  if (std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_quota_us") >> quota_us &&
      std::ifstream("/sys/fs/cgroup/cpu/cpu.cfs_period_us") >> period) {
    return cores(quota_us, period);
  }
  return 0;
}

// The kernel's Documentation/arch/x86/xstate.rst. Threads and children inherit the answer.
bool allow_tiles() {
#if defined(SYS_arch_prctl)
  constexpr long ask_for_state = 0x1023, tile_data = 18;
  return syscall(SYS_arch_prctl, ask_for_state, tile_data) == 0;
#else
  return false;
#endif
}

}  // namespace bertie
