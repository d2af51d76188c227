// From text to token ids, without the special tokens that frame a sequence.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/per_process.h"
#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/scanner.h"
#include "text/splitter.h"
#include "text/token_buffer.h"
#include "text/vocab.h"
#include "text/wordpiece.h"

namespace bertie {

// Working space of one thread.
struct TokenizerScratch {
  Scanner::Scratch scanner;
  std::vector<Stretch> stretches, normalized_stretches;
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
  TextTokenizer(const TokenNames& tokens, const std::vector<AddedToken>& added,
                const TokenizerOptions& options);
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
  // Makes working space for so many threads, so that it doesn't depend on how they share the work
  // when each first has its own.
  void expect(int64_t threads) const;

 private:
  void with_normalized_tokens(std::string_view text, Position& position, bool with_spans,
                              TokenizerScratch& scratch, Tokens& out) const;

  Vocab vocab_;
  Normalizer normalizer_;
  WordPiece wordpiece_;
  Splitter splitter_;
  Scanner scanner_;
  AddedTokens plain_, normalized_;
  struct Idle {
    std::mutex mutex;
    std::vector<std::unique_ptr<TokenizerScratch>> scratch;
    int64_t made = 0;  // these, and those that are leased
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
