#define WIN32_LEAN_AND_MEAN
#define NOMINMAX
#include <windows.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <new>
#include <thread>

#include "runtime/system.h"

namespace bertie {

int affinity_cores() {
  DWORD_PTR process = 0, system = 0;
  // Zero: the process runs in several groups of processors.
  if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system) != 0 && process != 0) {
    return std::popcount(process);
  }
  return std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
}

// A container's limit is one on its job object's rate.
int quota_cores() {
  JOBOBJECT_CPU_RATE_CONTROL_INFORMATION rate = {};
  if (QueryInformationJobObject(nullptr, JobObjectCpuRateControlInformation, &rate, sizeof rate,
                                nullptr) == 0) {
    return 0;
  }
  constexpr DWORD capped =
      JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP;
  if ((rate.ControlFlags & capped) != capped) return 0;
  const auto machine = static_cast<DWORD>(GetActiveProcessorCount(ALL_PROCESSOR_GROUPS));
  constexpr DWORD whole = 10'000;  // the unit is a hundredth of a percent of the whole machine
  return std::max(static_cast<int>((rate.CpuRate * machine + whole - 1) / whole), 1);
}

void* allocate_pages(size_t bytes) {
  void* pages = VirtualAlloc(nullptr, bytes, MEM_COMMIT | MEM_RESERVE, PAGE_READWRITE);
  if (pages == nullptr) throw std::bad_alloc();
  return pages;
}

void free_pages(void* pages, size_t) noexcept { VirtualFree(pages, 0, MEM_RELEASE); }

bool allow_tiles() { return false; }  // not tried on Windows, which has a call for it since 11

bool call_in_forked_children(void (*)()) { return true; }

}  // namespace bertie
