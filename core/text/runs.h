// Where ASCII letters and digits run in a text and where its spaces are, and the text with its
// ASCII capitals made small.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "text/token_buffer.h"
#include "text/word_cache.h"

namespace bertie {

class Runs {
 public:
  // Reads a text, anew each time; lower: make capitals small.
  void read(std::string_view text, bool lower);

  // The bits of a byte of the text and of those behind it, 57 at least: whether each is an ASCII
  // letter or digit; and whether each is a space.
  uint64_t plain_at(size_t at) const { return bits_at(plain_, at); }
  uint64_t space_at(size_t at) const { return bits_at(space_, at); }

  // A byte of the text, as made small; a space at its end.
  unsigned char byte(size_t at) const { return bytes_[at]; }

  // The first `size` bytes from a place, at most 15.
  ShortWord word_at(size_t at, uint32_t size) const {
    ShortWord word;
    std::memcpy(&word, bytes_.data() + at, sizeof word);
    return {word.low & kMasks[size].low, word.high & kMasks[size].high};
  }

  size_t capacity() const { return bytes_.capacity(); }

 private:
  static constexpr size_t kRead = 16;  // bytes that are read together
  static const ShortWord kMasks[kRead];

  static uint64_t bits_at(const Buffer<unsigned char>& bits, size_t at) {
    uint64_t some;
    std::memcpy(&some, bits.data() + at / 8, 8);
    return some >> at % 8;
  }

  Buffer<unsigned char> bytes_;          // the text and room to read past it
  Buffer<unsigned char> plain_, space_;  // a bit for each byte, and room likewise
};

}  // namespace bertie
