#include "module.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "runtime/error.h"
#include "runtime/thread_pool.h"
#include "text/added_tokens.h"
#include "text/batch.h"
#include "text/numbers.h"
#include "text/sequence.h"
#include "text/token_buffer.h"
#include "text/unicode.h"
#include "text/utf8.h"
#include "text/vocab.h"
#include "text/windows.h"
#include "text/wordpiece.h"
#include "text/words.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace bertie {
namespace {

// The UTF-8 of a Python string, which the string keeps; anything else is an input error that
// begins with `name`.
std::string_view text_of(nb::handle object, const std::string& name) {
  if (!PyUnicode_Check(object.ptr())) {
    const auto type = nb::cast<std::string>(object.type().attr("__name__"));
    const std::string article = object.is_none() ? "None" : "of type " + type;
    const std::string hint =
        type == "bytes" ? "decode it first, as by .decode(\"utf-8\")" : "pass its text, or \"\"";
    throw Error(ErrorKind::input, name + " is " + article + ", expected str: " + hint);
  }
  Py_ssize_t size = 0;
  const char* bytes = PyUnicode_AsUTF8AndSize(object.ptr(), &size);
  if (bytes) return {bytes, static_cast<size_t>(size)};
  nb::python_error error;  // takes the UnicodeEncodeError
  nb::object where = error.value().attr("start");
  throw Error(ErrorKind::input,
              name + " has a lone surrogate at index " + nb::cast<std::string>(nb::str(where)) +
                  ", which is no character: fix the text's decoding, or replace it");
}

// The tokens of a list, which keeps them; None is an id without a token.
TokenNames names_of(const nb::list& tokens) {
  TokenNames names;
  names.reserve(nb::len(tokens));
  for (const nb::handle token : tokens) {
    if (token.is_none()) {
      names.emplace_back();
    } else {
      Py_ssize_t size = 0;
      const char* bytes =
          PyUnicode_Check(token.ptr()) ? PyUnicode_AsUTF8AndSize(token.ptr(), &size) : nullptr;
      if (!bytes) {
        PyErr_Clear();
        text_of(token, "token " + std::to_string(names.size()));  // says what is wrong
      }
      names.emplace_back(std::in_place, bytes, static_cast<size_t>(size));
    }
  }
  return names;
}

// The texts of a tuple, or with `split` the words of each member, a tuple too. Positions in
// complaints count from `base`; less than 0: there is but one.
struct Texts {
  std::vector<std::string_view> words;
  std::vector<Text> texts;
  size_t bytes = 0;
};

Texts texts_of(nb::tuple members, const std::string& name, bool split, int64_t base = 0) {
  Texts all;
  const size_t count = nb::len(members);
  all.texts.reserve(count);
  const auto member_at = [&](size_t i) {
    return PyTuple_GetItem(members.ptr(), static_cast<Py_ssize_t>(i));
  };
  // Where strings lie the processor can't foresee, and to fetch one takes longer than all the rest.
  constexpr size_t kAhead = 12;
  std::vector<size_t> ends;
  for (size_t i = 0; i < count; ++i) {
    const nb::handle member = member_at(i);
    if (i + kAhead < count) __builtin_prefetch(member_at(i + kAhead));
    const auto where = [&] {  // a lone text has no position
      return base < 0 ? name : name + "[" + std::to_string(base + static_cast<int64_t>(i)) + "]";
    };
    if (!split) {
      Py_ssize_t size = 0;
      const char* bytes =
          PyUnicode_Check(member.ptr()) ? PyUnicode_AsUTF8AndSize(member.ptr(), &size) : nullptr;
      if (!bytes) {
        PyErr_Clear();
        text_of(member, where());  // says what is wrong
      }
      all.texts.push_back({{bytes, static_cast<size_t>(size)}, {}, false});
      all.bytes += static_cast<size_t>(size);
      continue;
    }
    const auto words = nb::borrow<nb::tuple>(member);  // the caller of this module made it one
    for (size_t word = 0; word < nb::len(words); ++word) {
      all.words.push_back(text_of(words[word], where() + "[" + std::to_string(word) + "]"));
      all.bytes += all.words.back().size();
    }
    ends.push_back(all.words.size());
  }
  size_t begin = 0;
  for (const size_t end : ends) {
    all.texts.push_back({{}, {all.words.data() + begin, end - begin}, true});
    begin = end;
  }
  return all;
}

using Array = nb::ndarray<nb::numpy, int32_t, nb::ndim<1>>;

Array to_array(Numbers data, int64_t size) {
  int32_t* raw = data.release();
  nb::capsule owner(raw, [](void* p) noexcept { std::free(p); });
  return Array(raw, {static_cast<size_t>(size)}, owner);
}

// (content, id, single_word, lstrip, rstrip, normalized)
using AddedRow = std::tuple<std::string, int32_t, bool, bool, bool, bool>;
// (0: special, 1: first text, 2: second text; id; type id)
using FrameRow = std::tuple<int, int32_t, int32_t>;

std::vector<AddedToken> added_tokens(const std::vector<AddedRow>& rows) {
  std::vector<AddedToken> tokens;
  for (const auto& [content, id, single_word, lstrip, rstrip, normalized] : rows) {
    tokens.push_back({content, id, single_word, lstrip, rstrip, normalized});
  }
  return tokens;
}

std::vector<FrameItem> frame(const std::vector<FrameRow>& rows) {
  std::vector<FrameItem> items;
  for (const auto& [kind, id, type_id] : rows) {
    items.push_back({static_cast<FrameItem::Kind>(kind), id, type_id});
  }
  return items;
}

// What src/bertie/tokenize/tokenizer.py calls: a TextTokenizer, its frames and its threads.
class PyTokenizer {
 public:
  PyTokenizer(const nb::list& tokens, const std::vector<AddedRow>& added, bool clean_text,
              bool cjk_spacing, bool strip_accents, bool lower, std::string prefix, int32_t unknown,
              uint64_t max_chars, const std::vector<FrameRow>& single,
              const std::vector<FrameRow>& pair)
      : tokenizer_(names_of(tokens), added_tokens(added),
                   {{clean_text, cjk_spacing, strip_accents, lower},
                    std::move(prefix),
                    unknown,
                    max_chars}),
        sequencer_(tokenizer_, {frame(single), frame(pair)}) {}

