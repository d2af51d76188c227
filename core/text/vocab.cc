#include "text/vocab.h"

#include <algorithm>
#include <bit>

namespace bertie {

// A slot keeps no Place; the hash of the two differs, and `same` compares the bytes of the piece
// with the token less its prefix.
Vocab::Vocab(const std::vector<std::optional<std::string>>& tokens, std::string_view prefix)
    : prefix_(prefix) {
  size_t pieces = 0;
  for (const auto& token : tokens) {
    if (token) bytes_ += *token;
    ends_.push_back(bytes_.size());
    if (token) pieces += 1 + token->starts_with(prefix_);
  }
  slots_.resize(std::bit_ceil(2 * pieces + 2));
  mask_ = slots_.size() - 1;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i]) continue;
    const auto id = static_cast<int32_t>(i);
    insert(start, token(id), id);
    if (token(id).starts_with(prefix_)) insert(inside, token(id).substr(prefix_.size()), id);
  }
}

int32_t Vocab::find(Place place, std::string_view piece) const {
  uint64_t hash = place;
  for (const char byte : piece) hash = step(hash, byte);
  return find(place, piece, hash);
}

bool Vocab::same(const Slot& candidate, Place place, std::string_view piece) const {
  const std::string_view whole = token(candidate.id);
  if (place == start) return whole == piece;
  return whole.size() == prefix_.size() + piece.size() && whole.starts_with(prefix_) &&
         whole.ends_with(piece);
}

void Vocab::insert(Place place, std::string_view piece, int32_t id) {
  size_t& longest = place == start ? longest_start_ : longest_inside_;
  longest = std::max(longest, piece.size());
  uint64_t hash = place;
  for (const char byte : piece) hash = step(hash, byte);
  uint64_t at = slot(hash);
  while (slots_[at].id >= 0 &&
         !(slots_[at].tag == tag(hash) && same(slots_[at], place, piece))) {
    at = (at + 1) & mask_;
  }
  slots_[at] = {tag(hash), id};
}

}  // namespace bertie
