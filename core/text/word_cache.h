// The tokens of words seen lately. Each thread that tokenizes has its own; its size never changes,
// and memory that was never needed is never touched.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

namespace bertie {

static_assert(std::endian::native == std::endian::little, "words are read as little-endian numbers");

// A table of entries of which one is overwritten when there is no room. kWays of them, one after
// another, share a place.
template <typename Entry, size_t kEntries, size_t kWays>
class CacheTable {
 public:
  // An entry of all zero bytes is an empty one.
  CacheTable() : memory_(std::calloc(kEntries * sizeof(Entry) + kLine, 1)) {
    if (!memory_) throw std::bad_alloc();
    void* aligned = memory_.get();
    size_t space = kEntries * sizeof(Entry) + kLine;
    entries_ = static_cast<Entry*>(std::align(kLine, kEntries * sizeof(Entry), aligned, space));
  }

  // The entry of this hash that `is` accepts, or null.
  template <typename Is>
  Entry* find(uint64_t hash, Is is) {
    Entry* place = at(hash);
    for (size_t way = 0; way < kWays; ++way) {
      if (is(place[way])) return &place[way];
    }
    return nullptr;
  }

  // Asks the processor to fetch the entries of this hash, which takes it a while.
  void prefetch(uint64_t hash) { __builtin_prefetch(at(hash)); }

  // Makes the newest entry of this hash free to be written; the oldest is lost.
  Entry& add(uint64_t hash) {
    Entry* place = at(hash);
    for (size_t way = kWays - 1; way > 0; --way) place[way] = place[way - 1];
    return place[0];
  }

 private:
  static_assert(std::has_single_bit(kEntries / kWays));
  static constexpr size_t kLine = 64;  // bytes that the processor fetches together
  struct Free {
    void operator()(void* pointer) const { std::free(pointer); }
  };
  Entry* at(uint64_t hash) {
    constexpr int kBits = std::bit_width(kEntries / kWays) - 1;
    return entries_ + (hash >> (64 - kBits)) * kWays;
  }
  std::unique_ptr<void, Free> memory_;
  Entry* entries_;
};

// A word of ASCII letters and digits, at most 15 bytes: two numbers, padded with zeros.
struct ShortWord {
  static constexpr size_t kMost = 15;
  uint64_t low, high;

  uint64_t hash() const {
    const uint64_t mixed = (low ^ std::rotl(high, 31)) * 0x9E3779B97F4A7C15;
    return (mixed ^ mixed >> 32) * 0xBF58476D1CE4E5B9;
  }
  bool operator==(const ShortWord&) const = default;
};

// The tokens of a short word, or none where there are too many; ends[i] is where the i-th ends, in
// bytes. Two entries fill a line.
struct ShortEntry {
  static constexpr size_t kMost = 3;
  ShortWord word;
  int32_t ids[kMost];
  uint8_t count;
  uint8_t ends[kMost];
};
static_assert(sizeof(ShortEntry) == 32);

// Bytes that ASCII white space or punctuation bounds, with anything but plain ASCII in them, as they
// stand in the text, or a short word of many tokens; and their tokens, in code points from the first.
struct alignas(64) ChunkEntry {
  static constexpr size_t kBytes = 32, kMost = 12;
  char bytes[kBytes];
  uint8_t size, count, words;
  uint8_t begin[kMost], end[kMost], word[kMost];
  int32_t ids[kMost];

  static uint64_t hash(const char* bytes, size_t size) {
    uint64_t hash = size;
    for (size_t i = 0; i < size; i += 8) {
      uint64_t part = 0;
      std::memcpy(&part, bytes + i, size - i < 8 ? size - i : 8);
      hash = (hash ^ part) * 0x9E3779B97F4A7C15;
      hash ^= hash >> 29;
    }
    return hash * 0xBF58476D1CE4E5B9;
  }
};
static_assert(sizeof(ChunkEntry) == 128);

// 2 MiB for short words, 1 MiB for chunks, for each thread that tokenizes.
struct WordCache {
  CacheTable<ShortEntry, 65536, 2> words;
  CacheTable<ChunkEntry, 8192, 2> chunks;
};

}  // namespace bertie
