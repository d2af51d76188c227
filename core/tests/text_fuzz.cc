// A libFuzzer harness: any bytes as text, under any options, must be tokenized alike from a warm
// and a cold cache, with spans that lie in the text. scripts/fuzz.sh builds and runs it.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "text/added_tokens.h"
#include "text/sequence.h"
#include "text/token_buffer.h"
#include "text/tokenizer.h"
#include "text/vocab.h"
#include "text/words.h"

using namespace bertie;

namespace {

const TokenNames kTokens = {"[UNK]", "[CLS]", "[SEP]", "a",   "##a", "ab",   "##bc",
                            "the",   "##e",   "##ing", ",",   "[",   "中",   "é",
                            "e",     "##é",   "ᄀ",    "##ᅡ", "1",   "##23", "##",
                            "",      "z",     "##zz",  "b",   "##b", "c",    "##c"};

const std::vector<AddedToken> kAdded = {{"[CLS]", 1},
                                        {"<m>", 28, true, true, false, false},
                                        {" r", 29, false, false, true, false},
                                        {"Éa", 30, false, true, true, true},
                                        {"中", 31, true, false, false, true}};

const std::vector<AddedToken> kNone;

void require(bool holds) {
  if (!holds) std::abort();
}

Tokens tokenize(const TextTokenizer& tokenizer, std::string_view text) {
  Tokens tokens;
  auto lease = tokenizer.lease();
  tokenizer.tokenize(text, true, *lease, tokens);
  return tokens;
}

bool same(const Tokens& a, const Tokens& b) {
  if (a.ids.size() != b.ids.size() || a.spans.size() != b.spans.size()) return false;
  for (size_t i = 0; i < a.ids.size(); ++i) {
    if (a.ids[i] != b.ids[i] || a.spans[i].begin != b.spans[i].begin ||
        a.spans[i].end != b.spans[i].end || a.spans[i].word != b.spans[i].word) {
      return false;
    }
  }
  return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const uint8_t flags = data[0];
  const TokenizerOptions options{
      {bool(flags & 1), bool(flags & 2), bool(flags & 4), bool(flags & 8)},
      flags & 16 ? "##" : "",
      0,
      static_cast<uint64_t>(data[1] & 3 ? 100 : 5)};
  // One tokenizer for each set of options is kept warm; a cold one has to give the same.
  static std::unique_ptr<TextTokenizer> kept_warm[64 * 2];
  const auto& added = flags & 32 ? kAdded : kNone;
  auto& warm = kept_warm[(flags & 63) * 2 + (data[1] & 3 ? 1 : 0)];
  if (!warm) warm = std::make_unique<TextTokenizer>(kTokens, added, options);
  const TextTokenizer& tokenizer = *warm;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Tokens first = tokenize(tokenizer, text);
  require(same(first, tokenize(tokenizer, text)));
  if (data[1] % 16 == 0) {  // a cold one is slow to make
    require(same(first, tokenize(TextTokenizer(kTokens, added, options), text)));
  }
  for (const Span& span : first.spans) require(span.begin <= span.end && span.end <= text.size());

  Tokens without;
  {
    auto lease = tokenizer.lease();
    tokenizer.tokenize(text, false, *lease, without);
  }
  require(without.ids.size() == first.ids.size());
  words(tokenizer.normalizer(), text);

  const Sequencer sequencer(
      tokenizer,
      {{{FrameItem::special, 1, 0}, {FrameItem::first, 0, 0}, {FrameItem::special, 2, 0}},
       {{FrameItem::first, 0, 0}, {FrameItem::second, 0, 1}}});
  const Text whole{text, {}, false};
  Sequencer::Scratch scratch;
  Sequence windows;
  Buffer<int32_t> lengths;
  auto lease = tokenizer.lease();
  sequencer.windows(whole, nullptr, true, {8, Side::right, {}, 2}, *lease, scratch, windows,
                    lengths);
  require(windows.ids.size() >= first.ids.size() && windows.spans.size() == windows.ids.size());
  sequencer.windows(whole, &whole, false, {size % 2 ? -1 : 9, Side::left, {}, 1}, *lease, scratch,
                    windows, lengths);
  int64_t tokens = 0;
  for (const int32_t length : lengths) tokens += length;
  require(tokens == static_cast<int64_t>(windows.ids.size()));
  return 0;
}
