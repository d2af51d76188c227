// From the tokens of one text or two to what the encoder reads: truncated, and framed by [CLS] and
// [SEP].
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "text/token_buffer.h"
#include "text/tokenizer.h"

namespace bertie {

// One part of a frame: a special token, or the place of a text's tokens.
struct FrameItem {
  enum Kind { special, first, second } kind;
  int32_t id;  // of a special token
  int32_t type_id;
};

// How one text and how a pair of texts are framed: [CLS] A [SEP] and [CLS] A [SEP] B [SEP].
struct Frames {
  std::vector<FrameItem> single, pair;
};

enum class Side { right, left };  // where tokens are left out

enum class Strategy { longest_first, only_first, only_second };

struct Limits {
  int64_t max_length = -1;  // tokens, special ones included; less than 0: no limit
  Side side = Side::right;
  Strategy strategy = Strategy::longest_first;
  int64_t stride = 0;  // tokens that a window shares with the one before it
};

// A text, or the words of one that the caller has split.
struct Text {
  std::string_view whole;
  std::span<const std::string_view> words;
  bool split = false;
};

// A sequence as the encoder reads it. Type ids are left empty where all are 0 and no spans are
// asked for. Spans are filled when asked for: a special token of the frame has span (0, 0) and
// sequence -1, the others the sequence (0 or 1) that they are from.
struct Sequence {
  Buffer<int32_t> ids, type_ids;
  Buffer<Span> spans;
  Buffer<int8_t> sequences;
};

// Tokens [begin, end) of a text.
struct Range {
  int64_t begin, end;
};

class Sequencer {
 public:
  Sequencer(const TextTokenizer& tokenizer, Frames frames);

  struct Scratch {
    Tokens first, second;
  };

  // Appends the tokens of a text, or of a pair, to `out`; `words` and `scratch` are working space.
  // Returns the number of tokens left out.
  int64_t append(const Text& text, const Text* pair, bool add_special, const Limits& limits,
                 bool with_spans, TokenizerScratch& words, Scratch& scratch, Sequence& out) const;

  // Appends all the windows that a text or a pair is cut into, in the order of `tokenizers`: what
  // the other function gives first, then what that leaves out; and the tokens of each to `lengths`.
  void windows(const Text& text, const Text* pair, bool add_special, const Limits& limits,
               TokenizerScratch& words, Scratch& scratch, Sequence& out,
               Buffer<int32_t>& lengths) const;

 private:
  void fill(const Text& text, bool with_spans, TokenizerScratch& words, Tokens& tokens) const;
  std::pair<int64_t, int64_t> tokenize(const Text& text, const Text* pair, bool with_spans,
                                       TokenizerScratch& words, Scratch& scratch) const;
  std::pair<int64_t, int64_t> kept_of(int64_t n1, int64_t n2, bool pair, bool add_special,
                                      const Limits& limits) const;
  int64_t append_alone(const Text& text, bool add_special, const Limits& limits,
                       TokenizerScratch& words, Scratch& scratch, Sequence& out) const;
  void place(const Scratch& scratch, Range first, Range second, bool pair, bool add_special,
             bool overflow, bool with_spans, Sequence& out) const;

  const TextTokenizer& tokenizer_;
  Frames frames_;
  bool single_typed_, pair_typed_;  // whether a frame has a type id other than 0
};

// The tokens to keep of sequences of n1 and n2 tokens (n2 = 0: no pair) within max_length, as
// `tokenizers` divides them. Throws an input error where the strategy can't.
std::pair<int64_t, int64_t> kept(int64_t n1, int64_t n2, bool pair, int64_t max_length,
                                 Strategy strategy);

// The windows of at most `keep` tokens over a text of n, each sharing `stride` tokens with the one
// before it; the first is the one to keep. Throws an input error where that makes no headway.
std::vector<Range> parts(int64_t n, int64_t keep, int64_t stride, Side side);

}  // namespace bertie
