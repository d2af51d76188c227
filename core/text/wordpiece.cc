#include "text/wordpiece.h"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/vocab.h"

namespace bertie {

void WordPiece::split(std::string_view word, uint64_t chars, std::vector<Piece>& pieces,
                      std::vector<uint64_t>& hashes) const {
  pieces.clear();
  const auto all = static_cast<uint32_t>(word.size());
  if (chars > max_chars_) {
    pieces.push_back({unknown_, all});
    return;
  }
  for (size_t begin = 0; begin < word.size();) {
    const Vocab::Place place = begin == 0 ? Vocab::start : Vocab::inside;
    const std::string_view rest = word.substr(begin, vocab_.longest(place));
    if (hashes.size() < rest.size()) hashes.resize(rest.size());
    uint64_t hash = place;
    for (size_t i = 0; i < rest.size(); ++i) hashes[i] = hash = Vocab::step(hash, rest[i]);
    // Tokens are well-formed UTF-8, so a match of bytes never ends inside a code point.
    size_t length = rest.size();
    int32_t id = -1;
    while (length > 0 &&
           (id = vocab_.find(place, rest.substr(0, length), hashes[length - 1])) < 0) {
      --length;
    }
    if (length == 0) {
      pieces.assign(1, {unknown_, all});
      return;
    }
    begin += length;
    pieces.push_back({id, static_cast<uint32_t>(begin)});
  }
}

}  // namespace bertie
