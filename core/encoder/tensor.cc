#include "encoder/tensor.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/error.h"

namespace bertie {
namespace {

float from_bf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

float from_f16(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000u) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1fu;
  const uint32_t fraction = bits & 0x3ffu;
  if (exponent == 0) {  // zero and subnormals: fraction * 2^-24
    const float value = static_cast<float>(fraction) * 5.9604644775390625e-8f;
    return sign ? -value : value;
  }
  const uint32_t widened = exponent == 31 ? 255u : exponent + 112u;
  return std::bit_cast<float>(sign | widened << 23 | fraction << 13);
}

std::string text(const std::vector<int64_t>& shape) {
  std::string out = "(";
  for (size_t i = 0; i < shape.size(); ++i) out += (i ? ", " : "") + std::to_string(shape[i]);
  return out + ")";
}

void check_shape(const TensorView& tensor, const std::string& name,
                 const std::vector<int64_t>& shape) {
  if (tensor.shape == shape) return;
  throw Error(ErrorKind::checkpoint,
              "tensor " + name + " is " + text(tensor.shape) + ", expected " + text(shape));
}

// Gives the number at a place of the data, whatever its type.
float number(const TensorView& tensor, int64_t place) {
  const unsigned char* element = tensor.data + place * element_bytes(tensor.dtype);
  if (tensor.dtype == DType::f32) {
    float value;
    std::memcpy(&value, element, 4);
    return value;
  }
  uint16_t bits;
  std::memcpy(&bits, element, 2);
  return tensor.dtype == DType::bf16 ? from_bf16(bits) : from_f16(bits);
}

// Whole rows are read in blocks, whose columns stay in the cache from one row to the next.
void read_by_columns(const TensorView& tensor, int64_t first, int64_t count, float* out) {
  constexpr int64_t block = 16;
  const int64_t rows = tensor.shape[0], columns = tensor.shape[1];
  while (count > 0) {
    const int64_t row = first / columns, column = first % columns;
    const bool whole = column == 0 && count >= columns;
    const int64_t height = whole ? count / columns : 1;
    const int64_t end = whole ? columns : std::min(columns, column + count);
    for (int64_t begin = column; begin < end; begin += block) {
      for (int64_t r = 0; r < height; ++r) {
        for (int64_t c = begin; c < std::min(end, begin + block); ++c) {
          out[r * columns + c - column] = number(tensor, c * rows + row + r);
        }
      }
    }
    const int64_t taken = height * (end - column);
    first += taken;
    count -= taken;
    out += taken;
  }
}

}  // namespace

int64_t TensorView::elements() const {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

void TensorView::read(int64_t first, int64_t count, float* out) const {
  if (by_columns) {
    read_by_columns(*this, first, count, out);
    return;
  }
  if (dtype == DType::f32) {
    std::memcpy(out, data + first * 4, static_cast<size_t>(count) * 4);
    return;
  }
  const auto convert = dtype == DType::bf16 ? from_bf16 : from_f16;
  for (int64_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, data + (first + i) * 2, 2);
    out[i] = convert(bits);
  }
}

const TensorView& find(const TensorMap& tensors, const std::string& name,
                       const std::vector<int64_t>& shape) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) throw Error(ErrorKind::checkpoint, "tensor " + name + " is missing");
  check_shape(found->second, name, shape);
  if (found->second.dtype == DType::i8) {
    throw Error(ErrorKind::checkpoint, "tensor " + name + " is I8, expected F32, F16 or BF16");
  }
  return found->second;
}

const TensorView* find_bytes(const TensorMap& tensors, const std::string& name,
                             const std::vector<int64_t>& shape) {
  const auto found = tensors.find(name);
  if (found == tensors.end() || found->second.dtype != DType::i8) return nullptr;
  check_shape(found->second, name, shape);
  return &found->second;
}

}  // namespace bertie
