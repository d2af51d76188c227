#include "encoder/linear.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
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

// Rows of one weight that lie one after another in a panel.
struct Run {
  size_t weight;
  int64_t row, count;
  int64_t channel;  // the first one's place among all channels, as they are packed
};

// One weight after the other, cut where a panel ends.
std::vector<Run> stacked(const std::vector<const TensorView*>& weights, int64_t panel) {
  std::vector<Run> runs;
  int64_t channel = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t rows = weights[i]->shape[0];
    for (int64_t row = 0, count; row < rows; row += count, channel += count) {
      count = std::min(panel - channel % panel, rows - row);
      runs.push_back({i, row, count, channel});
    }
  }
  return runs;
}

// Half a panel of gates, then the values of the same outputs.
std::vector<Run> paired(int64_t out, int64_t panel) {
  std::vector<Run> runs;
  const int64_t half = panel / 2;
  for (int64_t row = 0; row < out; row += half) {
    const int64_t count = std::min(half, out - row);
    runs.push_back({0, row, count, 2 * row});
    runs.push_back({1, row, count, 2 * row + half});
  }
  return runs;
}

}  // namespace

Linear::Linear(const Kernels& kernels, Precision precision, int64_t in,
               const std::vector<const TensorView*>& weights,
               const std::vector<const TensorView*>& biases, const std::vector<float>& smoothing,
               const std::vector<const TensorView*>& scales, bool gated) {
  const GemmKernels& gemm = kernels.gemm[static_cast<int>(precision)];
  const bool quantized = precision == Precision::int8;
  const int64_t panel = kernels.panel, panel_bytes = gemm.panel_bytes(in);
  int64_t out = 0;
  for (const TensorView* weight : weights) out += weight->shape[0];
  if (gated) {
    assert(weights.size() == 2 && weights[0]->shape[0] == weights[1]->shape[0]);
    out /= 2;
  }
  panels_ = (out + panel - 1) / panel;
  if (gated) panels_ = (out + panel / 2 - 1) / (panel / 2);
  weight_ = Aligned<unsigned char>(panels_ * panel_bytes);
  bias_ = filled(panels_ * panel, 0.0f);
  if (quantized) {
    channel_scale_ = filled(panels_ * panel, 1.0f);
    channel_shift_ = filled(panels_ * panel, 0.0f);
    smoothing_ = Aligned<float>(static_cast<int64_t>(smoothing.size()));
    for (size_t k = 0; k < smoothing.size(); ++k) smoothing_.data()[k] = 1.0f / smoothing[k];
  }

  // Unpack one panel's channels at a time, so that a large layer never stands in memory twice.
  Aligned<float> rows = filled((quantized ? 1 : panel) * in, 0.0f);
  Aligned<int8_t> bytes(quantized ? panel * in : 0);
  std::fill_n(bytes.data(), bytes.size(), int8_t{0});
  const std::vector<Run> runs = gated ? paired(out, panel) : stacked(weights, panel);
  for (size_t i = 0; i < runs.size(); ++i) {
    const auto& [weight, row, count, channel] = runs[i];
    const int64_t place = channel % panel;
    if (biases[weight] != nullptr) biases[weight]->read(row, count, bias_.data() + channel);
    for (int64_t c = 0; quantized && c < count; ++c) {
      int8_t* q = bytes.data() + (place + c) * in;
      const float scale = read_bytes(*weights[weight], scales.empty() ? nullptr : scales[weight],
                                     row + c, smoothing, rows.data(), q);
      channel_scale_.data()[channel + c] = scale;
      channel_shift_.data()[channel + c] =
          static_cast<float>(std::accumulate(q, q + in, 0)) * scale;
    }
    if (!quantized) weights[weight]->read(row * in, count * in, rows.data() + place * in);
    if (gated && count < panel / 2) {  // what an earlier panel has left behind
      const int64_t first = (place + count) * in, missing = (panel / 2 - count) * in;
      if (quantized) {
        std::fill_n(bytes.data() + first, missing, int8_t{0});
      } else {
        std::fill_n(rows.data() + first, missing, 0.0f);
      }
    }
    if (i + 1 < runs.size() && runs[i + 1].channel / panel == channel / panel) continue;
    const void* unpacked = quantized ? static_cast<const void*>(bytes.data()) : rows.data();
    gemm.pack(unpacked, in, gated ? panel : place + count,
              weight_.data() + channel / panel * panel_bytes);
  }
  packed_ = {.precision = precision,
             .in = in,
             .out = out,
             .gated = gated,
             .weight = weight_.data(),
             .bias = bias_.data(),
             .channel_scale = channel_scale_.data(),
             .channel_shift = channel_shift_.data(),
             .smoothing = smoothing_.size() > 0 ? smoothing_.data() : nullptr};
}

}  // namespace bertie
