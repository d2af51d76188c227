#include "text/added_tokens.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "text/unicode.h"
#include "text/utf8.h"

namespace bertie {
namespace {

unsigned char first_byte(const AddedToken& token) {
  return static_cast<unsigned char>(token.content[0]);
}

bool is_word(char32_t point) { return unicode::record(point) & unicode::word; }
bool is_space(char32_t point) { return unicode::record(point) & unicode::space; }

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  if (begin > 0 && is_word(utf8::before(text, begin))) return false;
  return end == text.size() || !is_word(utf8::next(text, end));
}

size_t spaces_begin(std::string_view text, size_t end, size_t from) {
  while (end > from && is_space(utf8::before(text, end))) {
    do --end;
    while (utf8::is_continuation(text[end]));
  }
  return end;
}

size_t spaces_end(std::string_view text, size_t begin) {
  for (size_t next = begin; next < text.size(); begin = next) {
    if (!is_space(utf8::next(text, next))) break;
  }
  return begin;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.content.empty(); });
  std::stable_sort(tokens_.begin(), tokens_.end(), [](const AddedToken& a, const AddedToken& b) {
    if (first_byte(a) != first_byte(b)) return first_byte(a) < first_byte(b);
    return a.content.size() > b.content.size();
  });
  for (const AddedToken& token : tokens_) {
    if (by_first_byte_[first_byte(token) + 1]++ == 0) first_bytes_ += token.content[0];
  }
  for (size_t i = 1; i < by_first_byte_.size(); ++i) by_first_byte_[i] += by_first_byte_[i - 1];
}

bool AddedTokens::may_occur(std::string_view text) const {
  return std::any_of(first_bytes_.begin(), first_bytes_.end(), [&](char byte) {
    return std::memchr(text.data(), byte, text.size()) != nullptr;
  });
}

const AddedToken* AddedTokens::longest_at(std::string_view text, size_t at) const {
  const auto byte = static_cast<unsigned char>(text[at]);
  for (uint32_t i = by_first_byte_[byte]; i < by_first_byte_[byte + 1]; ++i) {
    if (text.substr(at).starts_with(tokens_[i].content)) return &tokens_[i];
  }
  return nullptr;
}

void AddedTokens::find(std::string_view text, std::vector<Stretch>& stretches) const {
  stretches.clear();
  size_t done = 0;
  for (size_t at = 0; at < text.size();) {
    const AddedToken* token = longest_at(text, at);
    if (!token) {
      ++at;
      continue;
    }
    size_t begin = at;
    size_t end = at += token->content.size();  // the search goes on here, whatever is stripped
    if (token->single_word && !stands_alone(text, begin, end)) continue;
    if (token->lstrip) begin = std::max(spaces_begin(text, begin, 0), done);
    if (token->rstrip) end = spaces_end(text, end);
    if (done < begin) stretches.push_back({done, begin, -1});
    stretches.push_back({begin, end, token->id});
    done = end;
  }
  if (done < text.size()) stretches.push_back({done, text.size(), -1});
}

}  // namespace bertie
