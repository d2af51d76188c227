#include "encoder/linear.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "encoder/quantize.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"

namespace bertie {
namespace {

Aligned<float> filled(int64_t count, float value) {
  Aligned<float> values(count);
  std::fill_n(values.data(), count, value);
  return values;
}

// Reads one channel as bytes, made here or before, and gives their scale. row is scratch.
float read_bytes(const TensorView& weight, const TensorView* scales, int64_t channel, int64_t in,
                 const std::vector<float>& smoothing, float* row, int8_t* bytes) {
  if (weight.dtype != DType::i8) {
    weight.read(channel * in, in, row);
    return quantize(row, smoothing.empty() ? nullptr : smoothing.data(), in, bytes);
  }
  std::memcpy(bytes, weight.data + channel * in, static_cast<size_t>(in));
  float scale;
  scales->read(channel, 1, &scale);
  return scale;
}

}  // namespace

Linear::Linear(const Kernels& kernels, Precision precision, int64_t in,
               const std::vector<const TensorView*>& weights,
               const std::vector<const TensorView*>& biases, const std::vector<float>& smoothing,
               const std::vector<const TensorView*>& scales) {
  const GemmKernels& gemm = kernels.gemm[static_cast<int>(precision)];
  const bool quantized = precision == Precision::int8;
  int64_t out = 0;
  for (const TensorView* weight : weights) out += weight->shape[0];
  const int64_t panels = (out + kernels.panel - 1) / kernels.panel;
  const int64_t padded = panels * kernels.panel, panel_bytes = gemm.panel_bytes(in);
  weight_ = Aligned<unsigned char>(panels * panel_bytes);
  bias_ = filled(padded, 0.0f);
  if (quantized) {
    channel_scale_ = filled(padded, 1.0f);
    channel_shift_ = filled(padded, 0.0f);
    smoothing_ = Aligned<float>(static_cast<int64_t>(smoothing.size()));
    for (size_t k = 0; k < smoothing.size(); ++k) smoothing_.data()[k] = 1.0f / smoothing[k];
  }

  // Unpack one panel's channels at a time, so that a large layer never stands in memory twice.
  Aligned<float> rows((quantized ? 1 : kernels.panel) * in);
  Aligned<int8_t> bytes(quantized ? kernels.panel * in : 0);
  int64_t channel = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t channels = weights[i]->shape[0];
    if (biases[i] != nullptr) biases[i]->read(0, channels, bias_.data() + channel);
    for (int64_t c = 0, count = 1; c < channels; c += count, channel += count) {
      const int64_t place = channel % kernels.panel;
      if (quantized) {
        int8_t* row = bytes.data() + place * in;
        const float scale = read_bytes(*weights[i], scales.empty() ? nullptr : scales[i], c, in,
                                       smoothing, rows.data(), row);
        channel_scale_.data()[channel] = scale;
        channel_shift_.data()[channel] =
            static_cast<float>(std::accumulate(row, row + in, 0)) * scale;
      } else {
        count = std::min(kernels.panel - place, channels - c);
        weights[i]->read(c * in, count * in, rows.data() + place * in);
      }
      if (place + count < kernels.panel && channel + count < out) continue;
      const void* unpacked = quantized ? static_cast<const void*>(bytes.data()) : rows.data();
      gemm.pack(unpacked, in, place + count,
                weight_.data() + channel / kernels.panel * panel_bytes);
    }
  }
  packed_ = {precision,
             in,
             out,
             weight_.data(),
             bias_.data(),
             channel_scale_.data(),
             channel_shift_.data(),
             smoothing_.size() > 0 ? smoothing_.data() : nullptr};
}

}  // namespace bertie
