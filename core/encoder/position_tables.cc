#include "encoder/position_tables.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "encoder/linear.h"
#include "encoder/quantize.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"

namespace bertie {
namespace {

float rounded_to_bfloat16(float x) {  // to nearest, ties to even
  const auto bits = std::bit_cast<uint32_t>(x);
  return x != x ? x : std::bit_cast<float>((bits + 0x7fffu + (bits >> 16 & 1u)) & 0xffff0000u);
}

// One channel of the weight, as the numbers that its bytes stand for.
void round_to_bytes(const PositionWeight& from, int64_t channel, int8_t* bytes, float* row) {
  const int64_t in = from.weight->shape[1];
  const std::vector<float>& factors = *from.smoothing;
  const float scale = read_bytes(*from.weight, from.scales, channel, factors, row, bytes);
  for (int64_t k = 0; k < in; ++k) {
    const float factor = factors.empty() ? 1.0f : factors[static_cast<size_t>(k)];
    row[k] = static_cast<float>(bytes[k]) * scale / factor;
  }
}

Aligned<float> rounded(const PositionWeight& from, Precision precision) {
  const int64_t out = from.weight->shape[0], in = from.weight->shape[1];
  Aligned<float> values(out * in);
  if (precision == Precision::int8) {
    std::vector<int8_t> bytes(static_cast<size_t>(in));
    for (int64_t c = 0; c < out; ++c) round_to_bytes(from, c, bytes.data(), values.data() + c * in);
    return values;
  }
  from.weight->read(0, out * in, values.data());
  for (int64_t i = 0; i < out * in; ++i) {
    values.data()[i] = rounded_to_bfloat16(values.data()[i]);
  }
  return values;
}

}  // namespace

Aligned<float> position_table(const Kernels& kernels, const float* relative, int64_t rows,
                              Precision precision, const PositionWeight& from) {
  const int64_t out = from.weight->shape[0], in = from.weight->shape[1];
  TensorView weight = *from.weight;
  Aligned<float> values;
  if (precision != Precision::float32) {
    values = rounded(from, precision);
    weight = {reinterpret_cast<const unsigned char*>(values.data()), DType::f32, {out, in}};
  }
  const Linear linear(kernels, Precision::float32, in, {&weight}, {from.bias});
  Aligned<float> table(rows * out);
  kernels.gemm[static_cast<int>(Precision::float32)].gemm(
      {.a = relative,
       .a_stride = in * static_cast<int64_t>(sizeof(float)),
       .rows = rows,
       .linear = &linear.packed(),
       .panel_end = (out + kernels.panel - 1) / kernels.panel,
       .out = table.data(),
       .out_stride = out});
  return table;
}

}  // namespace bertie
