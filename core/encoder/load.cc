// An encoder's weights: from tensors under their canonical names to what the forward pass reads.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "encoder/group.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"
#include "runtime/error.h"

namespace bertie {

Encoder::Encoder(const Config& config, const TensorMap& tensors, int threads, const Recipe& recipe)
    : config_(config), kernels_(select_kernels()), pool_(threads) {
  read_embeddings(tensors);
  if (config_.relative_attention_num_buckets > 0) {
    relative_bias_ =
        RelativeBias(find(tensors, "relative_attention_bias.weight",
                          {config_.relative_attention_num_buckets, config_.num_attention_heads}),
                     config_.positions());
  }
  read_layers(tensors, recipe);
}

Encoder::~Encoder() = default;

void Encoder::read_embeddings(const TensorMap& tensors) {
  const int64_t width = config_.embedding_size, hidden = config_.hidden_size;
  if (config_.position_padding >= config_.max_position_embeddings) {
    throw Error(ErrorKind::checkpoint, "the padding token's position, " +
                                           std::to_string(config_.position_padding) +
                                           ", is outside the table of max_position_embeddings " +
                                           std::to_string(config_.max_position_embeddings));
  }
  word_ = find(tensors, "embeddings.word_embeddings.weight", {config_.vocab_size, width});
  position_ = find(tensors, "embeddings.position_embeddings.weight",
                   {config_.max_position_embeddings, width});
  if (config_.type_vocab_size > 0) {
    type_ =
        find(tensors, "embeddings.token_type_embeddings.weight", {config_.type_vocab_size, width});
  }
  embedding_norm_ = read_norm(tensors, "embeddings.LayerNorm", width);
  // Some models have a projection between equal widths, too.
  const std::string projection = "embeddings.projection";
  if (width == hidden && !tensors.contains(projection + ".weight")) return;
  // A thousandth of the multiplications, at the root of everything: float32 in every recipe.
  projection_ = Linear(kernels_, Precision::float32, width,
                       {&find(tensors, projection + ".weight", {hidden, width})},
                       {&find(tensors, projection + ".bias", {hidden})});
}

void Encoder::read_layers(const TensorMap& tensors, const Recipe& recipe) {
  std::vector<int64_t> numbers = config_.layer_weights;
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  for (const int64_t number : numbers) {
    const std::string layer = "encoder.layer." + std::to_string(number) + ".";
    for (const char* name : product_names) products_.push_back(layer + name);
  }
  layers_.resize(numbers.size());
  pool_.for_each(static_cast<int64_t>(numbers.size()), 1, [&](int64_t begin, int64_t end, int) {
    for (auto i = static_cast<size_t>(begin); i < static_cast<size_t>(end); ++i) {
      layers_[i] = read_layer(tensors, recipe, numbers[i], i * std::size(product_names));
    }
  });
  for (const int64_t number : config_.layer_weights) {
    const auto found = std::lower_bound(numbers.begin(), numbers.end(), number);
    passes_.push_back(&layers_[static_cast<size_t>(found - numbers.begin())]);
  }
}

Encoder::Norm Encoder::read_norm(const TensorMap& tensors, const std::string& name,
                                 int64_t size) const {
  Norm norm{Aligned<float>(size), Aligned<float>(size)};
  find(tensors, name + ".weight", {size}).read(0, size, norm.gain.data());
  find(tensors, name + ".bias", {size}).read(0, size, norm.bias.data());
  return norm;
}

Encoder::Product Encoder::read_product(const TensorMap& tensors, const Recipe& recipe,
                                       Precision precision, size_t index, int64_t in, int64_t out,
                                       const std::vector<std::string>& names) const {
  static const std::vector<float> none;
  const auto smoothing = recipe.smoothing.find(products_[index]);
  const auto& factors = smoothing == recipe.smoothing.end() ? none : smoothing->second;
  if (!factors.empty() && static_cast<int64_t>(factors.size()) != in) {
    throw Error(ErrorKind::checkpoint, "the smoothing of " + products_[index] + " has " +
                                           std::to_string(factors.size()) + " channels, expected " +
                                           std::to_string(in));
  }
  std::vector<const TensorView*> weights, biases, scales;
  for (const std::string& name : names) {
    const std::string weight = name + ".weight";
    const TensorView* bytes =
        precision == Precision::int8 ? find_bytes(tensors, weight, {out, in}) : nullptr;
    weights.push_back(bytes != nullptr ? bytes : &find(tensors, weight, {out, in}));
    scales.push_back(bytes != nullptr ? &find(tensors, weight + "_scale", {out}) : nullptr);
    biases.push_back(&find(tensors, name + ".bias", {out}));
  }
  return {Linear(kernels_, precision, in, weights, biases, factors, scales), index};
}

Encoder::Layer Encoder::read_layer(const TensorMap& tensors, const Recipe& recipe, int64_t number,
                                   size_t first_product) const {
  const std::string layer = "encoder.layer." + std::to_string(number) + ".";
  const int64_t hidden = config_.hidden_size, inner = config_.intermediate_size;
  const auto product = [&](size_t index, Precision precision, int64_t in, int64_t out,
                           const std::vector<std::string>& names) {
    return read_product(tensors, recipe, precision, first_product + index, in, out, names);
  };
  const std::string attention = layer + "attention.self.";
  return {product(0, recipe.precision, hidden, hidden,
                  {attention + "query", attention + "key", attention + "value"}),
          product(1, recipe.output_precision, hidden, hidden, {layer + "attention.output.dense"}),
          read_norm(tensors, layer + "attention.output.LayerNorm", hidden),
          product(2, recipe.precision, hidden, inner, {layer + "intermediate.dense"}),
          product(3, recipe.output_precision, inner, hidden, {layer + "output.dense"}),
          read_norm(tensors, layer + "output.LayerNorm", hidden)};
}

}  // namespace bertie
