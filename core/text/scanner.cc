#include "text/scanner.h"

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "text/normalizer.h"
#include "text/runs.h"
#include "text/splitter.h"
#include "text/token_buffer.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text/word_cache.h"

namespace bertie {
namespace {

bool is_letter_or_digit(int byte) {
  return (byte >= '0' && byte <= '9') || ((byte | 32) >= 'a' && (byte | 32) <= 'z');
}

}  // namespace

Scanner::Scanner(const Normalizer& normalizer, const Splitter& splitter)
    : splitter_(splitter), lower_(normalizer.options().lower) {
  classes_.fill(other);
  for (int byte = 0; byte < 128; ++byte) {
    const uint16_t flags = unicode::record(byte);
    const bool removed = normalizer.options().clean_text && (flags & unicode::control);
    if (is_letter_or_digit(byte)) {
      classes_[byte] = letter;
    } else if (!removed && (flags & (unicode::space | unicode::punct))) {
      classes_[byte] = flags & unicode::space ? blank : mark;
    }
  }
}

// Looks up the words that wait, and adds their tokens.
template <bool kSpans>
void Scanner::add_waiting(Scratch& scratch, Tokens& out) const {
  constexpr size_t kMost = ShortEntry::kMost;
  const size_t count = scratch.waiting_count;
  int32_t* ids = out.ids.room(kMost * count);
  for (size_t i = 0; i < count; ++i) {
    const Waiting& waiting = scratch.waiting[i];
    const ShortEntry* entry = nullptr;
    if (!waiting.chunk) [[likely]] {
      entry = scratch.splitter.cache.words.find(waiting.hash, waiting.word);
      if (!entry) [[unlikely]] {
        entry = &splitter_.short_word(waiting.word, waiting.size, scratch.splitter);
      }
    }
    if (!entry || entry->count == 0) [[unlikely]] {
      out.ids.added(static_cast<size_t>(ids - out.ids.end()));
      scratch.index += splitter_.chunk<kSpans>(
          {waiting.begin, waiting.size}, {scratch.index, waiting.point}, scratch.splitter, out);
      ids = out.ids.room(kMost * (count - i));
      continue;
    }
    // All ids are copied, however many there are: that is faster than asking.
    std::memcpy(ids, entry->ids, sizeof entry->ids);
    ids += entry->count;
    if (!kSpans) continue;
    Span* spans = out.spans.room(kMost);
    uint32_t begin = waiting.point;
    for (size_t piece = 0; piece < kMost; ++piece) {
      const uint32_t end = waiting.point + entry->ends[piece];
      spans[piece] = {begin, end, scratch.index};
      begin = end;
    }
    out.spans.added(entry->count);
    ++scratch.index;
  }
  out.ids.added(static_cast<size_t>(ids - out.ids.end()));
  scratch.waiting_count = 0;
}

// By far the most time is spent here and in add_waiting. Where letters and digits run is known
// beforehand, and a punctuation mark is a word of one byte like any other, so that nothing branches
// on where a word ends, which the processor can't foresee. Words wait a little before they are
// looked up, so that the cache's memory is there when it is needed.
template <bool kSpans>
void Scanner::scan(std::string_view text, Position& position, Scratch& scratch, Tokens& out) const {
  Runs& runs = scratch.runs;
  runs.read(text, lower_);
  scratch.waiting_count = 0;  // a text before may have failed midway
  scratch.index = position.word;
  const size_t end = text.size();
  uint32_t points_before = position.point;  // plus a byte's place: its code point; wraps around
  const auto class_at = [&](size_t at) { return classes_[runs.byte(at)]; };  // blank at the end
  for (size_t at = 0; at < end;) {
    const auto run = static_cast<uint32_t>(std::countr_one(runs.plain_at(at)));
    const uint64_t spaces = runs.space_at(at);
    const Class stop = class_at(at + run);
    Waiting& waiting = scratch.waiting[scratch.waiting_count];
    waiting.begin = text.data() + at;
    waiting.point = points_before + static_cast<uint32_t>(at);
    if (stop == other || run > ShortWord::kMost) [[unlikely]] {
      size_t last = at + run;
      while (class_at(last) >= letter) ++last;
      waiting.size = static_cast<uint32_t>(last - at);
      waiting.chunk = true;
      if (kSpans) {
        const std::string_view bytes = text.substr(at, waiting.size);
        points_before += static_cast<uint32_t>(utf8::count(bytes) - bytes.size());
      }
      at = last;
    } else if (run == 0 && stop == blank) {
      ++at;
      continue;
    } else {
      const uint32_t size = run + (run == 0);  // a mark
      waiting.word = runs.word_at(at, size);
      waiting.hash = waiting.word.hash();
      waiting.size = size;
      waiting.chunk = false;
      scratch.splitter.cache.words.prefetch(waiting.hash);
      at += size + (spaces >> size & 1);
    }
    if (++scratch.waiting_count == Scratch::kWaiting) add_waiting<kSpans>(scratch, out);
  }
  add_waiting<kSpans>(scratch, out);
  position = {scratch.index, points_before + static_cast<uint32_t>(end)};
}

template void Scanner::scan<false>(std::string_view, Position&, Scratch&, Tokens&) const;
template void Scanner::scan<true>(std::string_view, Position&, Scratch&, Tokens&) const;

}  // namespace bertie
