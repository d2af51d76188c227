// The tokens of words and of stretches that need normalizing, kept in a cache.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalizer.h"
#include "text/token_buffer.h"
#include "text/word_cache.h"
#include "text/wordpiece.h"

namespace bertie {

// Where a scan stands: the next word's index, and the code point that the next byte begins.
struct Position {
  uint32_t word = 0;
  uint32_t point = 0;
};

// Immutable once made.
class Splitter {
 public:
  Splitter(const Normalizer& normalizer, const WordPiece& wordpiece)
      : normalizer_(normalizer), wordpiece_(wordpiece) {}

  // Working space of one thread, and the cache.
  struct Scratch {
    WordCache cache;
    std::vector<Char> chars, spare;
    std::string utf8;
    std::vector<uint32_t> ends;
    std::vector<Piece> pieces;
    std::vector<uint64_t> hashes;
    Tokens chunk;
  };

  // Splits a short word that the cache lacks and keeps its tokens, or no tokens where there are too
  // many.
  const ShortEntry& short_word(ShortWord word, uint32_t size, Scratch& scratch) const;

  // Adds the tokens of a stretch that ASCII white space or punctuation bounds: one that isn't plain
  // ASCII, is long or has many tokens. Returns how many words there are.
  template <bool kSpans>
  uint32_t chunk(std::string_view bytes, Position position, Scratch& scratch, Tokens& out) const;

  // Adds the tokens of normalized text, with their spans; moves `word` on.
  void words(const Char* begin, const Char* end, uint32_t& word, Scratch& scratch,
             Tokens& out) const;

 private:
  void add_word(const Char* begin, const Char* end, uint32_t word, Scratch& scratch,
                Tokens& out) const;

  const Normalizer& normalizer_;
  const WordPiece& wordpiece_;
};

}  // namespace bertie
