#include "text/runs.h"
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "text/word_cache.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace bertie {
namespace {

// A bit for each of sixteen bytes.
struct Bits {
  uint16_t plain, space;
};

// Reads sixteen bytes and writes them with capitals made small where `lower` is 0x20.
Bits read_sixteen(const char* from, unsigned char lower, unsigned char* to);

#ifdef __SSE2__

__m128i within(__m128i bytes, char first, char last) {
  const __m128i from_first = _mm_sub_epi8(bytes, _mm_set1_epi8(first));
  const __m128i most = _mm_set1_epi8(static_cast<char>(last - first));
  return _mm_cmpeq_epi8(_mm_min_epu8(from_first, most), from_first);
}

Bits read_sixteen(const char* from, unsigned char lower, unsigned char* to) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  const __m128i small = _mm_set1_epi8(0x20);
  const __m128i letters = within(_mm_or_si128(bytes, small), 'a', 'z');
  const __m128i capitals = _mm_and_si128(letters, _mm_set1_epi8(static_cast<char>(lower)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_or_si128(bytes, capitals));
  const __m128i plain = _mm_or_si128(letters, within(bytes, '0', '9'));
  const __m128i space = _mm_cmpeq_epi8(bytes, _mm_set1_epi8(' '));
  return {static_cast<uint16_t>(_mm_movemask_epi8(plain)),
          static_cast<uint16_t>(_mm_movemask_epi8(space))};
}

#else

constexpr uint64_t kEach = 0x0101010101010101;  // times a byte: that byte in each of eight

// The top bit of each of eight ASCII bytes within a range.
uint64_t within(uint64_t bytes, unsigned char first, unsigned char last) {
  return (bytes + (0x80u - first) * kEach) & ~(bytes + (0x7Fu - last) * kEach) & 0x80 * kEach;
}

// Gathers the top bits of eight bytes.
uint16_t gathered(uint64_t tops) {
  return static_cast<uint16_t>((tops >> 7) * 0x0102040810204080 >> 56);
}

Bits read_eight(const char* from, unsigned char lower, unsigned char* to) {
  uint64_t bytes;
  std::memcpy(&bytes, from, 8);
  const uint64_t low = bytes & 0x7F * kEach, ascii = ~bytes & 0x80 * kEach;
  const uint64_t letters = within(low | 0x20 * kEach, 'a', 'z') & ascii;
  const uint64_t small = bytes | (letters >> 2 & lower * kEach);
  std::memcpy(to, &small, 8);
  const uint64_t plain = letters | (within(low, '0', '9') & ascii);
  return {gathered(plain), gathered(within(low, ' ', ' ') & ascii)};
}

Bits read_sixteen(const char* from, unsigned char lower, unsigned char* to) {
  const Bits first = read_eight(from, lower, to), second = read_eight(from + 8, lower, to + 8);
  return {static_cast<uint16_t>(first.plain | second.plain << 8),
          static_cast<uint16_t>(first.space | second.space << 8)};
}

#endif

constexpr uint64_t first_bytes(int count) {
  return count <= 0 ? 0 : count >= 8 ? ~uint64_t{0} : (uint64_t{1} << 8 * count) - 1;
}
constexpr ShortWord mask(int size) { return {first_bytes(size), first_bytes(size - 8)}; }

}  // namespace

const ShortWord Runs::kMasks[kRead] = {mask(0),  mask(1),  mask(2),  mask(3), mask(4),  mask(5),
                                       mask(6),  mask(7),  mask(8),  mask(9), mask(10), mask(11),
                                       mask(12), mask(13), mask(14), mask(15)};

void Runs::read(std::string_view text, bool lower) {
  const unsigned char small = lower ? 0x20 : 0;
  const size_t size = text.size(), whole = size / kRead * kRead;
  bytes_.clear();
  plain_.clear();
  space_.clear();
  unsigned char* bytes = bytes_.room(whole + 2 * kRead);
  unsigned char* plain = plain_.room(whole / 8 + 16);
  unsigned char* space = space_.room(whole / 8 + 16);
  const auto read = [&](const char* from, size_t at) {
    const Bits bits = read_sixteen(from, small, bytes + at);
    std::memcpy(plain + at / 8, &bits.plain, 2);
    std::memcpy(space + at / 8, &bits.space, 2);
  };
  for (size_t at = 0; at < whole; at += kRead) read(text.data() + at, at);
  char tail[kRead];
  std::memset(tail, ' ', kRead);
  if (size > whole) std::memcpy(tail, text.data() + whole, size - whole);
  read(tail, whole);
  std::memset(bytes + whole + kRead, ' ', kRead);
  std::memset(plain + whole / 8 + 2, 0, 8);
  std::memset(space + whole / 8 + 2, 0, 8);
}

}  // namespace bertie
