// From the bytes of a token to its id: an open-addressing table without allocations on look-up.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bertie {

// Token i has id i; an empty optional is an id without a token.
using TokenNames = std::vector<std::optional<std::string_view>>;

class Vocab {
 public:
  // Where in a word a piece stands: continuations are looked up without their prefix ("##").
  enum Place : uint64_t { start = 0x51ED270B7A3F1C95, inside = 0xA24BAED4963EE407 };

  // Of two equal tokens the later one is found.
  Vocab(const TokenNames& tokens, std::string_view prefix);

  // Feeds one byte to the hash of a piece, which begins as its Place.
  static uint64_t step(uint64_t hash, char byte) {
    return (hash ^ static_cast<unsigned char>(byte)) * 0x9FB21C651E98DF25 + (hash >> 47);
  }

  // The id of a piece whose bytes have this hash, or -1.
  int32_t find(Place place, std::string_view piece, uint64_t hash) const {
    if (!(filter_[(hash >> 20) % kFilter / 64] >> (hash >> 20) % 64 & 1)) return -1;
    for (uint64_t at = slot(hash);; at = (at + 1) & mask_) {
      const Slot& candidate = slots_[at];
      if (candidate.id < 0) return -1;
      if (candidate.tag == tag(hash) && same(candidate, place, piece)) return candidate.id;
    }
  }
  int32_t find(Place place, std::string_view piece) const;

  // The longest piece of this place, in bytes.
  size_t longest(Place place) const { return place == start ? longest_start_ : longest_inside_; }

 private:
  struct Slot {
    uint32_t tag = 0;
    int32_t id = -1;
    uint32_t begin = 0, size = 0;  // of the piece in bytes_; the size says the Place too
  };
  uint64_t slot(uint64_t hash) const { return (hash >> 17) & mask_; }
  static uint32_t tag(uint64_t hash) { return static_cast<uint32_t>(hash >> 40 ^ hash); }
  static uint32_t sized(Place place, size_t size) {
    return static_cast<uint32_t>(size) | (place == inside ? uint32_t{1} << 31 : 0);
  }
  bool same(const Slot& slot, Place place, std::string_view piece) const {
    return slot.size == sized(place, piece.size()) &&
           std::memcmp(bytes_.data() + slot.begin, piece.data(), piece.size()) == 0;
  }
  void insert(Place place, size_t begin, size_t size, int32_t id);

  std::string bytes_;  // the tokens, one after another
  // A bit for each hash: nearly all pieces that are not there are told by it, in memory so small
  // that it stays near.
  static constexpr uint64_t kFilter = 1 << 18;
  std::vector<uint64_t> filter_ = std::vector<uint64_t>(kFilter / 64);
  std::vector<Slot> slots_;
  uint64_t mask_ = 0;
  size_t longest_start_ = 0, longest_inside_ = 0;
};

}  // namespace bertie