  // A list of windows, of one without a stride: (ids, type ids, offsets, word ids, special mask).
  // texts and pairs hold one text or none, as encode_batch takes them.
  nb::tuple encode(nb::tuple texts, std::optional<nb::tuple> pairs, bool split, bool add_special,
                   int64_t max_length, bool left, int strategy, int64_t stride, bool all) const {
    const Texts first = texts_of(texts, "text", split, -1);
    const Texts second = pairs ? texts_of(*pairs, "pair", split, -1) : Texts{};
    const Text* pair = pairs ? &second.texts[0] : nullptr;
    const Limits limit = limits(max_length, left, strategy, stride);
    Sequence tokens;
    Buffer<int32_t> lengths;
    int64_t truncated = 0;
    {
      nb::gil_scoped_release released;
      auto lease = tokenizer_.lease();
      Sequencer::Scratch scratch;
      if (all) {
        sequencer_.windows(first.texts[0], pair, add_special, limit, *lease, scratch, tokens,
                           lengths);
      } else {
        truncated = sequencer_.append(first.texts[0], pair, add_special, limit, true, *lease,
                                      scratch, tokens);
        lengths.push_back(static_cast<int32_t>(tokens.ids.size()));
      }
    }
    nb::list rows;
    size_t begin = 0;
    for (const int32_t length : lengths) {
      rows.append(row(tokens, begin, begin + static_cast<size_t>(length)));
      begin += static_cast<size_t>(length);
    }
    return nb::make_tuple(rows, truncated);
  }

