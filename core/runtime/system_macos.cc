#include <algorithm>
#include <thread>

#include "runtime/system.h"

namespace bertie {

int affinity_cores() {  // macOS ties no process to cores
  return std::max(static_cast<int>(std::thread::hardware_concurrency()), 1);
}

int quota_cores() { return 0; }

bool allow_tiles() { return false; }  // no Mac has them

}  // namespace bertie
