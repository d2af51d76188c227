#pragma once

#include <nanobind/nanobind.h>

namespace bertie {

void bind_checksum(nanobind::module_& m);
void bind_encoder(nanobind::module_& m);
void bind_machine(nanobind::module_& m);
void bind_text(nanobind::module_& m);

}  // namespace bertie
