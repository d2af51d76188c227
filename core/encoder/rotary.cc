#include "encoder/rotary.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "encoder/config.h"
#include "encoder/growing.h"
#include "runtime/aligned.h"

namespace bertie {
namespace {

// Angles are float32, as frameworks compute them: thousands of tokens on, exact ones would differ
// from those that a model was trained with.
Turns turns(const std::vector<float>& inverse_frequencies, float attention_factor, int64_t length) {
  const auto pairs = static_cast<int64_t>(inverse_frequencies.size());
  Turns made{pairs, Aligned<float>(length * pairs), Aligned<float>(length * pairs)};
  for (int64_t i = 0; i < length * pairs; ++i) {
    const float angle =
        static_cast<float>(i / pairs) * inverse_frequencies[static_cast<size_t>(i % pairs)];
    made.cos.data()[i] =
        static_cast<float>(std::cos(static_cast<double>(angle))) * attention_factor;
    made.sin.data()[i] =
        static_cast<float>(std::sin(static_cast<double>(angle))) * attention_factor;
  }
  return made;
}

std::vector<float> stretched(const Rotary& rotary, int64_t length) {
  const auto dims = 2.0 * static_cast<double>(rotary.inverse_frequencies.size());
  const double longer =
      rotary.factor * static_cast<double>(length) / static_cast<double>(rotary.trained_length);
  const double base = rotary.base * std::pow(longer - (rotary.factor - 1.0), dims / (dims - 2.0));
  std::vector<float> frequencies(rotary.inverse_frequencies.size());
  for (size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = static_cast<float>(std::pow(base, -2.0 * static_cast<double>(i) / dims));
  }
  return frequencies;
}

}  // namespace

std::shared_ptr<const Turns> RotaryTable::of(int64_t length) const {
  const float factor = rotary_.attention_factor;
  // The angles of each such length are its own.
  if (rotary_.trained_length > 0 && length > rotary_.trained_length) {
    return std::make_shared<const Turns>(turns(stretched(rotary_, length), factor, length));
  }
  return usual_.reach(length, positions_, [&](int64_t reach) {
    return turns(rotary_.inverse_frequencies, factor, reach);
  });
}

int64_t RotaryTable::bytes(int64_t longest, int64_t tokens) const {
  const auto pairs = static_cast<int64_t>(rotary_.inverse_frequencies.size());
  const bool grows = rotary_.trained_length > 0 && longest > rotary_.trained_length;
  const int64_t rows = Growing<Turns>::rounded(longest, positions_) + (grows ? tokens : 0);
  return rows * pairs * 2 * static_cast<int64_t>(sizeof(float));
}

}  // namespace bertie
