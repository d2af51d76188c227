// Normalized text cut into words: at white space, and punctuation into words of its own.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/normalizer.h"
#include "text/unicode.h"
#include "text/utf8.h"

namespace bertie {

// A word as the normalizer leaves it (UTF-8), and the code points of the text that it comes from.
struct Word {
  std::string text;
  uint32_t begin, end;
};

// Calls found(begin, end) for each word of normalized text, in order.
template <typename Found>
void each_word(const Char* begin, const Char* end, Found found) {
  const Char* start = begin;
  for (const Char* c = begin; c < end; ++c) {
    const uint16_t flags = unicode::record(c->point);
    if (!(flags & (unicode::space | unicode::punct))) continue;
    if (start < c) found(start, c);
    start = c + 1;
    if (flags & unicode::punct) found(c, c + 1);
  }
  if (start < end) found(start, end);
}

inline std::vector<Word> words(const Normalizer& normalizer, std::string_view text) {
  std::vector<Char> chars, spare;
  normalizer.run(text, 0, chars, spare);
  std::vector<Word> found;
  each_word(chars.data(), chars.data() + chars.size(), [&](const Char* begin, const Char* end) {
    Word& word = found.emplace_back(Word{"", begin->origin, end[-1].origin + 1});
    for (const Char* c = begin; c < end; ++c) utf8::append(word.text, c->point);
  });
  return found;
}

}  // namespace bertie
