#include <doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/error.h"
#include "runtime/thread_pool.h"
#include "text/batch.h"
#include "text/normalizer.h"
#include "text/runs.h"
#include "text/sequence.h"
#include "text/token_buffer.h"
#include "text/tokenizer.h"
#include "text/utf8.h"
#include "text/vocab.h"
#include "text/windows.h"
#include "text/word_cache.h"

using namespace bertie;

namespace {

const TokenNames kTokens = {"[UNK]",
                            "[CLS]",
                            "[SEP]",
                            "hello",
                            "world",
                            "un",
                            "##aff",
                            "##able",
                            ",",
                            "中",
                            "a",
                            "##a",
                            "##b",
                            "e",
                            "##c",
                            "[x]",
                            "ᄀ",
                            "##ᅡ",
                            "abcdefghijklmnopqrstuvwxyzabcdefghij"};

Tokens tokenize(const TextTokenizer& tokenizer, std::string_view text) {
  Tokens tokens;
  auto lease = tokenizer.lease();
  tokenizer.tokenize(text, true, *lease, tokens);
  return tokens;
}

std::vector<int32_t> ids(const TextTokenizer& tokenizer, std::string_view text) {
  const Tokens tokens = tokenize(tokenizer, text);
  return {tokens.ids.begin(), tokens.ids.end()};
}

// Text of all kinds: words, marks, Hangul, Chinese, controls, and bytes that are no UTF-8.
std::string random_text(std::mt19937& random, bool well_formed) {
  const char* const parts[] = {"hello", " ",      "unaffable", ",",         "é",   "e\u0301",
                               "中",    "각",     "\u0344",    "a",         "aaa", "\t",
                               "İ",     "\u200b", "[x]",       "\U0001F600"};
  std::string text;
  for (size_t i = random() % 30; i > 0; --i) {
    text += parts[random() % std::size(parts)];
    if (!well_formed && random() % 4 == 0) text += static_cast<char>(random());
  }
  return text;
}

}  // namespace

TEST_CASE("UTF-8 is read as it is written") {
  for (const char32_t point : {0x41u, 0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xFFFFu, 0x10000u, 0x10FFFFu}) {
    std::string text;
    utf8::append(text, point);
    size_t at = 0;
    CHECK(utf8::next(text, at) == point);
    CHECK(at == text.size());
    CHECK(utf8::before(text, at) == point);
    CHECK(utf8::count(text) == 1);
  }
}

TEST_CASE("malformed UTF-8 is read without going past the end") {
  for (const std::string text : {"\x80", "\xC3", "\xE4\xB8", "\xF0\x9F\x98", "\xFF", "\xC3x"}) {
    for (size_t at = 0; at < text.size();) utf8::next(text, at);
  }
}

TEST_CASE("marks come into canonical order, however many they are") {
  const Normalizer normalizer({.clean_text = false, .cjk_spacing = false, .lower = false});
  // Spacing marks of classes 224 and 216, which stripping keeps.
  CHECK(normalizer.run("a\u302E\U0001D165") == "a\U0001D165\u302E");
  std::string text = "a", sorted = "a";
  for (int i = 0; i < 1000; ++i) text += "\u302E\U0001D165";
  for (int i = 0; i < 1000; ++i) sorted += "\U0001D165";
  for (int i = 0; i < 1000; ++i) sorted += "\u302E";
  CHECK(normalizer.run(text) == sorted);
}

TEST_CASE("words are split into the longest pieces, and say where they are") {
  const TextTokenizer tokenizer(kTokens, {{"[x]", 15}}, {});
  CHECK(ids(tokenizer, "Hello, unaffable WORLD") == std::vector<int32_t>{3, 8, 5, 6, 7, 4});
  const Tokens tokens = tokenize(tokenizer, "é unaffable[x]中각");
  CHECK(std::vector<int32_t>(tokens.ids.begin(), tokens.ids.end()) ==
        std::vector<int32_t>{13, 5, 6, 7, 15, 9, 0});
  CHECK(tokens.spans[2].begin == 4);
  CHECK(tokens.spans[2].end == 7);
  CHECK(tokens.spans[4].word == 2);
  CHECK(tokens.spans[5].begin == 14);
  CHECK(tokens.spans[6].end == 16);
}

