#include "text/tokenizer.h"

#include <algorithm>

#include "runtime/error.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text/words.h"

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

// `word` is the next word's index; `point` is the code point that the scan's first byte is.
struct TextTokenizer::Position {
  uint32_t word = 0;
  uint32_t point = 0;
};

TextTokenizer::TextTokenizer(const std::vector<std::optional<std::string>>& tokens,
                             const std::vector<AddedToken>& added, const TokenizerOptions& options)
    : vocab_(tokens, options.prefix),
      normalizer_(options.normalizer),
      wordpiece_(vocab_, options.unknown, options.max_chars),
      plain_(only(added, false)),
      normalized_([&] {
        std::vector<AddedToken> some = only(added, true);
        for (AddedToken& token : some) token.content = normalizer_.run(token.content);
        return some;
      }()) {
  std::vector<Piece> pieces;
  std::vector<uint64_t> hashes;
  for (int byte = 0; byte < 256; ++byte) {
    classes_[byte] = other;
    if (byte >= 128) continue;
    const uint16_t flags = unicode::record(byte);
    const bool removed = options.normalizer.clean_text && (flags & unicode::control);
    if (!removed) {
      classes_[byte] = flags & unicode::space ? blank : flags & unicode::punct ? mark : letter;
    }
    const char text = static_cast<char>(byte);
    wordpiece_.split({&text, 1}, 1, pieces, hashes);
    mark_ids_[byte] = pieces[0].id;
  }
}

TextTokenizer::Lease TextTokenizer::lease() const {
  std::lock_guard lock(idle_mutex_);
  if (idle_.empty()) return {*this, std::make_unique<TokenizerScratch>()};
  auto scratch = std::move(idle_.back());
  idle_.pop_back();
  return {*this, std::move(scratch)};
}

TextTokenizer::Lease::~Lease() {
  // One huge text must not hold its working space for ever.
  constexpr size_t kKeep = 1 << 16;
  if (scratch_->chars.capacity() > kKeep || scratch_->spare.capacity() > kKeep ||
      scratch_->chunk.ids.capacity() > kKeep || scratch_->utf8.capacity() > kKeep) {
    scratch_ = nullptr;
    return;
  }
  std::lock_guard lock(owner_.idle_mutex_);
  owner_.idle_.push_back(std::move(scratch_));
}

// Tokenizes one normalized word.
void TextTokenizer::add_word(const Char* begin, const Char* end, uint32_t word,
                             TokenizerScratch& scratch, Tokens& out) const {
  scratch.utf8.clear();
  scratch.ends.clear();
  for (const Char* c = begin; c < end; ++c) {
    utf8::append(scratch.utf8, c->point);
    scratch.ends.push_back(static_cast<uint32_t>(scratch.utf8.size()));
  }
  wordpiece_.split(scratch.utf8, end - begin, scratch.pieces, scratch.hashes);
  size_t first = 0;
  for (const Piece& piece : scratch.pieces) {
    size_t last = first;
    while (scratch.ends[last] < piece.end) ++last;
    out.ids.push_back(piece.id);
    out.spans.push_back({begin[first].origin, begin[last].origin + 1, word});
    first = last + 1;
  }
}

void TextTokenizer::split_words(const Char* begin, const Char* end, uint32_t& word,
                                TokenizerScratch& scratch, Tokens& out) const {
  each_word(begin, end, [&](const Char* first, const Char* last) {
    add_word(first, last, word++, scratch, out);
  });
}

// A stretch that ASCII white space or punctuation bounds, with anything but plain ASCII in it.
// Normalizing it alone is the same as normalizing it where it stands: nothing composes with, or
// moves across, the bytes around it.
template <bool kSpans>
void TextTokenizer::chunk(const char* bytes, size_t size, size_t readable, Position& position,
                          TokenizerScratch& scratch, Tokens& out) const {
  const auto append = [&](int32_t id, uint32_t begin, uint32_t end, uint32_t word) {
    out.ids.push_back(id);
    if (kSpans) {
      out.spans.push_back(
          {position.point + begin, position.point + end, position.word + word});
    }
  };
  WordCache::Entry* entry = nullptr;
  WordCache::Key key;
  if (size <= WordCache::kKey) {
    key = WordCache::key(bytes, size, readable);
    entry = &scratch.cache.place(key);
    if (WordCache::holds(*entry, key)) {
      for (int i = 0; i < entry->count; ++i) {
        append(entry->ids[i], entry->begin[i], entry->end[i], entry->word[i]);
      }
      position.word += entry->words;
      return;
    }
  }
  Tokens& tokens = scratch.chunk;
  tokens.ids.clear();
  tokens.spans.clear();
  normalizer_.run({bytes, size}, 0, scratch.chars, scratch.spare);
  uint32_t words = 0;
  const Char* chars = scratch.chars.data();
  split_words(chars, chars + scratch.chars.size(), words, scratch, tokens);
  const bool fits = entry && tokens.ids.size() <= WordCache::kPieces;
  if (fits) {
    entry->key = key;
    entry->count = static_cast<uint8_t>(tokens.ids.size());
    entry->words = static_cast<uint8_t>(words);
  }
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    const Span& span = tokens.spans[i];
    append(tokens.ids[i], span.begin, span.end, span.word);
    if (!fits) continue;
    entry->ids[i] = tokens.ids[i];
    entry->begin[i] = static_cast<uint8_t>(span.begin);
    entry->end[i] = static_cast<uint8_t>(span.end);
    entry->word[i] = static_cast<uint8_t>(span.word);
  }
  position.word += words;
}

