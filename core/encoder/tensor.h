#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bertie {

enum class DType { f32, f16, bf16, i8 };

inline int64_t element_bytes(DType dtype) {
  return dtype == DType::f32 ? 4 : dtype == DType::i8 ? 1 : 2;
}

// A tensor that somebody else keeps alive, often a mapped file; data may be unaligned.
struct TensorView {
  const unsigned char* data = nullptr;
  DType dtype = DType::f32;
  std::vector<int64_t> shape;
  bool by_columns = false;  // of a matrix, stored column after column; never of i8

  int64_t elements() const;
  // Converts `count` elements, row after row, from `first` on; not for i8, whose numbers need
  // scales.
  void read(int64_t first, int64_t count, float* out) const;
};

using TensorMap = std::map<std::string, TensorView, std::less<>>;

// The tensor of numbers of that canonical name; throws Error(checkpoint) if it is absent, misshapen
// or i8.
const TensorView& find(const TensorMap& tensors, const std::string& name,
                       const std::vector<int64_t>& shape);

// The same, but of bytes; null where there is none of that name, or one of numbers.
const TensorView* find_bytes(const TensorMap& tensors, const std::string& name,
                             const std::vector<int64_t>& shape);

}  // namespace bertie
