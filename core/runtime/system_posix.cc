// What Linux and macOS do alike.
#include <pthread.h>
#include <sys/mman.h>

#include <cstddef>
#include <new>

#include "runtime/system.h"

namespace bertie {

void* allocate_pages(size_t bytes) {
  void* pages = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  return pages;
}

void free_pages(void* pages, size_t bytes) noexcept { munmap(pages, bytes); }

bool call_in_forked_children(void (*handler)()) {
  return pthread_atfork(nullptr, nullptr, handler) == 0;
}

}  // namespace bertie