TEST_CASE("words of every length are found, at the end of a text and before it") {
  for (size_t length = 1; length <= 40; ++length) {
    const std::string word(length, 'a');
    const TextTokenizer tokenizer(kTokens, {}, {});
    CHECK(ids(tokenizer, word).size() == length);
    CHECK(ids(tokenizer, word + " hello").size() == length + 1);
    CHECK(ids(tokenizer, "hello," + word).size() == length + 2);
    CHECK(tokenize(tokenizer, word).spans[length - 1].end == length);
  }
}

TEST_CASE("letters, digits and spaces are found at every place of texts of every length") {
  std::mt19937 random(3);
  const std::string bytes = "aZ0 @[`{/:,\t\x80\xC1\xE1\xFF";
  Runs runs;
  for (size_t size = 0; size < 80; ++size) {
    std::string text;
    while (text.size() < size) text += random() % 3 ? 'Q' : bytes[random() % bytes.size()];
    runs.read(text, size % 2 == 0);
    for (size_t at = 0; at < size; ++at) {
      const char byte = text[at];
      const bool small = byte >= 'a' && byte <= 'z', capital = byte >= 'A' && byte <= 'Z';
      CHECK((runs.plain_at(at) & 1) == (small || capital || (byte >= '0' && byte <= '9')));
      CHECK((runs.space_at(at) & 1) == (byte == ' '));
      const char kept = capital && size % 2 == 0 ? static_cast<char>(byte | 0x20) : byte;
      CHECK(runs.byte(at) == static_cast<unsigned char>(kept));
      if (size - at < 57) CHECK((runs.plain_at(at) >> (size - at)) == 0);
    }
    CHECK(runs.byte(size) == ' ');
  }
  runs.read("Hello", true);
  CHECK(runs.word_at(0, 5) == ShortWord{0x6F6C6C6568, 0});
  CHECK(runs.word_at(1, 1) == ShortWord{0x65, 0});
}

TEST_CASE("words that share a place in the cache are all kept while there is room") {
  WordCache cache;
  const uint64_t hash = uint64_t{77} << 50;
  for (uint64_t i = 1; i <= 4; ++i) {
    ShortEntry& entry = cache.words.add(hash);
    CHECK(entry.empty());
    entry.word = {i, 0};
    entry.ids[0] = static_cast<int32_t>(i);
  }
  for (int round = 0; round < 2; ++round) {
    for (uint64_t i = 1; i <= 4; ++i) {
      const ShortEntry* entry = cache.words.find(hash, ShortWord{i, 0});
      REQUIRE(entry);
      CHECK(entry->ids[0] == static_cast<int32_t>(i));
    }
  }
  cache.words.add(hash).word = {5, 0};
  CHECK(cache.words.find(hash, ShortWord{5, 0}));
  CHECK_FALSE(cache.words.find(hash, ShortWord{6, 0}));
}

TEST_CASE("a cached word gives the same tokens as a new one") {
  std::mt19937 random(1);
  const TextTokenizer warm(kTokens, {{"[x]", 15}}, {});
  for (int i = 0; i < 300; ++i) {
    const std::string text = random_text(random, i % 2 == 0);
    const TextTokenizer cold(kTokens, {{"[x]", 15}}, {});
    const Tokens first = tokenize(warm, text), again = tokenize(warm, text),
                 fresh = tokenize(cold, text);
    REQUIRE(first.ids.size() == fresh.ids.size());
    REQUIRE(again.ids.size() == fresh.ids.size());
    for (size_t t = 0; t < fresh.ids.size(); ++t) {
      CHECK(first.ids[t] == fresh.ids[t]);
      CHECK(again.ids[t] == fresh.ids[t]);
      CHECK(again.spans[t].begin == fresh.spans[t].begin);
      CHECK(again.spans[t].end == fresh.spans[t].end);
      CHECK(again.spans[t].word == fresh.spans[t].word);
    }
  }
}