  nb::tuple encode_batch(nb::tuple texts, std::optional<nb::tuple> pairs, bool split,
                         bool add_special, int64_t max_length, bool left, int strategy, int threads,
                         int64_t base) {
    const Texts first = texts_of(texts, "texts", split, base);
    const Texts second = pairs ? texts_of(*pairs, "pairs", split, base) : Texts{};
    PackedBatch batch;
    {
      nb::gil_scoped_release released;
      batch = bertie::encode_batch(tokenizer_, sequencer_, first.texts, second.texts, add_special,
                                   limits(max_length, left, strategy, 0), base,
                                   pool_for(first.bytes + second.bytes, threads));
    }
    return nb::make_tuple(to_array(std::move(batch.ids), batch.tokens),
                          to_array(std::move(batch.type_ids), batch.tokens),
                          to_array(std::move(batch.lengths), batch.texts),
                          to_array(std::move(batch.truncated), batch.texts));
  }

  // (ids, type ids, lengths, texts, offsets, word ids, sequences)
  nb::tuple encode_windows(nb::tuple texts, std::optional<nb::tuple> pairs, bool split,
                           bool add_special, int64_t max_length, bool left, int strategy,
                           int64_t stride, int threads) {
    const Texts first = texts_of(texts, "texts", split);
    const Texts second = pairs ? texts_of(*pairs, "pairs", split) : Texts{};
    PackedWindows all;
    {
      nb::gil_scoped_release released;
      all = bertie::encode_windows(tokenizer_, sequencer_, first.texts, second.texts, add_special,
                                   limits(max_length, left, strategy, stride), 0,
                                   pool_for(first.bytes + second.bytes, threads));
    }
    return nb::make_tuple(
        to_array(std::move(all.ids), all.tokens), to_array(std::move(all.type_ids), all.tokens),
        to_array(std::move(all.lengths), all.windows), to_array(std::move(all.texts), all.windows),
        to_array(std::move(all.offsets), 2 * all.tokens),
        to_array(std::move(all.word_ids), all.tokens),
        to_array(std::move(all.sequences), all.tokens));
  }

