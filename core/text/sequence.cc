#include "text/sequence.h"

#include <algorithm>
#include <string>

#include "runtime/error.h"

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

int64_t Sequencer::added(bool pair) const {
  const auto& frame = pair ? frames_.pair : frames_.single;
  return std::count_if(frame.begin(), frame.end(),
                       [](const FrameItem& item) { return item.kind == FrameItem::special; });
}

int64_t Sequencer::append(std::string_view text, const std::string_view* pair, bool add_special,
                          const Limits& limits, bool with_spans, TokenizerScratch& words,
                          Scratch& scratch, Sequence& out) const {
  const auto tokenize = [&](std::string_view source, Tokens& tokens) {
    tokens.ids.clear();
    tokens.spans.clear();
    tokenizer_.tokenize(source, with_spans, words, tokens);
    return static_cast<int64_t>(tokens.ids.size());
  };
  const int64_t n1 = tokenize(text, scratch.first);
  const int64_t n2 = pair ? tokenize(*pair, scratch.second) : 0;
  int64_t keep1 = n1, keep2 = n2;
  if (limits.max_length >= 0) {
    const int64_t room = limits.max_length - (add_special ? added(pair != nullptr) : 0);
    if (room < 0) {
      throw Error(ErrorKind::input, "max_length is " + std::to_string(limits.max_length) +
                                        ", expected at least " +
                                        std::to_string(limits.max_length - room) +
                                        " for the special tokens: raise it");
    }
    std::tie(keep1, keep2) = kept(n1, n2, pair != nullptr, room, limits.strategy);
  }
  const auto place = [&](const Tokens& tokens, int64_t keep, const FrameItem& item, int8_t which) {
    const auto all = static_cast<int64_t>(tokens.ids.size());
    const int64_t begin = limits.side == Side::right ? 0 : all - keep;
    out.ids.insert(out.ids.end(), tokens.ids.begin() + begin, tokens.ids.begin() + begin + keep);
    out.type_ids.insert(out.type_ids.end(), keep, item.type_id);
    if (!with_spans) return;
    out.spans.insert(out.spans.end(), tokens.spans.begin() + begin,
                     tokens.spans.begin() + begin + keep);
    out.sequences.insert(out.sequences.end(), keep, which);
  };
  for (const FrameItem& item : pair ? frames_.pair : frames_.single) {
    if (item.kind == FrameItem::first) {
      place(scratch.first, keep1, item, 0);
    } else if (item.kind == FrameItem::second) {
      place(scratch.second, keep2, item, 1);
    } else if (add_special) {
      out.ids.push_back(item.id);
      out.type_ids.push_back(item.type_id);
      if (with_spans) {
        out.spans.push_back({0, 0, 0});
        out.sequences.push_back(-1);
      }
    }
  }
  return n1 + n2 - keep1 - keep2;
}

}  // namespace bertie
