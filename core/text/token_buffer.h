// Token ids and where they come from, appended without a check for each.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

namespace bertie {

// A growing array of plain values. Unlike std::vector it can be grown without filling the new part,
// and written past its end within what was reserved.
template <typename T>
class Buffer {
 public:
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  size_t capacity() const { return capacity_; }
  T* data() { return data_.get(); }
  const T* data() const { return data_.get(); }
  const T* begin() const { return data_.get(); }
  const T* end() const { return data_.get() + size_; }
  T& operator[](size_t i) { return data_.get()[i]; }
  const T& operator[](size_t i) const { return data_.get()[i]; }
  void clear() { size_ = 0; }

  // Leaves `count` values from a place on, and what is before them.
  void keep(size_t from, size_t begin, size_t count) {
    if (begin > from) std::memmove(data() + from, data() + begin, count * sizeof(T));
    size_ = from + count;
  }

  // Gives the values away, in memory of std::malloc that holds no more than them.
  T* release() {
    capacity_ = 0;
    T* all = data_.release();
    void* fitting = std::realloc(all, std::max<size_t>(std::exchange(size_, 0), 1) * sizeof(T));
    return fitting ? static_cast<T*>(fitting) : all;
  }

  // Makes room for `more` values behind the last, and returns where they go.
  T* room(size_t more) {
    if (capacity_ - size_ < more) grow(more);
    return data_.get() + size_;
  }
  // Counts values that were written to the room.
  void added(size_t more) { size_ += more; }

  void push_back(const T& value) {
    *room(1) = value;
    ++size_;
  }
  void append(const T* values, size_t count) {
    if (count > 0) std::memcpy(room(count), values, count * sizeof(T));
    size_ += count;
  }
  void append(size_t count, const T& value) {
    T* to = room(count);
    for (size_t i = 0; i < count; ++i) to[i] = value;
    size_ += count;
  }

 private:
  struct Free {
    void operator()(T* pointer) const { std::free(pointer); }
  };
  void grow(size_t more) {
    const size_t wanted = std::max(size_ + more, capacity_ + capacity_ / 2 + 64);
    T* moved = static_cast<T*>(std::realloc(data_.get(), wanted * sizeof(T)));
    if (!moved) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(moved);
    capacity_ = wanted;
  }

  std::unique_ptr<T[], Free> data_;
  size_t size_ = 0, capacity_ = 0;
};

// Where a token comes from: code points [begin, end) of the text, and the index of its word.
struct Span {
  uint32_t begin, end, word;
};

// The tokens of a text, one after another. `spans` is filled when asked for.
struct Tokens {
  Buffer<int32_t> ids;
  Buffer<Span> spans;

  void clear() {
    ids.clear();
    spans.clear();
  }
};

}  // namespace bertie
