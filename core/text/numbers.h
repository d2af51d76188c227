// An array of numbers that outlives the core's work on it: NumPy takes it over as it is.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

namespace bertie {

struct FreeNumbers {
  void operator()(int32_t* numbers) const { std::free(numbers); }
};
using Numbers = std::unique_ptr<int32_t[], FreeNumbers>;

// Memory that the system hands out zeroed costs nothing until it is touched.
inline Numbers zeros(int64_t count) {
  Numbers numbers(
      static_cast<int32_t*>(std::calloc(static_cast<size_t>(std::max<int64_t>(count, 1)), 4)));
  if (!numbers) throw std::bad_alloc();
  return numbers;
}

}  // namespace bertie
