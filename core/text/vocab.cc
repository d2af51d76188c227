#include "text/vocab.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/error.h"

namespace bertie {

Vocab::Vocab(const TokenNames& tokens, std::string_view prefix) {
  size_t pieces = 0, size = 0;
  for (const auto& token : tokens) {
    if (!token) continue;
    size += token->size();
    pieces += 1 + token->starts_with(prefix);
  }
  if (size >= size_t{1} << 31) {
    throw Error(ErrorKind::tokenizer, "a vocabulary of " + std::to_string(size) +
                                          " bytes, expected less than 2147483648");
  }
  bytes_.reserve(size);
  slots_.resize(std::bit_ceil(pieces + pieces / 2 + 2));
  mask_ = slots_.size() - 1;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i]) continue;
    const std::string_view token = *tokens[i];
    const size_t begin = bytes_.size();
    bytes_ += token;
    const auto id = static_cast<int32_t>(i);
    insert(start, begin, token.size(), id);
    if (token.starts_with(prefix)) {
      insert(inside, begin + prefix.size(), token.size() - prefix.size(), id);
    }
  }
}

int32_t Vocab::find(Place place, std::string_view piece) const {
  uint64_t hash = place;
  for (const char byte : piece) hash = step(hash, byte);
  return find(place, piece, hash);
}

void Vocab::insert(Place place, size_t begin, size_t size, int32_t id) {
  size_t& longest = place == start ? longest_start_ : longest_inside_;
  longest = std::max(longest, size);
  uint64_t hash = place;
  const std::string_view piece(bytes_.data() + begin, size);
  for (const char byte : piece) hash = step(hash, byte);
  uint64_t at = slot(hash);
  while (slots_[at].id >= 0 && !(slots_[at].tag == tag(hash) && same(slots_[at], place, piece))) {
    at = (at + 1) & mask_;
  }
  slots_[at] = {tag(hash), id, static_cast<uint32_t>(begin), sized(place, size)};
  filter_[(hash >> 20) % kFilter / 64] |= uint64_t{1} << (hash >> 20) % 64;
}

}  // namespace bertie
