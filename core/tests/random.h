#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace bertie {

// The same numbers on every run, and with every standard library, whose own distributions differ:
// sums of twelve even numbers, which are nearly normal (Irwin and Hall).
inline std::vector<float> random_floats(int64_t count, unsigned seed, float scale = 1.0f) {
  std::mt19937 engine(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(engine()) / 4294967296.0;
    value = static_cast<float>(sum) * scale;
  }
  return values;
}

}  // namespace bertie
