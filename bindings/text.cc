#include "module.h"

#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include "runtime/error.h"
#include "text/batch.h"
#include "text/unicode.h"
#include "text/utf8.h"

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

std::vector<std::string_view> texts_of(nb::handle list, const std::string& name) {
  std::vector<std::string_view> texts;
  const size_t count = nb::len(list);
  texts.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    PyObject* item = PyTuple_GetItem(list.ptr(), static_cast<Py_ssize_t>(i));
    if (PyUnicode_Check(item)) {
      Py_ssize_t size = 0;
      if (const char* bytes = PyUnicode_AsUTF8AndSize(item, &size)) {
        texts.emplace_back(bytes, static_cast<size_t>(size));
        continue;
      }
      PyErr_Clear();
    }
    texts.push_back(text_of(item, name + "[" + std::to_string(i) + "]"));
  }
  return texts;
}

using Array = nb::ndarray<nb::numpy, int32_t, nb::ndim<1>>;

Array to_array(std::unique_ptr<int32_t[]> data, int64_t size) {
  int32_t* raw = data.release();
  nb::capsule owner(raw, [](void* p) noexcept { delete[] static_cast<int32_t*>(p); });
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
  PyTokenizer(const std::vector<std::optional<std::string>>& tokens,
              const std::vector<AddedRow>& added, bool clean_text, bool cjk_spacing,
              bool strip_accents, bool lower, std::string prefix, int32_t unknown,
              uint64_t max_chars, const std::vector<FrameRow>& single,
              const std::vector<FrameRow>& pair)
      : tokenizer_(tokens, added_tokens(added),
                   {{clean_text, cjk_spacing, strip_accents, lower}, std::move(prefix), unknown,
                    max_chars}),
        sequencer_(tokenizer_, {frame(single), frame(pair)}) {}

  nb::tuple encode(nb::handle text, nb::handle pair, bool add_special, int64_t max_length,
                   bool left) const {
    const std::string_view first = text_of(text, "text");
    std::string_view second;
    if (!pair.is_none()) second = text_of(pair, "pair");
    Sequence sequence;
    int64_t truncated;
    {
      nb::gil_scoped_release released;
      auto lease = tokenizer_.lease();
      Sequencer::Scratch scratch;
      truncated = sequencer_.append(first, pair.is_none() ? nullptr : &second, add_special,
                                    limits(max_length, left), true, *lease, scratch, sequence);
    }
    nb::list ids, type_ids, offsets, word_ids, special;
    for (size_t i = 0; i < sequence.ids.size(); ++i) {
      const Span& span = sequence.spans[i];
      const bool framing = sequence.sequences[i] < 0;
      ids.append(sequence.ids[i]);
      type_ids.append(sequence.type_ids[i]);
      offsets.append(nb::make_tuple(span.begin, span.end));
      word_ids.append(framing ? nb::object(nb::none()) : nb::object(nb::int_(span.word)));
      special.append(nb::int_(framing));
    }
    return nb::make_tuple(ids, type_ids, offsets, word_ids, special, truncated);
  }

  nb::tuple encode_batch(nb::tuple texts, std::optional<nb::tuple> pairs, bool add_special,
                         int64_t max_length, bool left, int threads) {
    const auto first = texts_of(texts, "texts");
    std::vector<std::string_view> second;
    if (pairs) second = texts_of(*pairs, "pairs");
    PackedBatch batch;
    {
      nb::gil_scoped_release released;
      batch = bertie::encode_batch(tokenizer_, sequencer_, first, second, add_special,
                                   limits(max_length, left), pool_for(first, threads));
    }
    return nb::make_tuple(to_array(std::move(batch.ids), batch.tokens),
                          to_array(std::move(batch.type_ids), batch.tokens),
                          to_array(std::move(batch.lengths), batch.texts),
                          to_array(std::move(batch.truncated), batch.texts));
  }

  std::string normalize(nb::handle text) const { return tokenizer_.normalize(text_of(text, "text")); }

  nb::list words(nb::handle text) const {
    nb::list words;
    for (const Word& word : tokenizer_.words(text_of(text, "text"))) {
      words.append(nb::make_tuple(word.text, word.begin, word.end));
    }
    return words;
  }

 private:
  static Limits limits(int64_t max_length, bool left) {
    return {max_length, left ? Side::left : Side::right, Strategy::longest_first};
  }

  // Threads are woken only for work that is longer than waking them. 0: as many as there are cores.
  ThreadPool* pool_for(const std::vector<std::string_view>& texts, int threads) {
    if (threads == 0) threads = available_cores();
    if (threads == 1) return nullptr;
    constexpr size_t kWorthwhile = 1 << 14;  // bytes
    size_t bytes = 0;
    for (const auto text : texts) bytes += text.size();
    if (bytes < kWorthwhile) return nullptr;
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

}  // namespace

void bind_text(nb::module_& m) {
  m.attr("UNICODE_VERSION") = unicode::version;
  nb::class_<PyTokenizer>(m, "TextTokenizer")
      .def(nb::init<const std::vector<std::optional<std::string>>&, const std::vector<AddedRow>&,
                    bool, bool, bool, bool, std::string, int32_t, uint64_t,
                    const std::vector<FrameRow>&, const std::vector<FrameRow>&>(),
           "tokens"_a, "added"_a, "clean_text"_a, "cjk_spacing"_a, "strip_accents"_a, "lower"_a,
           "prefix"_a, "unknown"_a, "max_chars"_a, "single"_a, "pair"_a)
      .def("encode", &PyTokenizer::encode, "text"_a.none(), "pair"_a.none(), "add_special"_a,
           "max_length"_a, "left"_a)
      .def("encode_batch", &PyTokenizer::encode_batch, "texts"_a, "pairs"_a.none(), "add_special"_a,
           "max_length"_a, "left"_a, "threads"_a)
      .def("normalize", &PyTokenizer::normalize, "text"_a.none())
      .def("words", &PyTokenizer::words, "text"_a.none());
}

}  // namespace bertie
