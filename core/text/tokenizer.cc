#include "text/tokenizer.h"

#include <bit>
#include <cstring>

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

bool is_letter_or_digit(int byte) {
  return (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z');
}

constexpr uint64_t kEach = 0x0101010101010101;  // times a byte: that byte in each of eight

// The top bit of each byte that is an ASCII letter or digit.
uint64_t plain_bytes(uint64_t bytes) {
  const uint64_t low = bytes & 0x7F * kEach;
  const uint64_t folded = low | 0x20 * kEach;
  const uint64_t letters = (folded + (0x80 - 'a') * kEach) & ~(folded + (0x7F - 'z') * kEach);
  const uint64_t digits = (low + (0x80 - '0') * kEach) & ~(low + (0x7F - '9') * kEach);
  return (letters | digits) & ~bytes & 0x80 * kEach;
}

// How many of eight bytes, from the first, are ASCII letters or digits.
int leading_plain(uint64_t bytes) {
  const uint64_t others = ~plain_bytes(bytes) & 0x80 * kEach;
  return std::countr_zero(others) / 8;  // 8 where there is none
}

// Makes ASCII capitals small, all bytes being ASCII.
uint64_t lowered(uint64_t bytes) {
  const uint64_t capitals = (bytes + (0x80 - 'A') * kEach) & ~(bytes + (0x7F - 'Z') * kEach);
  return bytes | (capitals & 0x80 * kEach) >> 2;
}

// The first `count` of eight bytes, zeros after them; count is at most 8.
uint64_t first_bytes(uint64_t bytes, int count) {
  return count == 0 ? 0 : bytes & ~uint64_t{0} >> (64 - 8 * count);
}

}  // namespace

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
    const bool plain = is_letter_or_digit(byte);
    if (plain || (!removed && (flags & (unicode::space | unicode::punct)))) {
      classes_[byte] = flags & unicode::space ? blank : flags & unicode::punct ? mark : letter;
    }
    const char text = static_cast<char>(byte);
    wordpiece_.split({&text, 1}, 1, pieces, hashes);
    mark_ids_[byte] = pieces[0].id;
  }
}

TextTokenizer::Lease TextTokenizer::lease() const {
  Idle& idle = idle_.get();
  std::lock_guard lock(idle.mutex);
  if (idle.scratch.empty()) return {*this, std::make_unique<TokenizerScratch>()};
  auto scratch = std::move(idle.scratch.back());
  idle.scratch.pop_back();
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
  Idle& idle = owner_.idle_.get();
  std::lock_guard lock(idle.mutex);
  idle.scratch.push_back(std::move(scratch_));
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

// Adds the tokens of a stretch that ASCII white space or punctuation bounds, with anything but plain
// ASCII in it or with many tokens; returns how many words there are.
// Normalizing it alone is the same as normalizing it where it stands: nothing composes with, or
// moves across, the bytes around it.
template <bool kSpans>
uint32_t TextTokenizer::chunk(std::string_view bytes, Position position,
                              TokenizerScratch& scratch, Tokens& out) const {
  const auto add_span = [&](uint32_t begin, uint32_t end, uint32_t word) {
    if (kSpans) {
      out.spans.push_back({position.point + begin, position.point + end, position.word + word});
    }
  };
  const bool small = bytes.size() <= ChunkEntry::kBytes;
  const uint64_t hash = small ? ChunkEntry::hash(bytes.data(), bytes.size()) : 0;
  if (small) {
    const ChunkEntry* entry = scratch.cache.chunks.find(hash, [&](const ChunkEntry& seen) {
      return seen.size == bytes.size() && !std::memcmp(seen.bytes, bytes.data(), bytes.size());
    });
    if (entry) {
      out.ids.append(entry->ids, entry->count);
      for (int i = 0; i < entry->count; ++i) {
        add_span(entry->begin[i], entry->end[i], entry->word[i]);
      }
      return entry->words;
    }
  }
  Tokens& tokens = scratch.chunk;
  tokens.clear();
  normalizer_.run(bytes, 0, scratch.chars, scratch.spare);
  uint32_t words = 0;
  const Char* chars = scratch.chars.data();
  split_words(chars, chars + scratch.chars.size(), words, scratch, tokens);
  out.ids.append(tokens.ids.data(), tokens.ids.size());
  for (const Span& span : tokens.spans) add_span(span.begin, span.end, span.word);
  if (!small || tokens.ids.size() > ChunkEntry::kMost) return words;
  ChunkEntry& entry = scratch.cache.chunks.add(hash);
  std::memcpy(entry.bytes, bytes.data(), bytes.size());
  entry.size = static_cast<uint8_t>(bytes.size());
  entry.count = static_cast<uint8_t>(tokens.ids.size());
  entry.words = static_cast<uint8_t>(words);
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    entry.ids[i] = tokens.ids[i];
    entry.begin[i] = static_cast<uint8_t>(tokens.spans[i].begin);
    entry.end[i] = static_cast<uint8_t>(tokens.spans[i].end);
    entry.word[i] = static_cast<uint8_t>(tokens.spans[i].word);
  }
  return words;
}

