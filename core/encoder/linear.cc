#include "encoder/linear.h"

#include <algorithm>

namespace bertie {

Linear::Linear(const Kernels& kernels, Precision precision, int64_t in,
               const std::vector<const TensorView*>& weights,
               const std::vector<const TensorView*>& biases, const std::vector<float>& smoothing) {
  const GemmKernels& gemm = kernels.gemm[static_cast<int>(precision)];
  int64_t out = 0;
  for (const TensorView* weight : weights) out += weight->shape[0];
  const int64_t panels = (out + kernels.panel - 1) / kernels.panel;
  const int64_t padded = panels * kernels.panel, panel_bytes = gemm.panel_bytes(in);
  weight_ = Aligned<unsigned char>(panels * panel_bytes);
  bias_ = Aligned<float>(padded);
  std::fill_n(bias_.data(), padded, 0.0f);
  if (precision == Precision::int8) {
    channel_scale_ = Aligned<float>(padded);
    channel_shift_ = Aligned<float>(padded);
    smoothing_ = Aligned<float>(static_cast<int64_t>(smoothing.size()));
    for (size_t k = 0; k < smoothing.size(); ++k) smoothing_.data()[k] = 1.0f / smoothing[k];
  }

  // Unpack one panel's channels at a time, so that a large layer never stands in memory twice.
  Aligned<float> rows(kernels.panel * in);
  int64_t channel = 0, filled = 0;
  const auto flush = [&] {
    const int64_t panel = (channel - 1) / kernels.panel, first = panel * kernels.panel;
    const bool scaled = precision == Precision::int8;
    gemm.pack(rows.data(), in, filled, weight_.data() + panel * panel_bytes,
              scaled ? channel_scale_.data() + first : nullptr,
              scaled ? channel_shift_.data() + first : nullptr);
    filled = 0;
  };
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t channels = weights[i]->shape[0];
    if (biases[i] != nullptr) biases[i]->read(0, channels, bias_.data() + channel);
    for (int64_t c = 0; c < channels; ++c) {
      float* row = rows.data() + filled * in;
      weights[i]->read(c * in, in, row);
      if (smoothing_.size() > 0) {
        for (int64_t k = 0; k < in; ++k) row[k] *= smoothing[static_cast<size_t>(k)];
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
