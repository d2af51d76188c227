#include "runtime/per_process.h"

#include <pthread.h>

namespace bertie {
namespace {

std::atomic<uint32_t> forks{0};
// Registered when the library is loaded, before anybody can fork with something of ours.
const int registered = pthread_atfork(nullptr, nullptr, [] { ++forks; });

}  // namespace

uint32_t process_generation() {
  static_cast<void>(registered);
  return forks.load(std::memory_order_relaxed);
}

}  // namespace bertie
