#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

namespace bertie {

// Counts the forks between the first process and this one.
uint32_t process_generation();

// A T that is made when it is first asked for, and made anew in a forked child. The child can't use
// its copy of the parent's: a thread that exists in the parent alone may have it locked or half
// changed. So it is forgotten there, never destroyed.
template <typename T>
class PerProcess {
 public:
  PerProcess() = default;
  ~PerProcess() {
    Slot* slot = slot_.load();
    if (slot != nullptr && slot->generation == process_generation()) delete slot;
  }
  PerProcess(const PerProcess&) = delete;
  PerProcess& operator=(const PerProcess&) = delete;

  T& get() const {
    const uint32_t here = process_generation();
    Slot* slot = slot_.load(std::memory_order_acquire);
    while (slot == nullptr || slot->generation != here) {
      auto fresh = std::make_unique<Slot>(here);
      if (slot_.compare_exchange_strong(slot, fresh.get())) slot = fresh.release();
    }
    return slot->value;
  }

 private:
  struct Slot {
    explicit Slot(uint32_t made_in) : generation(made_in) {}
    const uint32_t generation;
    T value;
  };
  mutable std::atomic<Slot*> slot_{nullptr};
};

}  // namespace bertie
