#include <nanobind/ndarray.h>
#include <cstdint>

#include "module.h"
#include "runtime/crc32c.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace bertie {

void bind_checksum(nb::module_& m) {
  using Bytes = nb::ndarray<const uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
  m.def(
      "crc32c",
      [](const Bytes& data, uint32_t before) {
        nb::gil_scoped_release release;
        return crc32c(data.data(), data.size(), before);
      },
      "data"_a, "before"_a = 0);
}

}  // namespace bertie
