// UTF-8, one code point at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace bertie::utf8 {

inline bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Code points in well-formed text.
inline size_t count(std::string_view text) {
  size_t points = 0;
  for (const char byte : text) points += !is_continuation(byte);
  return points;
}

// Reads the code point at `at` and moves past it. A malformed byte reads as U+FFFD.
inline char32_t next(std::string_view text, size_t& at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at++);
  if (lead < 0x80) return lead;
  const int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : lead >= 0xC0 ? 1 : -1;
  if (more < 0 || text.size() - at < static_cast<size_t>(more)) return 0xFFFD;
  char32_t point = lead & (0x3F >> more);
  for (int i = 0; i < more; ++i) {
    if (!is_continuation(text[at + i])) return 0xFFFD;
    point = point << 6 | (byte(at + i) & 0x3F);
  }
  at += more;
  return point;
}

// The code point that ends just before `at`, which is greater than 0.
inline char32_t before(std::string_view text, size_t at) {
  do --at;
  while (at > 0 && is_continuation(text[at]));
  return next(text, at);
}

inline void append(std::string& out, char32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
    return;
  }
  if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
  } else {
    if (point < 0x10000) {
      out += static_cast<char>(0xE0 | point >> 12);
    } else {
      out += static_cast<char>(0xF0 | point >> 18);
      out += static_cast<char>(0x80 | (point >> 12 & 0x3F));
    }
    out += static_cast<char>(0x80 | (point >> 6 & 0x3F));
  }
  out += static_cast<char>(0x80 | (point & 0x3F));
}

}  // namespace bertie::utf8
