#include "text/sequence.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "runtime/error.h"
#include "text/token_buffer.h"
#include "text/tokenizer.h"

namespace bertie {

std::pair<int64_t, int64_t> kept(int64_t n1, int64_t n2, bool pair, int64_t max_length,
                                 Strategy strategy) {
  if (max_length == 0) return {0, 0};
  const int64_t excess = n1 + n2 - max_length;
  if (excess <= 0) return {n1, n2};
  if (strategy == Strategy::longest_first) {
    if (!pair) return {max_length, 0};
    // The shorter stays whole where it can; else they share alike, the longer taking an odd one.
    const int64_t shorter = std::min(n1, n2);
    int64_t a = shorter;
    int64_t b = shorter > max_length ? shorter : std::max(shorter, max_length - shorter);
    if (a + b > max_length) {
      a = max_length / 2;
      b = a + max_length % 2;
    }
    return n1 > n2 ? std::pair{b, a} : std::pair{a, b};
  }
  const bool first = strategy == Strategy::only_first;
  if (!first && !pair) {
    throw Error(ErrorKind::input,
                "strategy \"only_second\" without a second text: give pairs, or another strategy");
  }
  int64_t& target = first ? n1 : n2;
  if (target <= excess) {
    throw Error(ErrorKind::input,
                "the " + std::string(first ? "first" : "second") + " text has " +
                    std::to_string(target) + " tokens and " + std::to_string(excess) +
                    " must go: raise max_length or use strategy \"longest_first\"");
  }
  target -= excess;
  return {n1, n2};
}

std::vector<Range> parts(int64_t n, int64_t keep, int64_t stride, Side side) {
  if (keep >= n) return {{0, n}};
  if (keep == 0) return {{0, 0}, {0, n}};
  if (stride >= keep) {
    throw Error(ErrorKind::input, "stride is " + std::to_string(stride) + ", and only " +
                                      std::to_string(keep) +
                                      " tokens of a text fit into a window: lower the stride, or "
                                      "raise max_length");
  }
  std::vector<Range> windows;
  for (int64_t at = 0;; at += keep - stride) {
    const Range right{at, std::min(at + keep, n)};
    windows.push_back(side == Side::right ? right : Range{n - right.end, n - right.begin});
    if (right.end == n) return windows;
  }
}

Sequencer::Sequencer(const TextTokenizer& tokenizer, Frames frames)
    : tokenizer_(tokenizer), frames_(std::move(frames)) {
  const auto typed = [](const FrameItem& item) { return item.type_id != 0; };
  single_typed_ = std::any_of(frames_.single.begin(), frames_.single.end(), typed);
  pair_typed_ = std::any_of(frames_.pair.begin(), frames_.pair.end(), typed);
}

// Appends the tokens of a text.
void Sequencer::fill(const Text& text, bool with_spans, TokenizerScratch& words,
                     Tokens& tokens) const {
  if (text.split) {
    tokenizer_.tokenize_words(text.words, with_spans, words, tokens);
  } else {
    tokenizer_.tokenize(text.whole, with_spans, words, tokens);
  }
}

// Fills the scratch, and returns the tokens of each text.
std::pair<int64_t, int64_t> Sequencer::tokenize(const Text& text, const Text* pair, bool with_spans,
                                                TokenizerScratch& words, Scratch& scratch) const {
  scratch.first.clear();
  scratch.second.clear();
  fill(text, with_spans, words, scratch.first);
  if (pair) fill(*pair, with_spans, words, scratch.second);
  return {scratch.first.ids.size(), scratch.second.ids.size()};
}

// The tokens to keep of texts of n1 and n2 tokens, within limits that count special tokens.
std::pair<int64_t, int64_t> Sequencer::kept_of(int64_t n1, int64_t n2, bool pair, bool add_special,
                                               const Limits& limits) const {
  if (limits.max_length < 0) return {n1, n2};
  const auto& frame = pair ? frames_.pair : frames_.single;
  const int64_t special =
      !add_special ? 0 : std::count_if(frame.begin(), frame.end(), [](const FrameItem& item) {
        return item.kind == FrameItem::special;
      });
  if (limits.max_length < special) {
    throw Error(ErrorKind::input, "max_length is " + std::to_string(limits.max_length) +
                                      ", expected at least " + std::to_string(special) +
                                      " for the special tokens: raise it");
  }
  return kept(n1, n2, pair, limits.max_length - special, limits.strategy);
}

// `tokenizers` gives the frame's type ids to the tokens that it keeps; those that overflow have 0
// and 1, whatever the frame says.
void Sequencer::place(const Scratch& scratch, Range first, Range second, bool pair,
                      bool add_special, bool overflow, bool with_spans, Sequence& out) const {
  const bool typed = with_spans || (pair ? pair_typed_ : single_typed_);
  const auto text = [&](const Tokens& tokens, Range range, int8_t which, int32_t type_id) {
    const auto count = static_cast<size_t>(range.end - range.begin);
    out.ids.append(tokens.ids.data() + range.begin, count);
    if (typed) out.type_ids.append(count, type_id);
    if (!with_spans) return;
    out.spans.append(tokens.spans.data() + range.begin, count);
    out.sequences.append(count, which);
  };
  for (const FrameItem& item : pair ? frames_.pair : frames_.single) {
    if (item.kind == FrameItem::first) {
      text(scratch.first, first, 0, overflow ? 0 : item.type_id);
    } else if (item.kind == FrameItem::second) {
      text(scratch.second, second, 1, overflow ? 1 : item.type_id);
    } else if (add_special) {
      out.ids.push_back(item.id);
      if (typed) out.type_ids.push_back(item.type_id);
      if (with_spans) {
        out.spans.push_back({0, 0, 0});
        out.sequences.push_back(-1);
      }
    }
  }
}

// Appends a text without spans and type ids: its tokens are made right where they go.
int64_t Sequencer::append_alone(const Text& text, bool add_special, const Limits& limits,
                                TokenizerScratch& words, Scratch& scratch, Sequence& out) const {
  int64_t left_out = 0;
  for (const FrameItem& item : frames_.single) {
    if (item.kind == FrameItem::special) {
      if (add_special) out.ids.push_back(item.id);
      continue;
    }
    const size_t begin = out.ids.size();
    std::swap(scratch.first.ids, out.ids);
    fill(text, false, words, scratch.first);
    std::swap(scratch.first.ids, out.ids);
    const auto all = static_cast<int64_t>(out.ids.size() - begin);
    const int64_t keep = kept_of(all, 0, false, add_special, limits).first;
    left_out = all - keep;
    const size_t skip = limits.side == Side::left ? static_cast<size_t>(left_out) : 0;
    out.ids.keep(begin, begin + skip, static_cast<size_t>(keep));
  }
  return left_out;
}

int64_t Sequencer::append(const Text& text, const Text* pair, bool add_special,
                          const Limits& limits, bool with_spans, TokenizerScratch& words,
                          Scratch& scratch, Sequence& out) const {
  if (!pair && !with_spans && !single_typed_) {
    return append_alone(text, add_special, limits, words, scratch, out);
  }
  const auto [n1, n2] = tokenize(text, pair, with_spans, words, scratch);
  const auto [keep1, keep2] = kept_of(n1, n2, pair != nullptr, add_special, limits);
  const auto range = [&](int64_t n, int64_t keep) {
    return limits.side == Side::right ? Range{0, keep} : Range{n - keep, n};
  };
  place(scratch, range(n1, keep1), range(n2, keep2), pair, add_special, false, with_spans, out);
  return n1 + n2 - keep1 - keep2;
}

void Sequencer::windows(const Text& text, const Text* pair, bool add_special, const Limits& limits,
                        TokenizerScratch& words, Scratch& scratch, Sequence& out,
                        Buffer<int32_t>& lengths) const {
  const auto [n1, n2] = tokenize(text, pair, true, words, scratch);
  const auto [keep1, keep2] = kept_of(n1, n2, pair != nullptr, add_special, limits);
  const auto first = parts(n1, keep1, limits.stride, limits.side);
  const auto second = parts(n2, keep2, limits.stride, limits.side);
  const auto add = [&](Range a, Range b, bool overflow) {
    const size_t before = out.ids.size();
    place(scratch, a, b, pair, add_special, overflow, true, out);
    lengths.push_back(static_cast<int32_t>(out.ids.size() - before));
  };
  add(first[0], second[0], false);
  for (size_t i = 1; i < first.size(); ++i) {
    for (const Range& other : second) add(first[i], other, true);
  }
  for (size_t i = 1; i < second.size(); ++i) add(first[0], second[i], true);
}

}  // namespace bertie
