#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

namespace bertie {

// Uninitialized memory for plain numbers, aligned to a cache line (and to the widest vector).
template <typename T>
class Aligned {
 public:
  Aligned() = default;
  explicit Aligned(int64_t count) : count_(count) {
    const size_t bytes = (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
    if (bytes > 0) data_ = static_cast<T*>(::operator new(bytes, cache_line));
  }
  ~Aligned() { ::operator delete(data_, cache_line); }
  Aligned(Aligned&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)) {}
  Aligned& operator=(Aligned&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
    return *this;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  int64_t size() const { return count_; }

 private:
  static constexpr std::align_val_t cache_line{64};
  T* data_ = nullptr;
  int64_t count_ = 0;
};

}  // namespace bertie
