#include "runtime/per_process.h"

#include <atomic>
#include <cstdint>

#include "runtime/system.h"

namespace bertie {
namespace {

std::atomic<uint32_t> forks{0};
// Registered when the library is loaded, before anybody can fork with something of ours.
const bool registered = call_in_forked_children([] { ++forks; });

}  // namespace

uint32_t process_generation() {
  static_cast<void>(registered);
  return forks.load(std::memory_order_relaxed);
}

}  // namespace bertie
