// BERT's normalizer: clean, space ideographs, strip accents, lower-case.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace bertie {

struct NormalizerOptions {
  bool clean_text = true;     // drop control characters, make every white space a space
  bool cjk_spacing = true;    // a space before and after each Chinese character
  bool strip_accents = true;  // decompose (NFD) and drop nonspacing marks
  bool lower = true;
};

// A code point of the normalized text, and the index of the code point that it comes from.
struct Char {
  char32_t point;
  uint32_t origin;
};

class Normalizer {
 public:
  explicit Normalizer(const NormalizerOptions& options) : options_(options) {}

  // Normalizes UTF-8 whose first code point has index `origin` into `out`, which it overwrites;
  // `spare` is working space. Linear in the text.
  void run(std::string_view text, uint32_t origin, std::vector<Char>& out,
           std::vector<Char>& spare) const;

  std::string run(std::string_view text) const;

  const NormalizerOptions& options() const { return options_; }

 private:
  NormalizerOptions options_;
};

}  // namespace bertie
