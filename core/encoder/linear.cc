#include "encoder/linear.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "encoder/quantize.h"

namespace bertie {

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
  bias_ = Aligned<float>(padded);
  std::fill_n(bias_.data(), padded, 0.0f);
  if (quantized) {
    channel_scale_ = Aligned<float>(padded);
    channel_shift_ = Aligned<float>(padded);
    std::fill_n(channel_scale_.data(), padded, 1.0f);
    std::fill_n(channel_shift_.data(), padded, 0.0f);
    smoothing_ = Aligned<float>(static_cast<int64_t>(smoothing.size()));
    for (size_t k = 0; k < smoothing.size(); ++k) smoothing_.data()[k] = 1.0f / smoothing[k];
  }

  // Unpack one panel's channels at a time, so that a large layer never stands in memory twice.
  Aligned<float> rows((quantized ? 1 : kernels.panel) * in);
  Aligned<int8_t> bytes(quantized ? kernels.panel * in : 0);
  int64_t channel = 0, filled = 0;
  const auto flush = [&] {
    const int64_t panel = (channel - 1) / kernels.panel;
    const void* unpacked = bytes.data();
    if (!quantized) unpacked = rows.data();
    gemm.pack(unpacked, in, filled, weight_.data() + panel * panel_bytes);
    filled = 0;
  };
  // Makes the bytes of one channel, or takes those that are there already.
  const auto quantize_channel = [&](size_t i, int64_t c) {
    int8_t* row = bytes.data() + filled * in;
    float& scale = channel_scale_.data()[channel];
    if (weights[i]->dtype == DType::i8) {
      std::memcpy(row, weights[i]->data + c * in, static_cast<size_t>(in));
      scales[i]->read(c, 1, &scale);
    } else {
      weights[i]->read(c * in, in, rows.data());
      scale = quantize(rows.data(), smoothing.empty() ? nullptr : smoothing.data(), in, row);
    }
    channel_shift_.data()[channel] = static_cast<float>(std::accumulate(row, row + in, 0)) * scale;
  };
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t channels = weights[i]->shape[0];
    if (biases[i] != nullptr) biases[i]->read(0, channels, bias_.data() + channel);
    for (int64_t c = 0; c < channels; ++c) {
      if (quantized) {
        quantize_channel(i, c);
      } else {
        weights[i]->read(c * in, in, rows.data() + filled * in);
      }
      ++channel;
      if (++filled == kernels.panel) flush();
    }
  }
  if (filled > 0) flush();
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
