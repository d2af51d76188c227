// Finds the words of a text in which no added token stands, and looks up their tokens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "text/normalizer.h"
#include "text/runs.h"
#include "text/splitter.h"
#include "text/token_buffer.h"
#include "text/word_cache.h"

namespace bertie {

// A word whose tokens are about to be looked up, or a stretch of the text that is no short word.
struct Waiting {
  ShortWord word;
  uint64_t hash;
  const char* begin;  // in the text
  uint32_t size;      // bytes
  uint32_t point;     // of its first code point
  bool chunk;
};

// Immutable once made.
class Scanner {
 public:
  Scanner(const Normalizer& normalizer, const Splitter& splitter);

  // Working space of one thread.
  struct Scratch {
    static constexpr size_t kWaiting = 32;
    Runs runs;
    std::array<Waiting, kWaiting> waiting;
    size_t waiting_count = 0;
    uint32_t index = 0;  // of the next word
    Splitter::Scratch splitter;
  };

  // Adds the tokens of a text, with their spans if asked for, and moves the position to its end.
  template <bool kSpans>
  void scan(std::string_view text, Position& position, Scratch& scratch, Tokens& out) const;

 private:
  enum Class : uint8_t { blank, mark, letter, other };

  template <bool kSpans>
  void add_waiting(Scratch& scratch, Tokens& out) const;

  const Splitter& splitter_;
  bool lower_;
  std::array<Class, 256> classes_;
};

}  // namespace bertie
