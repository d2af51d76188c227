#include "text/normalizer.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/unicode.h"
#include "text/utf8.h"

namespace bertie {
namespace {

// Decodes, cleans and spaces, which need no neighbours.
void read(std::string_view text, uint32_t origin, const NormalizerOptions& options,
          std::vector<Char>& out) {
  for (size_t at = 0; at < text.size(); ++origin) {
    char32_t point = utf8::next(text, at);
    const uint16_t flags = unicode::record(point);
    if (options.clean_text) {
      if (flags & unicode::control) continue;
      if (flags & unicode::space) point = ' ';
    }
    const bool spaced = options.cjk_spacing && (flags & unicode::ideograph);
    if (spaced) out.push_back({' ', origin});
    out.push_back({point, origin});
    if (spaced) out.push_back({' ', origin});
  }
}

// Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
bool decompose_hangul(Char syllable, std::vector<Char>& out) {
  constexpr char32_t kFirst = 0xAC00, kCount = 11172;
  const char32_t index = syllable.point - kFirst;
  if (index >= kCount) return false;
  out.push_back({0x1100 + index / 588, syllable.origin});
  out.push_back({0x1161 + index % 588 / 28, syllable.origin});
  if (index % 28 != 0) out.push_back({0x11A7 + index % 28, syllable.origin});
  return true;
}

// Sorts a run of marks by combining class, equal ones in their order: a counting sort, because
// hostile text has runs of any length.
void sort_marks(Char* begin, size_t count, std::vector<Char>& spare) {
  spare.assign(begin, begin + count);
  std::array<size_t, 257> starts{};
  for (const Char& c : spare) ++starts[unicode::combining_class(c.point) + 1];
  for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
  for (const Char& c : spare) begin[starts[unicode::combining_class(c.point)]++] = c;
}

// Puts runs of marks into canonical order. The code points move; where they come from is settled
// as `tokenizers` does it: the first code point of each decomposition, wherever it ends up, takes
// the next character of the text in turn, and the others share that of the one before them.
// A decomposition's first code point carries kFirst in `origin` until then.
constexpr uint32_t kFirst = 0x80000000;

void reorder(std::vector<Char>& chars, std::vector<Char>& spare) {
  for (size_t i = 0; i < chars.size(); ++i) {
    if (unicode::combining_class(chars[i].point) == 0) continue;
    const size_t begin = i;
    bool sorted = true;
    int last = 0;
    for (; i < chars.size(); ++i) {
      const int order = unicode::combining_class(chars[i].point);
      if (order == 0) break;
      sorted = sorted && last <= order;
      last = order;
    }
    if (!sorted) sort_marks(&chars[begin], i - begin, spare);
  }
}

void strip_accents(std::vector<Char>& chars, std::vector<Char>& out, std::vector<Char>& spare) {
  out.clear();
  for (const Char& c : chars) {
    const size_t first = out.size();
    if (unicode::record(c.point) & unicode::decomposes) {
      for (const uint32_t point : unicode::decompositions.find(c.point)) {
        out.push_back({point, c.origin});
      }
    } else if (!decompose_hangul(c, out)) {
      out.push_back(c);
    }
    out[first].origin |= kFirst;
  }
  reorder(out, spare);
  size_t kept = 0, source = 0;
  for (const Char& c : out) {
    if (c.origin & kFirst) ++source;
    const uint32_t origin = chars[source == 0 ? 0 : source - 1].origin;
    if (!(unicode::record(c.point) & unicode::mark)) out[kept++] = {c.point, origin};
  }
  out.resize(kept);
  chars.swap(out);
}

void lower(std::vector<Char>& chars, std::vector<Char>& out) {
  out.clear();
  for (const Char& c : chars) {
    if (!(unicode::record(c.point) & unicode::lowers)) {
      out.push_back(c);
      continue;
    }
    for (const uint32_t point : unicode::lowercase.find(c.point)) out.push_back({point, c.origin});
  }
  chars.swap(out);
}

}  // namespace

void Normalizer::run(std::string_view text, uint32_t origin, std::vector<Char>& out,
                     std::vector<Char>& spare) const {
  out.clear();
  read(text, origin, options_, out);
  if (options_.strip_accents) {
    std::vector<Char> marks;
    strip_accents(out, spare, marks);
  }
  if (options_.lower) lower(out, spare);
}

std::string Normalizer::run(std::string_view text) const {
  std::vector<Char> chars, spare;
  run(text, 0, chars, spare);
  std::string normalized;
  for (const Char& c : chars) utf8::append(normalized, c.point);
  return normalized;
}

}  // namespace bertie
