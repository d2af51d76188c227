#include "text/unicode.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace bertie::unicode {

std::span<const uint32_t> Mapping::find(char32_t point) const {
  const uint32_t* key = std::lower_bound(keys, keys + count, static_cast<uint32_t>(point));
  if (key == keys + count || *key != point) return {};
  const auto i = key - keys;
  const uint32_t* begin = targets + (i == 0 ? 0 : ends[i - 1]);
  return {begin, targets + ends[i]};
}

}  // namespace bertie::unicode
