#include <sched.h>

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

}  // namespace bertie