// Splits a short word and keeps its tokens, or no tokens where there are too many.
const ShortEntry& TextTokenizer::split_short(const WaitingWord& waiting,
                                             TokenizerScratch& scratch) const {
  wordpiece_.split(waiting.text(), waiting.size, scratch.pieces, scratch.hashes);
  const std::vector<Piece>& pieces = scratch.pieces;
  ShortEntry& made = scratch.cache.words.add(waiting.hash);
  made.word = waiting.word;
  made.count = 0;
  if (pieces.size() > ShortEntry::kMost) return made;
  made.count = static_cast<uint8_t>(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    made.ids[i] = pieces[i].id;
    made.ends[i] = static_cast<uint8_t>(pieces[i].end);
  }
  return made;
}

// Looks up the words that wait, and adds their tokens.
template <bool kSpans>
void TextTokenizer::add_waiting(TokenizerScratch& scratch, Tokens& out) const {
  constexpr size_t kMost = ShortEntry::kMost;
  out.ids.room(kMost * (scratch.waiting_count + 1));
  if (kSpans) out.spans.room(kMost * (scratch.waiting_count + 1));
  for (size_t i = 0; i < scratch.waiting_count; ++i) {
    const WaitingWord& waiting = scratch.waiting[i];
    if (waiting.mark >= 0) {
      out.ids.push_back(waiting.mark);
      if (kSpans) out.spans.push_back({waiting.point, waiting.point + 1, waiting.index});
      continue;
    }
    const ShortEntry* entry = scratch.cache.words.find(
        waiting.hash, [&](const ShortEntry& seen) { return seen.word == waiting.word; });
    if (!entry) [[unlikely]] entry = &split_short(waiting, scratch);
    if (entry->count == 0) [[unlikely]] {
      chunk<kSpans>(waiting.text(), {waiting.index, waiting.point}, scratch, out);
      continue;
    }
    // All ids are copied, however many there are: that is faster than asking.
    std::memcpy(out.ids.room(kMost), entry->ids, sizeof entry->ids);
    out.ids.added(entry->count);
    if (!kSpans) continue;
    Span* spans = out.spans.room(kMost);
    uint32_t begin = waiting.point;
    for (int piece = 0; piece < entry->count; ++piece) {
      const uint32_t end = waiting.point + entry->ends[piece];
      spans[piece] = {begin, end, waiting.index};
      begin = end;
    }
    out.spans.added(entry->count);
  }
  scratch.waiting_count = 0;
}

