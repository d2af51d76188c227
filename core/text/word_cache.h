// The tokens of words seen lately. One per thread that tokenizes; its size never changes.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace bertie {

class WordCache {
 public:
  static constexpr size_t kKey = 32;     // bytes of a word that fits; longer ones are not kept
  static constexpr size_t kPieces = 12;  // tokens of a word that fit
  static constexpr size_t kWords = 8192; // 128 bytes each: 1 MiB

  // A word as it stands in the cache: zero-padded.
  struct Key {
    uint64_t part[kKey / 8] = {};
    uint32_t size = 0;
  };

  // Tokens of a word, or of several that no ASCII space or punctuation parts; begin and end are
  // code points from the word's first, `word` counts from 0.
  struct alignas(64) Entry {
    Key key;
    uint8_t count = 0, words = 0;
    uint8_t begin[kPieces], end[kPieces], word[kPieces];
    int32_t ids[kPieces];
  };
  static_assert(sizeof(Entry) == 128);

  WordCache() : entries_(kWords) {}

  // Reads a word of at most kKey bytes; `readable` says how many may be read from its first on.
  static Key key(const char* word, size_t size, size_t readable) {
    Key key;
    key.size = static_cast<uint32_t>(size);
    if (readable >= kKey) {
      for (size_t i = 0; 8 * i < size; ++i) {
        std::memcpy(&key.part[i], word + 8 * i, 8);
        const size_t rest = size - 8 * i;
        if (rest < 8) key.part[i] &= ~uint64_t{0} >> (64 - 8 * rest);
      }
    } else {
      std::memcpy(key.part, word, size);
    }
    return key;
  }

  // Makes ASCII capitals small, all bytes being ASCII.
  static void lower(Key& key) {
    for (uint64_t& part : key.part) {
      const uint64_t from_a = part + 0x3F3F3F3F3F3F3F3F;  // the top bit of a byte: at least 'A'
      const uint64_t past_z = part + 0x2525252525252525;  // more than 'Z'
      part |= ((from_a & ~past_z) & 0x8080808080808080) >> 2;
    }
  }

  // The word's place: the word's own entry, or one to overwrite.
  Entry& place(const Key& key) {
    uint64_t hash = (key.part[0] ^ key.size) * 0x9E3779B97F4A7C15;
    if (key.size > 8) {
      hash = (hash ^ hash >> 29 ^ key.part[1]) * 0xBF58476D1CE4E5B9;
      if (key.size > 16) {
        hash = (hash ^ hash >> 29 ^ key.part[2]) * 0x94D049BB133111EB;
        hash = (hash ^ hash >> 29 ^ key.part[3]) * 0x9FB21C651E98DF25;
      }
    }
    return entries_[hash >> 51];
  }

  static bool holds(const Entry& entry, const Key& key) {
    return entry.key.size == key.size &&
           ((entry.key.part[0] ^ key.part[0]) | (entry.key.part[1] ^ key.part[1]) |
            (entry.key.part[2] ^ key.part[2]) | (entry.key.part[3] ^ key.part[3])) == 0;
  }

 private:
  static_assert(kWords == size_t{1} << (64 - 51));
  std::vector<Entry> entries_;
};

}  // namespace bertie
