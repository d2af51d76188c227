// From the bytes of a token to its id: an open-addressing table without allocations on look-up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bertie {

class Vocab {
 public:
  // Where in a word a piece stands: continuations are looked up without their prefix ("##").
  enum Place : uint64_t { start = 0x51ED270B7A3F1C95, inside = 0xA24BAED4963EE407 };

  // tokens[i] has id i; an empty optional is an id without a token. Of two equal tokens the later
  // one is found.
  Vocab(const std::vector<std::optional<std::string>>& tokens, std::string_view prefix);

  // Feeds one byte to the hash of a piece, which begins as its Place.
  static uint64_t step(uint64_t hash, char byte) {
    return (hash ^ static_cast<unsigned char>(byte)) * 0x9FB21C651E98DF25 + (hash >> 47);
  }

  // The id of a piece whose bytes have this hash, or -1.
  int32_t find(Place place, std::string_view piece, uint64_t hash) const {
    for (uint64_t at = slot(hash);; at = (at + 1) & mask_) {
      const Slot& candidate = slots_[at];
      if (candidate.id < 0) return -1;
      if (candidate.tag == tag(hash) && same(candidate, place, piece)) return candidate.id;
    }
  }
  int32_t find(Place place, std::string_view piece) const;

  // The longest piece of this place, in bytes.
  size_t longest(Place place) const { return place == start ? longest_start_ : longest_inside_; }
  size_t size() const { return ends_.size(); }

 private:
  struct Slot {
    uint32_t tag = 0;
    int32_t id = -1;
  };
  uint64_t slot(uint64_t hash) const { return (hash >> 17) & mask_; }
  static uint32_t tag(uint64_t hash) { return static_cast<uint32_t>(hash >> 40 ^ hash); }
  std::string_view token(int32_t id) const {
    const size_t begin = id == 0 ? 0 : ends_[id - 1];
    return std::string_view(bytes_).substr(begin, ends_[id] - begin);
  }
  bool same(const Slot& candidate, Place place, std::string_view piece) const;
  void insert(Place place, std::string_view piece, int32_t id);

  std::string bytes_;         // the tokens, one after another
  std::vector<size_t> ends_;  // where each ends
  std::vector<Slot> slots_;
  uint64_t mask_ = 0;
  std::string prefix_;
  size_t longest_start_ = 0, longest_inside_ = 0;
};

}  // namespace bertie
