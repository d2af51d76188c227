// From text to token ids, without the special tokens that frame a sequence.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/per_process.h"
#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/token_buffer.h"
#include "text/vocab.h"
#include "text/word_cache.h"
#include "text/wordpiece.h"

namespace bertie {

// A word whose tokens are about to be looked up, or the token of a punctuation mark.
struct WaitingWord {
  ShortWord word;
  uint64_t hash;
  uint32_t point, index;  // of its first code point, and of the word
  int32_t mark;           // the token, or -1 for a word
  uint32_t size;          // bytes

  std::string_view text() const { return {reinterpret_cast<const char*>(&word), size}; }
};

// Working space of one thread.
struct TokenizerScratch {
  static constexpr size_t kWaiting = 32;
  WordCache cache;
  std::array<WaitingWord, kWaiting> waiting;
  size_t waiting_count = 0;
  std::vector<Char> chars, spare;
  std::string utf8;
  std::vector<uint32_t> ends;
  std::vector<Piece> pieces;
  std::vector<uint64_t> hashes;
  std::vector<Stretch> stretches, normalized_stretches;
  Tokens chunk;
};

struct TokenizerOptions {
  NormalizerOptions normalizer;
  std::string prefix = "##";  // of tokens that continue a word
  int32_t unknown = 0;        // id
  uint64_t max_chars = 100;   // code points; longer words are unknown
};

// Immutable once made; every method may be called from several threads at a time.
class TextTokenizer {
 public:
  TextTokenizer(const std::vector<std::optional<std::string>>& tokens,
                const std::vector<AddedToken>& added, const TokenizerOptions& options);
  TextTokenizer(const TextTokenizer&) = delete;
  TextTokenizer& operator=(const TextTokenizer&) = delete;

  // Appends the tokens of a text (well-formed UTF-8, under 2 GiB). Linear time.
  void tokenize(std::string_view text, bool with_spans, TokenizerScratch& scratch,
                Tokens& out) const;

  // Appends the tokens of words that the caller has split. A word that the vocabulary has whole, as
  // the normalizer leaves it, is that token; others are tokenized as texts are. Spans are within
  // the word, and `word` is its index.
  void tokenize_words(std::span<const std::string_view> words, bool with_spans,
                      TokenizerScratch& scratch, Tokens& out) const;

  const Normalizer& normalizer() const { return normalizer_; }

  // Lends working space; keeps at most as many as were ever in use at a time.
  class Lease;
  Lease lease() const;

 private:
  // Where a scan stands: the next word's index, and the code point that the next byte begins.
  struct Position {
    uint32_t word = 0;
    uint32_t point = 0;
  };
  enum Class : uint8_t { blank, mark, letter, other };

  template <bool kSpans>
  void scan(std::string_view text, Position& position, TokenizerScratch& scratch,
            Tokens& out) const;
  template <bool kSpans>
  void add_waiting(TokenizerScratch& scratch, Tokens& out) const;
  const ShortEntry& split_short(const WaitingWord& waiting, TokenizerScratch& scratch) const;
  template <bool kSpans>
  void long_word(std::string_view word, Position position, TokenizerScratch& scratch,
                 Tokens& out) const;
  template <bool kSpans>
  uint32_t chunk(std::string_view bytes, Position position, TokenizerScratch& scratch,
                 Tokens& out) const;
  void split_words(const Char* begin, const Char* end, uint32_t& word, TokenizerScratch& scratch,
                   Tokens& out) const;
  void add_word(const Char* begin, const Char* end, uint32_t word, TokenizerScratch& scratch,
                Tokens& out) const;
  void with_normalized_tokens(std::string_view text, Position& position, bool with_spans,
                              TokenizerScratch& scratch, Tokens& out) const;

  Vocab vocab_;
  Normalizer normalizer_;
  WordPiece wordpiece_;
  AddedTokens plain_, normalized_;
  std::array<Class, 256> classes_;
  std::array<int32_t, 128> mark_ids_;
  struct Idle {
    std::mutex mutex;
    std::vector<std::unique_ptr<TokenizerScratch>> scratch;
  };
  PerProcess<Idle> idle_;
};

class TextTokenizer::Lease {
 public:
  Lease(const TextTokenizer& owner, std::unique_ptr<TokenizerScratch> scratch)
      : owner_(owner), scratch_(std::move(scratch)) {}
  ~Lease();
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  TokenizerScratch& operator*() { return *scratch_; }

 private:
  const TextTokenizer& owner_;
  std::unique_ptr<TokenizerScratch> scratch_;
};

}  // namespace bertie