TEST_CASE("a batch is its texts one after another, on any number of threads") {
  const TextTokenizer tokenizer(kTokens, {}, {});
  const Sequencer sequencer(
      tokenizer,
      {{{FrameItem::special, 1, 0}, {FrameItem::first, 0, 0}, {FrameItem::special, 2, 0}}, {}});
  std::mt19937 random(2);
  std::vector<std::string> sources;
  for (int i = 0; i < 500; ++i) sources.push_back(random_text(random, true));
  std::vector<Text> texts;
  for (const auto& source : sources) texts.push_back({source, {}, false});
  const PackedBatch alone = encode_batch(tokenizer, sequencer, texts, {}, true, {}, 0, nullptr);
  ThreadPool pool(3);
  const PackedBatch together = encode_batch(tokenizer, sequencer, texts, {}, true, {}, 0, &pool);
  REQUIRE(alone.tokens == together.tokens);
  CHECK(std::equal(alone.ids.get(), alone.ids.get() + alone.tokens, together.ids.get()));
  int64_t at = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto single = ids(tokenizer, sources[i]);
    REQUIRE(alone.lengths[i] == static_cast<int32_t>(single.size()) + 2);
    CHECK(std::equal(single.begin(), single.end(), alone.ids.get() + at + 1));
    at += alone.lengths[i];
  }
}

TEST_CASE("windows of many texts follow one another, on any number of threads") {
  const TextTokenizer tokenizer(kTokens, {}, {});
  const Sequencer sequencer(tokenizer,
                            {{{FrameItem::special, 1, 0}, {FrameItem::first, 0, 0}}, {}});
  std::vector<std::string> sources;
  for (int i = 0; i < 100; ++i) {
    sources.emplace_back();
    for (int word = 0; word < i % 7; ++word) sources.back() += "hello ";
  }
  std::vector<Text> texts;
  for (const auto& source : sources) texts.push_back({source, {}, false});
  const Limits limits{4, Side::right, Strategy::longest_first, 1};  // three words, one shared
  ThreadPool pool(3);
  for (ThreadPool* threads : {static_cast<ThreadPool*>(nullptr), &pool}) {
    const PackedWindows all =
        encode_windows(tokenizer, sequencer, texts, {}, true, limits, 0, threads);
    int64_t window = 0, token = 0;
    for (int i = 0; i < 100; ++i) {
      const int words = i % 7, windows = words <= 3 ? 1 : words <= 5 ? 2 : 3;
      for (int part = 0; part < windows; ++part, ++window) {
        CHECK(all.texts[window] == i);
        CHECK(all.lengths[window] == 1 + std::min(3, words - 2 * part));
        CHECK(all.ids[token] == 1);
        CHECK(all.sequences[token] == -1);
        CHECK(all.word_ids[token] == -1);
        for (int word = 1; word < all.lengths[window]; ++word) {
          CHECK(all.word_ids[token + word] == 2 * part + word - 1);
          CHECK(all.offsets[2 * (token + word)] == 6 * (2 * part + word - 1));
        }
        token += all.lengths[window];
      }
    }
    CHECK(window == all.windows);
    CHECK(token == all.tokens);
  }
  CHECK_THROWS_WITH_AS(
      encode_windows(tokenizer, sequencer, texts, {}, true, {4, {}, {}, 3}, 0, nullptr),
      doctest::Contains("texts[4]: stride is 3"), Error);
}

TEST_CASE("lengths are shared as tokenizers shares them") {
  using Kept = std::pair<int64_t, int64_t>;
  constexpr auto kLongest = Strategy::longest_first;
  CHECK(kept(2, 8, true, 7, kLongest) == Kept{2, 5});
  CHECK(kept(8, 2, true, 7, kLongest) == Kept{5, 2});
  CHECK(kept(8, 8, true, 7, kLongest) == Kept{3, 4});
  CHECK(kept(8, 4, true, 7, kLongest) == Kept{4, 3});
  CHECK(kept(8, 8, true, 0, kLongest) == Kept{0, 0});
  CHECK(kept(4, 4, true, 6, Strategy::only_first) == Kept{2, 4});
  CHECK_THROWS_AS(kept(2, 8, true, 7, Strategy::only_first), Error);
  CHECK_THROWS_AS(kept(9, 0, false, 7, Strategy::only_second), Error);
}

TEST_CASE("a stride as long as the window is refused") {
  CHECK(parts(5, 3, 1, Side::right).size() == 2);
  CHECK(parts(5, 3, 1, Side::left)[0].begin == 2);
  CHECK_THROWS_AS(parts(5, 3, 3, Side::right), Error);
}

TEST_CASE("threads share a tokenizer") {
  const TextTokenizer tokenizer(kTokens, {}, {});
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 200; ++round) CHECK(ids(tokenizer, "hello world").size() == 2);
    });
  }
  for (auto& thread : threads) thread.join();
}
