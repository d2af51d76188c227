#pragma once

#include <cstdint>
#include <memory>

#include "encoder/config.h"
#include "encoder/growing.h"
#include "runtime/aligned.h"

namespace bertie {

// Cosines and sines of the angles of each pair at each position: (positions, pairs).
struct Turns {
  int64_t pairs = 0;
  Aligned<float> cos, sin;
};

// Computes them as far as sequences need them. Callable from several threads.
class RotaryTable {
 public:
  // No sequence is longer than `positions`.
  RotaryTable(const Rotary& rotary, int64_t positions) : rotary_(rotary), positions_(positions) {}

  // Those of a sequence of so many tokens, or of a longer one with the same angles.
  std::shared_ptr<const Turns> of(int64_t length) const;
  // The most bytes for sequences of up to `longest` tokens, of which so many are in hand together.
  int64_t bytes(int64_t longest, int64_t tokens) const;

 private:
  const Rotary rotary_;
  const int64_t positions_;
  Growing<Turns> usual_;
};

}  // namespace bertie
