// What each operating system does in its own way.
#pragma once

#include <cstddef>

namespace bertie {

// Cores that the scheduler may run this process on; at least 1.
int affinity_cores();

// Whole cores' time that a quota allows this process, rounded up; 0: it has none.
int quota_cores();

// Zeroed memory of its own pages, which go back to the system when they are freed.
// Throws std::bad_alloc.
void* allocate_pages(size_t bytes);
void free_pages(void* pages, size_t bytes) noexcept;

// Asks the system to let this process use Intel's tile registers (AMX), and says whether it may.
bool allow_tiles();

// Has `handler` called in each child that this process forks, now and later. Returns whether the
// system took it; where nothing forks there is nothing to take.
bool call_in_forked_children(void (*handler)());

}  // namespace bertie
