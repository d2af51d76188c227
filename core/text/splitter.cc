#include "text/splitter.h"
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/normalizer.h"
#include "text/token_buffer.h"
#include "text/utf8.h"
#include "text/word_cache.h"
#include "text/wordpiece.h"
#include "text/words.h"

namespace bertie {

// Tokenizes one normalized word.
void Splitter::add_word(const Char* begin, const Char* end, uint32_t word, Scratch& scratch,
                        Tokens& out) const {
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

void Splitter::words(const Char* begin, const Char* end, uint32_t& word, Scratch& scratch,
                     Tokens& out) const {
  each_word(begin, end, [&](const Char* first, const Char* last) {
    add_word(first, last, word++, scratch, out);
  });
}

// Normalizing a stretch alone is the same as normalizing it where it stands: nothing composes with,
// or moves across, the bytes around it.
template <bool kSpans>
uint32_t Splitter::chunk(std::string_view bytes, Position position, Scratch& scratch,
                         Tokens& out) const {
  const auto add_span = [&](uint32_t begin, uint32_t end, uint32_t word) {
    if (kSpans) {
      out.spans.push_back({position.point + begin, position.point + end, position.word + word});
    }
  };
  const bool small = bytes.size() <= ShortChunk::kMost;
  const ShortChunk key(small ? bytes : "");
  const uint64_t hash = key.hash();
  if (small) {
    if (const ChunkEntry* entry = scratch.cache.chunks.find(hash, key)) {
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
  uint32_t count = 0;
  const Char* chars = scratch.chars.data();
  words(chars, chars + scratch.chars.size(), count, scratch, tokens);
  out.ids.append(tokens.ids.data(), tokens.ids.size());
  for (const Span& span : tokens.spans) add_span(span.begin, span.end, span.word);
  if (!small || tokens.ids.size() > ChunkEntry::kMost) return count;
  ChunkEntry& entry = scratch.cache.chunks.add(hash);
  entry.chunk = key;
  entry.count = static_cast<uint8_t>(tokens.ids.size());
  entry.words = static_cast<uint8_t>(count);
  for (size_t i = 0; i < tokens.ids.size(); ++i) {
    entry.ids[i] = tokens.ids[i];
    entry.begin[i] = static_cast<uint8_t>(tokens.spans[i].begin);
    entry.end[i] = static_cast<uint8_t>(tokens.spans[i].end);
    entry.word[i] = static_cast<uint8_t>(tokens.spans[i].word);
  }
  return count;
}

const ShortEntry& Splitter::short_word(ShortWord word, uint32_t size, Scratch& scratch) const {
  wordpiece_.split({reinterpret_cast<const char*>(&word), size}, size, scratch.pieces,
                   scratch.hashes);
  const std::vector<Piece>& pieces = scratch.pieces;
  ShortEntry& made = scratch.cache.words.add(word.hash());
  made.word = word;
  made.count = 0;
  if (pieces.size() > ShortEntry::kMost) return made;
  made.count = static_cast<uint8_t>(pieces.size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    made.ids[i] = pieces[i].id;
    made.ends[i] = static_cast<uint8_t>(pieces[i].end);
  }
  return made;
}

template uint32_t Splitter::chunk<false>(std::string_view, Position, Scratch&, Tokens&) const;
template uint32_t Splitter::chunk<true>(std::string_view, Position, Scratch&, Tokens&) const;

}  // namespace bertie