template <bool kSpans>
void TextTokenizer::long_word(std::string_view word, Position position, TokenizerScratch& scratch,
                              Tokens& out) const {
  scratch.utf8.assign(word);
  if (normalizer_.options().lower) {
    for (char& byte : scratch.utf8) {
      if (byte >= 'A' && byte <= 'Z') byte += 'a' - 'A';
    }
  }
  wordpiece_.split(scratch.utf8, word.size(), scratch.pieces, scratch.hashes);
  uint32_t begin = 0;
  for (const Piece& piece : scratch.pieces) {
    out.ids.push_back(piece.id);
    if (kSpans) {
      out.spans.push_back({position.point + begin, position.point + piece.end, position.word});
    }
    begin = piece.end;
  }
}

// By far the most time is spent here and in add_waiting. Sixteen bytes at a time: the letters and
// digits that they begin with are counted without a branch for each, because the processor can't
// foresee where a word ends. Words wait a little before they are looked up, so that the cache's
// memory is there when it is needed.
template <bool kSpans>
void TextTokenizer::scan(std::string_view text, Position& position, TokenizerScratch& scratch,
                         Tokens& out) const {
  constexpr int kRead = 16;
  scratch.waiting_count = 0;  // a text before may have failed midway
  char tail[2 * kRead] = {};  // the text's last bytes, with room to read past them
  bool in_tail = false;
  const char* at = text.data();
  const char* end = at + text.size();
  const char* counted = at;  // `point` is this byte's code point
  uint32_t point = position.point, word_index = position.word;
  const bool lower = normalizer_.options().lower;
  const auto class_at = [&](const char* byte) {
    return byte == end ? blank : classes_[static_cast<unsigned char>(*byte)];
  };
  const auto count_points = [&] {  // all bytes since are ASCII
    if (kSpans) point += static_cast<uint32_t>(at - counted), counted = at;
  };
  const auto mark_of = [&](const char* byte) {
    return mark_ids_[static_cast<unsigned char>(*byte)];
  };
  const auto wait = [&](const WaitingWord& word) {
    scratch.waiting[scratch.waiting_count] = word;
    if (++scratch.waiting_count == TokenizerScratch::kWaiting) add_waiting<kSpans>(scratch, out);
  };
  while (at < end) {
    if (end - at < kRead && !in_tail) {
      count_points();
      const size_t rest = static_cast<size_t>(end - at);
      std::memcpy(tail, at, rest);
      counted = at = tail;
      end = tail + rest;
      in_tail = true;
    }
    uint64_t low, high;
    std::memcpy(&low, at, 8);
    std::memcpy(&high, at + 8, 8);
    const int low_size = leading_plain(low), high_size = leading_plain(high);
    const int size = low_size < 8 ? low_size : 8 + high_size;
    const char* stop = at + size;
    if (size == 0 && class_at(at) != other) {
      if (class_at(at) == mark) {
        count_points();
        wait({{}, 0, point, word_index++, mark_of(at), 1});
      }
      ++at;
      continue;
    }
    count_points();
    if (size == kRead) {
      while (class_at(stop) == letter) ++stop;
    }
    const Class after = class_at(stop);
    if (after == other) {
      add_waiting<kSpans>(scratch, out);
      while (class_at(stop) >= letter) ++stop;
      const std::string_view bytes(at, static_cast<size_t>(stop - at));
      word_index += chunk<kSpans>(bytes, {word_index, point}, scratch, out);
      if (kSpans) {
        point += static_cast<uint32_t>(utf8::count(bytes));
        counted = stop;
      }
    } else if (size == kRead) {
      add_waiting<kSpans>(scratch, out);
      long_word<kSpans>({at, static_cast<size_t>(stop - at)}, {word_index++, point}, scratch, out);
    } else {
      ShortWord word{first_bytes(low, low_size), size < 8 ? 0 : first_bytes(high, high_size)};
      if (lower) word = {lowered(word.low), lowered(word.high)};
      const uint64_t hash = word.hash();
      scratch.cache.words.prefetch(hash);
      wait({word, hash, point, word_index++, -1, static_cast<uint32_t>(size)});
    }
    at = stop + (after == blank && stop < end);
  }
  count_points();
  add_waiting<kSpans>(scratch, out);
  position = {word_index, point};
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
  scratch.chunk.clear();
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
