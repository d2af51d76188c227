// The extension module bertie._core: it checks, converts, releases the GIL and calls.
#include "module.h"
#include <exception>

#include "runtime/error.h"

namespace nb = nanobind;

namespace {

const char* python_name(bertie::ErrorKind kind) {
  switch (kind) {
    case bertie::ErrorKind::tokenizer:
      return "TokenizerError";
    case bertie::ErrorKind::checkpoint:
      return "CheckpointError";
    case bertie::ErrorKind::input:
      break;
  }
  return "InputError";
}

void raise_in_python(const std::exception_ptr& pointer, void*) {
  try {
    std::rethrow_exception(pointer);
  } catch (const bertie::Error& error) {
    nb::object type = nb::module_::import_("bertie.errors").attr(python_name(error.kind()));
    PyErr_SetString(type.ptr(), error.what());
  }
}

}  // namespace

NB_MODULE(_core, m) {
  nb::register_exception_translator(raise_in_python);
  bertie::bind_checksum(m);
  bertie::bind_encoder(m);
  bertie::bind_machine(m);
  bertie::bind_text(m);
}