  // What benchmarks/tokenizer.py asks: the core's time for texts on one thread, in seconds.
  double seconds(nb::tuple texts, bool with_offsets) const {
    const Texts all = texts_of(texts, "texts", false);
    auto lease = tokenizer_.lease();
    Tokens tokens;
    const auto begin = std::chrono::steady_clock::now();
    for (const Text& text : all.texts) {
      tokens.ids.clear();
      tokens.spans.clear();
      tokenizer_.tokenize(text.whole, with_offsets, *lease, tokens);
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

 private:
  static Limits limits(int64_t max_length, bool left, int strategy, int64_t stride) {
    return {max_length, left ? Side::left : Side::right, static_cast<Strategy>(strategy), stride};
  }

  static nb::tuple row(const Sequence& sequence, size_t begin, size_t end) {
    nb::list ids, type_ids, offsets, word_ids, special;
    for (size_t i = begin; i < end; ++i) {
      const Span& span = sequence.spans[i];
      const bool framing = sequence.sequences[i] < 0;
      ids.append(sequence.ids[i]);
      type_ids.append(sequence.type_ids[i]);
      offsets.append(nb::make_tuple(span.begin, span.end));
      word_ids.append(framing ? nb::object(nb::none()) : nb::object(nb::int_(span.word)));
      special.append(framing ? 1 : 0);
    }
    return nb::make_tuple(ids, type_ids, offsets, word_ids, special);
  }

  // Threads are woken only for work that is longer than waking them. 0: as many as there are cores.
  ThreadPool* pool_for(size_t bytes, int threads) {
    if (threads == 0) threads = available_cores();
    constexpr size_t kWorthwhile = 1 << 14;  // bytes
    if (threads == 1 || bytes < kWorthwhile) return nullptr;
    std::lock_guard lock(pools_mutex_);
    for (const auto& pool : pools_) {
      if (pool->size() == threads) return pool.get();
    }
    pools_.push_back(std::make_unique<ThreadPool>(threads));
    return pools_.back().get();
  }

  TextTokenizer tokenizer_;
  Sequencer sequencer_;
  std::mutex pools_mutex_;
  std::vector<std::unique_ptr<ThreadPool>> pools_;  // one for each count of threads asked for
};

// What src/bertie/tokenize/basic.py calls.
class PyNormalizer {
 public:
  PyNormalizer(bool clean_text, bool cjk_spacing, bool strip_accents, bool lower)
      : normalizer_({clean_text, cjk_spacing, strip_accents, lower}) {}

  std::string normalize(nb::handle text) const { return normalizer_.run(text_of(text, "text")); }

  nb::list words(nb::handle text) const {
    nb::list rows;
    for (const Word& word : bertie::words(normalizer_, text_of(text, "text"))) {
      rows.append(nb::make_tuple(word.text, nb::make_tuple(word.begin, word.end)));
    }
    return rows;
  }

 private:
  Normalizer normalizer_;
};

// What src/bertie/tokenize/wordpiece.py calls; -1 stands for an unknown word.
class PyWordPiece {
 public:
  PyWordPiece(const nb::list& tokens, const std::string& prefix, uint64_t max_chars)
      : vocab_(names_of(tokens), prefix), wordpiece_(vocab_, -1, max_chars) {}

  std::vector<int32_t> split(nb::handle word) const {
    const std::string_view text = text_of(word, "word");
    std::vector<Piece> pieces;
    std::vector<uint64_t> hashes;
    wordpiece_.split(text, utf8::count(text), pieces, hashes);
    std::vector<int32_t> ids;
    for (const Piece& piece : pieces) ids.push_back(piece.id);
    return ids;
  }

 private:
  Vocab vocab_;
  WordPiece wordpiece_;
};

}  // namespace

void bind_text(nb::module_& m) {
  m.attr("UNICODE_VERSION") = unicode::version;
  nb::class_<PyTokenizer>(m, "TextTokenizer")
      .def(nb::init<const nb::list&, const std::vector<AddedRow>&, bool, bool, bool, bool,
                    std::string, int32_t, uint64_t, const std::vector<FrameRow>&,
                    const std::vector<FrameRow>&>(),
           "tokens"_a, "added"_a, "clean_text"_a, "cjk_spacing"_a, "strip_accents"_a, "lower"_a,
           "prefix"_a, "unknown"_a, "max_chars"_a, "single"_a, "pair"_a)
      .def("encode", &PyTokenizer::encode, "texts"_a, "pairs"_a.none(), "split"_a, "add_special"_a,
           "max_length"_a, "left"_a, "strategy"_a, "stride"_a, "all"_a)
      .def("encode_batch", &PyTokenizer::encode_batch, "texts"_a, "pairs"_a.none(), "split"_a,
           "add_special"_a, "max_length"_a, "left"_a, "strategy"_a, "threads"_a, "base"_a)
      .def("encode_windows", &PyTokenizer::encode_windows, "texts"_a, "pairs"_a.none(), "split"_a,
           "add_special"_a, "max_length"_a, "left"_a, "strategy"_a, "stride"_a, "threads"_a)
      .def("seconds", &PyTokenizer::seconds, "texts"_a, "with_offsets"_a);
  nb::class_<PyNormalizer>(m, "Normalizer")
      .def(nb::init<bool, bool, bool, bool>(), "clean_text"_a, "cjk_spacing"_a, "strip_accents"_a,
           "lower"_a)
      .def("normalize", &PyNormalizer::normalize, "text"_a.none())
      .def("words", &PyNormalizer::words, "text"_a.none());
  nb::class_<PyWordPiece>(m, "WordPiece")
      .def(nb::init<const nb::list&, const std::string&, uint64_t>(), "tokens"_a, "prefix"_a,
           "max_chars"_a)
      .def("split", &PyWordPiece::split, "word"_a.none());
}

}  // namespace bertie
