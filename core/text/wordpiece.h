// WordPiece: the longest token that starts the word, then the longest that continues it, and so on.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/vocab.h"

namespace bertie {

// A token of a word, and where in the word it ends, in bytes.
struct Piece {
  int32_t id;
  uint32_t end;
};

class WordPiece {
 public:
  // unknown: the id for words that can't be split, or have more than max_chars code points.
  WordPiece(const Vocab& vocab, int32_t unknown, uint64_t max_chars)
      : vocab_(vocab), unknown_(unknown), max_chars_(max_chars) {}

  // Splits a word of `chars` code points into `pieces`, which it overwrites; `hashes` is working
  // space. Time: the word's length times the longest token's, at most.
  void split(std::string_view word, uint64_t chars, std::vector<Piece>& pieces,
             std::vector<uint64_t>& hashes) const;

  int32_t unknown() const { return unknown_; }

 private:
  const Vocab& vocab_;
  int32_t unknown_;
  uint64_t max_chars_;
};

}  // namespace bertie
