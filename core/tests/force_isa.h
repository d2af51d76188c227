// Says which instruction set the next encoder uses.
#pragma once

#include <stdlib.h>
#include <cstdlib>
#include <string>

namespace bertie {

// isa: empty for the fastest that there is.
inline void force_isa(const std::string& isa) {
#if defined(_WIN32)
  _putenv_s("BERTIE_ISA", isa.c_str());
#else
  setenv("BERTIE_ISA", isa.c_str(), 1);
#endif
}

}  // namespace bertie