template <bool kSpans>
void TextTokenizer::ascii_word(const char* word, size_t size, size_t readable, Position& position,
                               TokenizerScratch& scratch, Tokens& out) const {
  const uint32_t index = position.word++;
  const auto append = [&](int32_t id, uint32_t begin, uint32_t end) {
    out.ids.push_back(id);
    if (kSpans) out.spans.push_back({position.point + begin, position.point + end, index});
  };
  if (size > WordCache::kKey) {
    scratch.utf8.assign(word, size);
    if (normalizer_.options().lower) {
      for (char& byte : scratch.utf8) {
        if (byte >= 'A' && byte <= 'Z') byte += 'a' - 'A';
      }
    }
    wordpiece_.split(scratch.utf8, size, scratch.pieces, scratch.hashes);
    uint32_t begin = 0;
    for (const Piece& piece : scratch.pieces) {
      append(piece.id, begin, piece.end);
      begin = piece.end;
    }
    return;
  }
  WordCache::Key key = WordCache::key(word, size, readable);
  if (normalizer_.options().lower) WordCache::lower(key);
  WordCache::Entry& entry = scratch.cache.place(key);
  if (WordCache::holds(entry, key)) [[likely]] {
    for (int i = 0; i < entry.count; ++i) append(entry.ids[i], entry.begin[i], entry.end[i]);
    return;
  }
  wordpiece_.split({reinterpret_cast<const char*>(key.part), size}, size, scratch.pieces,
                   scratch.hashes);
  const bool fits = scratch.pieces.size() <= WordCache::kPieces;
  if (fits) {
    entry.key = key;
    entry.count = static_cast<uint8_t>(scratch.pieces.size());
    entry.words = 1;
  }
  uint32_t begin = 0;
  for (size_t i = 0; i < scratch.pieces.size(); ++i) {
    const Piece& piece = scratch.pieces[i];
    append(piece.id, begin, piece.end);
    if (fits) {
      entry.ids[i] = piece.id;
      entry.begin[i] = static_cast<uint8_t>(begin);
      entry.end[i] = static_cast<uint8_t>(piece.end);
      entry.word[i] = 0;
    }
    begin = piece.end;
  }
}

// By far the most time is spent here and in ascii_word: one table look-up for each byte, one cache
// look-up for each word.
template <bool kSpans>
void TextTokenizer::scan(std::string_view text, Position& position, TokenizerScratch& scratch,
                         Tokens& out) const {
  const char* const end = text.data() + text.size();
  const char* counted = text.data();  // position.point is this byte's code point
  const auto class_of = [&](const char* at) { return classes_[static_cast<unsigned char>(*at)]; };
  const auto move_to = [&](const char* at) {  // over ASCII
    if (kSpans) position.point += static_cast<uint32_t>(at - counted), counted = at;
  };
  for (const char* at = text.data(); at < end;) {
    const Class kind = class_of(at);
    if (kind == blank) {
      ++at;
      continue;
    }
    move_to(at);
    if (kind == mark) {
      out.ids.push_back(mark_ids_[static_cast<unsigned char>(*at)]);
      if (kSpans) out.spans.push_back({position.point, position.point + 1, position.word++});
      ++at;
      continue;
    }
    const char* const start = at;
    while (at < end && class_of(at) == letter) ++at;
    if (at == end || class_of(at) != other) {
      ascii_word<kSpans>(start, at - start, end - start, position, scratch, out);
      continue;
    }
    while (at < end && class_of(at) >= letter) ++at;
    chunk<kSpans>(start, at - start, end - start, position, scratch, out);
    if (kSpans) {
      position.point += static_cast<uint32_t>(utf8::count({start, static_cast<size_t>(at - start)}));
      counted = at;
    }
  }
  move_to(end);
}

// The whole stretch has to be normalized first, because tokens are looked for in the outcome.
void TextTokenizer::with_normalized_tokens(std::string_view text, Position& position,
                                           bool with_spans, TokenizerScratch& scratch,
                                           Tokens& out) const {
  std::vector<Char> chars;
  normalizer_.run(text, position.point, chars, scratch.spare);
  std::string normal;
  std::vector<size_t> char_at;  // by byte of `normal`
  for (size_t i = 0; i < chars.size(); ++i) {
    utf8::append(normal, chars[i].point);
    char_at.resize(normal.size(), i);
  }
  char_at.push_back(chars.size());
  normalized_.find(normal, scratch.normalized_stretches);
  scratch.chunk.ids.clear();
  scratch.chunk.spans.clear();
  for (const Stretch& stretch : scratch.normalized_stretches) {
    const Char* begin = chars.data() + char_at[stretch.begin];
    const Char* end = chars.data() + char_at[stretch.end];
    if (begin == end) continue;
    if (stretch.id < 0) {
      split_words(begin, end, position.word, scratch, scratch.chunk);
    } else {
      scratch.chunk.ids.push_back(stretch.id);
      scratch.chunk.spans.push_back({begin->origin, end[-1].origin + 1, position.word++});
    }
  }
  const Tokens& found = scratch.chunk;
  out.ids.insert(out.ids.end(), found.ids.begin(), found.ids.end());
  if (with_spans) out.spans.insert(out.spans.end(), found.spans.begin(), found.spans.end());
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
      scan<true>(piece, position, scratch, out);
    } else {
      scan<false>(piece, position, scratch, out);
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
      position.point -= static_cast<uint32_t>(
          utf8::count(text.substr(stretch.begin, counted - stretch.begin)));
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
  for (size_t i = 0; i < words.size(); ++i) {
    normalizer_.run(words[i], 0, scratch.chars, scratch.spare);
    const std::vector<Char>& chars = scratch.chars;
    scratch.utf8.clear();
    for (const Char& c : chars) utf8::append(scratch.utf8, c.point);
    const int32_t whole = chars.empty() ? -1 : vocab_.find(Vocab::start, scratch.utf8);
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
