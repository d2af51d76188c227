#include "encoder/linear.h"

#include <algorithm>

namespace bertie {

Linear::Linear(const Kernels& kernels, int64_t in, const std::vector<const TensorView*>& weights,
               const std::vector<const TensorView*>& biases) {
  int64_t out = 0;
  for (const TensorView* weight : weights) out += weight->shape[0];
  const int64_t padded = (out + kernels.panel - 1) / kernels.panel * kernels.panel;
  weight_ = Aligned<float>(padded * in);
  bias_ = Aligned<float>(padded);
  std::fill_n(bias_.data(), padded, 0.0f);

  // Unpack one panel's channels at a time, so that a large layer never stands in memory twice.
  Aligned<float> rows(kernels.panel * in);
  int64_t channel = 0, filled = 0;
  float* panel = weight_.data();
  for (size_t i = 0; i < weights.size(); ++i) {
    const int64_t channels = weights[i]->shape[0];
    if (biases[i] != nullptr) biases[i]->read(0, channels, bias_.data() + channel);
    for (int64_t c = 0; c < channels; ++c, ++channel) {
      weights[i]->read(c * in, in, rows.data() + filled * in);
      if (++filled == kernels.panel || channel + 1 == out) {
        kernels.pack(rows.data(), in, filled, panel);
        panel += kernels.panel * in;
        filled = 0;
      }
    }
  }
  packed_ = {in, out, weight_.data(), bias_.data()};
}

}  // namespace bertie
