#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <memory>
#include <mutex>

#include "runtime/per_process.h"

namespace bertie {

// A table of positions that reaches as far as the longest sequence so far, so that a model of 32768
// positions starts as fast as another. Threads share it; a forked child makes its own.
template <typename Table>
class Growing {
 public:
  // The table for positions below `length` at least, and at most `most`, its largest length.
  // make(length) computes one; a position's entries must not depend on the length.
  template <typename Make>
  std::shared_ptr<const Table> reach(int64_t length, int64_t most, const Make& make) const {
    State& state = state_.get();
    std::lock_guard lock(state.mutex);
    if (state.length < length) {
      state.table = std::make_shared<const Table>(make(rounded(length, most)));
      state.length = rounded(length, most);
    }
    return state.table;
  }

  // How far the table reaches that a sequence of so many tokens makes it grow to.
  static int64_t rounded(int64_t length, int64_t most) {
    const auto power = static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(length)));
    return std::max(length, std::min(most, std::max(least_positions, power)));
  }

 private:
  static constexpr int64_t least_positions = 128;
  struct State {
    std::mutex mutex;
    int64_t length = 0;
    std::shared_ptr<const Table> table;
  };
  PerProcess<State> state_;
};

}  // namespace bertie
