// The tokens of words seen lately. Each thread that tokenizes has its own; its size never changes,
// and all of it is touched at once, so that a process is as large after its first texts as after
// its millionth.
#pragma once

#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string_view>
#include <utility>

namespace bertie {

static_assert(std::endian::native == std::endian::little,
              "words are read as little-endian numbers");

// A table of entries of which one is overwritten when there is no room. Two entries share a place,
// and use the place beside theirs where that has room.
template <typename Entry, size_t kEntries>
class CacheTable {
 public:
  // An entry of all zero bytes is an empty one.
  CacheTable() : memory_(std::calloc(kEntries * sizeof(Entry) + kLine, 1)) {
    if (!memory_) throw std::bad_alloc();
    void* aligned = memory_.get();
    size_t space = kEntries * sizeof(Entry) + kLine;
    entries_ = static_cast<Entry*>(std::align(kLine, kEntries * sizeof(Entry), aligned, space));
    // Volatile, for compilers know that these are zeros already.
    volatile unsigned char* bytes = static_cast<unsigned char*>(memory_.get());
    for (size_t at = 0; at < kEntries * sizeof(Entry); at += kLeastPage) bytes[at] = 0;
  }

  // The entry of this hash and key, or null; until the table is asked again.
  template <typename Key>
  const Entry* find(uint64_t hash, const Key& key) {
    Entry* place = at(hash);
    // Without a branch between the two, which would often be foreseen wrongly.
    const bool first = place[0].is(key), second = place[1].is(key);
    if (first | second) [[likely]]
      return place + !first;
    Entry* other = beside(place);
    for (const int way : {0, 1}) {
      if (!other[way].is(key)) continue;
      std::swap(place[way], other[way]);
      return &place[way];
    }
    return nullptr;
  }

  // Asks the processor to fetch the entries of this hash, which takes it a while.
  void prefetch(uint64_t hash) const { __builtin_prefetch(at(hash)); }

  // Makes an entry of this hash free to be written; what was there is lost.
  Entry& add(uint64_t hash) {
    Entry* place = at(hash);
    for (Entry* some : {place, beside(place)}) {
      for (const int way : {0, 1}) {
        if (some[way].empty()) return some[way];
      }
    }
    place[1] = place[0];
    return place[0];
  }

 private:
  static constexpr size_t kWays = 2;
  static_assert(std::has_single_bit(kEntries / kWays));
  static constexpr size_t kLine = 64;  // bytes that the processor fetches together
  static constexpr size_t kLeastPage = 4096;
  struct Free {
    void operator()(void* pointer) const { std::free(pointer); }
  };
  Entry* at(uint64_t hash) const {
    constexpr int kBits = std::bit_width(kEntries / kWays) - 1;
    return entries_ + (hash >> (64 - kBits)) * kWays;
  }
  Entry* beside(Entry* place) const {
    return entries_ + (static_cast<size_t>(place - entries_) ^ kWays);
  }
  std::unique_ptr<void, Free> memory_;
  Entry* entries_;
};

// A word of ASCII letters and digits, or of one ASCII mark, at most 15 bytes: two numbers, padded
// with zeros.
struct ShortWord {
  static constexpr size_t kMost = 15;
  uint64_t low, high;

  uint64_t hash() const {
    const uint64_t mixed = (low ^ std::rotl(high, 31)) * 0x9E3779B97F4A7C15;
    return (mixed ^ mixed >> 32) * 0xBF58476D1CE4E5B9;
  }
  bool operator==(const ShortWord& other) const {
    return ((low ^ other.low) | (high ^ other.high)) == 0;
  }
};

// The tokens of a short word, or none where there are too many; ends[i] is where the i-th ends, in
// bytes. Two entries fill a line.
struct ShortEntry {
  static constexpr size_t kMost = 3;
  ShortWord word;
  int32_t ids[kMost];
  uint8_t count;
  uint8_t ends[kMost];

  bool is(const ShortWord& key) const { return word == key; }
  bool empty() const { return word == ShortWord{0, 0}; }
};
static_assert(sizeof(ShortEntry) == 32);

// A few bytes, padded with zeros.
struct ShortChunk {
  static constexpr size_t kMost = 32;
  uint64_t parts[kMost / 8];
  uint64_t size;

  explicit ShortChunk(std::string_view bytes) : parts{}, size(bytes.size()) {
    std::memcpy(parts, bytes.data(), bytes.size());
  }
  uint64_t hash() const {
    uint64_t mixed = size;
    for (const uint64_t part : parts) {
      mixed = (mixed ^ part) * 0x9E3779B97F4A7C15;
      mixed ^= mixed >> 29;
    }
    return mixed * 0xBF58476D1CE4E5B9;
  }
  bool operator==(const ShortChunk& other) const {
    uint64_t differ = size ^ other.size;
    for (size_t i = 0; i < kMost / 8; ++i) differ |= parts[i] ^ other.parts[i];
    return differ == 0;
  }
};

// Bytes that ASCII white space or punctuation bounds, with anything but plain ASCII in them, as
// they stand in the text, or a word of many tokens; and their tokens, in code points from the
// first.
struct alignas(64) ChunkEntry {
  static constexpr size_t kMost = 12;
  ShortChunk chunk;
  uint8_t count, words;
  uint8_t begin[kMost], end[kMost], word[kMost];
  int32_t ids[kMost];

  bool is(const ShortChunk& key) const { return chunk == key; }
  bool empty() const { return chunk.size == 0; }
};
static_assert(sizeof(ChunkEntry) == 128);

// 2 MiB for short words, 1 MiB for chunks, for each thread that tokenizes.
struct WordCache {
  CacheTable<ShortEntry, 65536> words;
  CacheTable<ChunkEntry, 8192> chunks;
};

}  // namespace bertie
