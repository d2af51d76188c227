// What the tokenizer asks about a code point. The tables are made by scripts/make_unicode.py.
#pragma once

#include <cstdint>
#include <span>

namespace bertie::unicode {

enum Flag : uint16_t {
  control = 1,      // removed by clean_text; U+0000 and U+FFFD too, tab and line ends not
  space = 2,        // White_Space
  punct = 4,        // a word of its own
  mark = 8,         // nonspacing: removed with the accents
  ideograph = 16,   // spaced by tokenize_chinese_chars
  decomposes = 32,  // has an entry in `decompositions`
  lowers = 64,      // has an entry in `lowercase`
  word = 128,       // \w: what an added token that matches single words may not touch
};

// Sorted code points, each with one or more targets: those of keys[i] end at targets[ends[i]].
struct Mapping {
  const uint32_t* keys;
  const uint16_t* ends;
  const uint32_t* targets;
  int count;

  // The targets of a code point; empty where it has none.
  std::span<const uint32_t> find(char32_t point) const;
};

extern const char* const version;  // Unicode's, of the tables
extern const Mapping& decompositions;
extern const Mapping& lowercase;
extern const uint16_t records[];
extern const uint16_t block_of[];
extern const uint8_t record_of[];

// Flags in the low byte, the canonical combining class in the high one.
inline uint16_t record(char32_t point) {
  if (point > 0x10FFFF) return 0;
  return records[record_of[block_of[point >> 7] * 128 + (point & 127)]];
}
inline int combining_class(char32_t point) { return record(point) >> 8; }

}  // namespace bertie::unicode
