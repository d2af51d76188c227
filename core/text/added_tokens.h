// Tokens that are found in the text as they are, before it is split into words: [MASK] and the
// like.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bertie {

struct AddedToken {
  std::string content;
  int32_t id;
  bool single_word = false;  // only where no word character touches it
  bool lstrip = false;       // takes the white space before it along
  bool rstrip = false;       // and after it
  bool normalized = false;   // matched in the normalized text instead of the caller's
};

// A stretch of the text, in bytes: an added token, or (id -1) what lies between two.
struct Stretch {
  size_t begin, end;
  int32_t id;
};

// A set of added tokens that are looked for together, as `tokenizers` does: from left to right, the
// longest of those that begin at a place, each match beginning after the one before it.
class AddedTokens {
 public:
  explicit AddedTokens(std::vector<AddedToken> tokens);

  bool empty() const { return tokens_.empty(); }

  // Whether any byte of the text could begin one: a quick no for most texts.
  bool may_occur(std::string_view text) const;

  // Cuts the text into `stretches`, which it overwrites.
  void find(std::string_view text, std::vector<Stretch>& stretches) const;

 private:
  const AddedToken* longest_at(std::string_view text, size_t at) const;

  std::vector<AddedToken> tokens_;             // by first byte, then longest first
  std::array<uint32_t, 257> by_first_byte_{};  // where each first byte's tokens begin
  std::string first_bytes_;
};

}  // namespace bertie
