#include "text/tokenizer.h"
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/error.h"
#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/splitter.h"
#include "text/utf8.h"
#include "text/vocab.h"

namespace bertie {
namespace {

std::vector<AddedToken> only(const std::vector<AddedToken>& added, bool normalized) {
  std::vector<AddedToken> some;
  for (const AddedToken& token : added) {
    if (token.normalized == normalized) some.push_back(token);
  }
  return some;
}

}  // namespace

TextTokenizer::TextTokenizer(const TokenNames& tokens, const std::vector<AddedToken>& added,
                             const TokenizerOptions& options)
    : vocab_(tokens, options.prefix),
      normalizer_(options.normalizer),
      wordpiece_(vocab_, options.unknown, options.max_chars),
      splitter_(normalizer_, wordpiece_),
      scanner_(normalizer_, splitter_),
      plain_(only(added, false)),
      normalized_([&] {
        std::vector<AddedToken> some = only(added, true);
        for (AddedToken& token : some) token.content = normalizer_.run(token.content);
        return some;
      }()) {}

TextTokenizer::Lease TextTokenizer::lease() const {
  Idle& idle = idle_.get();
  std::lock_guard lock(idle.mutex);
  if (idle.scratch.empty()) {
    auto scratch = std::make_unique<TokenizerScratch>();
    ++idle.made;
    return {*this, std::move(scratch)};
  }
  auto scratch = std::move(idle.scratch.back());
  idle.scratch.pop_back();
  return {*this, std::move(scratch)};
}

void TextTokenizer::expect(int64_t threads) const {
  Idle& idle = idle_.get();
  std::lock_guard lock(idle.mutex);
  for (; idle.made < threads; ++idle.made) {
    idle.scratch.push_back(std::make_unique<TokenizerScratch>());
  }
}

TextTokenizer::Lease::~Lease() {
  // One huge text must not hold its working space for ever.
  constexpr size_t kKeep = 1 << 16;
  const Splitter::Scratch& splitter = scratch_->scanner.splitter;
  Idle& idle = owner_.idle_.get();
  if (splitter.chars.capacity() > kKeep || splitter.spare.capacity() > kKeep ||
      splitter.chunk.ids.capacity() > kKeep || splitter.utf8.capacity() > kKeep ||
      scratch_->scanner.runs.capacity() > kKeep) {
    scratch_ = nullptr;
    std::lock_guard lock(idle.mutex);
    --idle.made;
    return;
  }
  std::lock_guard lock(idle.mutex);
  idle.scratch.push_back(std::move(scratch_));
}

// The whole stretch has to be normalized first, because tokens are looked for in the outcome.
void TextTokenizer::with_normalized_tokens(std::string_view text, Position& position,
                                           bool with_spans, TokenizerScratch& scratch,
                                           Tokens& out) const {
  std::vector<Char> chars;
  Splitter::Scratch& space = scratch.scanner.splitter;
  normalizer_.run(text, position.point, chars, space.spare);
  std::string normal;
  std::vector<size_t> char_at;  // by byte of `normal`
  for (size_t i = 0; i < chars.size(); ++i) {
    utf8::append(normal, chars[i].point);
    char_at.resize(normal.size(), i);
  }
  char_at.push_back(chars.size());
  normalized_.find(normal, scratch.normalized_stretches);
  space.chunk.clear();
  for (const Stretch& stretch : scratch.normalized_stretches) {
    const Char* begin = chars.data() + char_at[stretch.begin];
    const Char* end = chars.data() + char_at[stretch.end];
    if (begin == end) continue;
    if (stretch.id < 0) {
      splitter_.words(begin, end, position.word, space, space.chunk);
    } else {
      space.chunk.ids.push_back(stretch.id);
      space.chunk.spans.push_back({begin->origin, end[-1].origin + 1, position.word++});
    }
  }
  const Tokens& found = space.chunk;
  out.ids.append(found.ids.data(), found.ids.size());
  if (with_spans) out.spans.append(found.spans.data(), found.spans.size());
}

void TextTokenizer::tokenize(std::string_view text, bool with_spans, TokenizerScratch& scratch,
                             Tokens& out) const {
  if (text.size() >= size_t{1} << 31) {
    throw Error(ErrorKind::input, "a text of " + std::to_string(text.size()) +
                                      " bytes, expected less than 2147483648: split it");
  }
  Position position;
  const auto between = [&](std::string_view piece) {
    if (!normalized_.empty()) {
      with_normalized_tokens(piece, position, with_spans, scratch, out);
      position.point += static_cast<uint32_t>(utf8::count(piece));
    } else if (with_spans) {
      scanner_.scan<true>(piece, position, scratch.scanner, out);
    } else {
      scanner_.scan<false>(piece, position, scratch.scanner, out);
    }
  };
  if (!plain_.may_occur(text)) {
    between(text);
    return;
  }
  plain_.find(text, scratch.stretches);
  size_t counted = 0;  // position.point is this byte's code point
  for (const Stretch& stretch : scratch.stretches) {
    const std::string_view piece = text.substr(stretch.begin, stretch.end - stretch.begin);
    if (stretch.begin < counted) {  // two tokens share the white space that both strip
      position.point -=
          static_cast<uint32_t>(utf8::count(text.substr(stretch.begin, counted - stretch.begin)));
    }
    counted = stretch.end;
    if (stretch.id < 0) {
      between(piece);  // moves position.point to its end
      continue;
    }
    const auto points = static_cast<uint32_t>(utf8::count(piece));
    out.ids.push_back(stretch.id);
    if (with_spans) {
      out.spans.push_back({position.point, position.point + points, position.word});
    }
    ++position.word;
    position.point += points;
  }
}

void TextTokenizer::tokenize_words(std::span<const std::string_view> words, bool with_spans,
                                   TokenizerScratch& scratch, Tokens& out) const {
  Splitter::Scratch& space = scratch.scanner.splitter;
  for (size_t i = 0; i < words.size(); ++i) {
    normalizer_.run(words[i], 0, space.chars, space.spare);
    const std::vector<Char>& chars = space.chars;
    space.utf8.clear();
    for (const Char& c : chars) utf8::append(space.utf8, c.point);
    const int32_t whole = chars.empty() ? -1 : vocab_.find(Vocab::start, space.utf8);
    const size_t first = out.spans.size();
    if (whole >= 0) {
      out.ids.push_back(whole);
      if (with_spans) out.spans.push_back({chars[0].origin, chars.back().origin + 1, 0});
    } else {
      tokenize(words[i], with_spans, scratch, out);
    }
    for (size_t at = first; at < out.spans.size(); ++at) {
      out.spans[at].word = static_cast<uint32_t>(i);
    }
  }
}

}  // namespace bertie
