// What the core was built with, and what it found of the machine.
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kernels/bfloat16_speed.h"
#include "kernels/kernels.h"
#include "module.h"
#include "runtime/cpu.h"
#include "runtime/system.h"
#include "runtime/thread_pool.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace bertie {
namespace {

std::vector<std::string> names(std::span<const Kernels* const> kernels) {
  std::vector<std::string> isas;
  for (const Kernels* one : kernels) isas.emplace_back(one->isa);
  return isas;
}

}  // namespace

void bind_machine(nb::module_& m) {
  m.def("affinity_cores", &affinity_cores);
  m.def("quota_cores", &quota_cores);
  m.def("available_cores", &available_cores);
  m.def("built_isas", [] { return names(built_kernels()); });
  m.def("available_isas", [] { return names(available_kernels()); });
  m.def("fastest_isa", [] { return std::string(fastest_kernels().isa); });
  m.def("wrong_isas", [] { return names(wrong_kernels()); });
  m.def("cpu_features", &cpu_features);
  m.def("cpu_name", &cpu_name);
  m.def("cpu_design", [] {
    const CpuDesign design = cpu_design();
    return std::pair(design.vendor, design.family);
  });
  m.def(
      "bfloat16_speed",
      [](const std::string& isa, const std::string& vendor, int family) {
        constexpr const char* names[] = {"none", "slower", "faster"};
        return names[static_cast<int>(bfloat16_speed(isa, {vendor, family}))];
      },
      "isa"_a, "vendor"_a, "family"_a);
  m.def("compiler", [] { return std::string(BERTIE_COMPILER); });
}

}  // namespace bertie
