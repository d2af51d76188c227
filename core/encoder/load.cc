// An encoder's weights: from tensors under their canonical names to what the forward pass reads.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "encoder/group.h"
#include "encoder/linear.h"
#include "encoder/position_tables.h"
#include "encoder/relative_bias.h"
#include "encoder/rotary.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"
#include "runtime/error.h"

namespace bertie {

namespace {

// A tensor that not every model has.
const TensorView* find_if(const TensorMap& tensors, const std::string& name,
                          const std::vector<int64_t>& shape) {
  return tensors.contains(name) ? &find(tensors, name, shape) : nullptr;
}

const std::vector<float> no_smoothing;

// What divides a product's inputs, or nothing.
const std::vector<float>& smoothing_of(const Recipe& recipe, const std::string& product,
                                       int64_t in) {
  const auto found = recipe.smoothing.find(product);
  if (found == recipe.smoothing.end() || found->second.empty()) return no_smoothing;
  if (static_cast<int64_t>(found->second.size()) != in) {
    throw Error(ErrorKind::checkpoint, "the smoothing of " + product + " has " +
                                           std::to_string(found->second.size()) +
                                           " channels, expected " + std::to_string(in));
  }
  return found->second;
}

// One dense layer's tensors: numbers, or bytes with their scales.
struct DenseTensors {
  const TensorView *weight, *bias, *scales;
};

DenseTensors find_dense(const TensorMap& tensors, const std::string& name, Precision precision,
                        int64_t in, int64_t out) {
  const std::string weight = name + ".weight";
  const TensorView* bytes =
      precision == Precision::int8 ? find_bytes(tensors, weight, {out, in}) : nullptr;
  return {bytes != nullptr ? bytes : &find(tensors, weight, {out, in}),
          find_if(tensors, name + ".bias", {out}),
          bytes != nullptr ? &find(tensors, weight + "_scale", {out}) : nullptr};
}

}  // namespace

Encoder::Encoder(const Config& config, const TensorMap& tensors, int threads, const Recipe& recipe)
    : config_(completed(config)), kernels_(select_kernels()), pool_(threads) {
  read_embeddings(tensors);
  read_relative_embeddings(tensors);
  read_layers(tensors, recipe);
  read_convolution(tensors);
  final_norm_ = read_norm_if_there(tensors, "encoder.LayerNorm", config_.hidden_size);
  for (const Rotary& rotary : config_.rotary) {
    rotary_.push_back(std::make_unique<RotaryTable>(rotary, config_.positions()));
  }
  if (config_.relative_attention_num_buckets > 0) {
    relative_bias_ = std::make_unique<RelativeBias>(
        find(tensors, "relative_attention_bias.weight",
             {config_.relative_attention_num_buckets, config_.num_attention_heads}),
        config_.positions());
  } else if (config_.alibi) {
    relative_bias_ =
        std::make_unique<RelativeBias>(config_.num_attention_heads, config_.positions());
  }
}

Encoder::~Encoder() = default;

void Encoder::read_embeddings(const TensorMap& tensors) {
  const int64_t width = config_.embedding_size, hidden = config_.hidden_size;
  word_ = find(tensors, "embeddings.word_embeddings.weight", {config_.vocab_size, width});
  if (const TensorView* table = find_if(tensors, "embeddings.position_embeddings.weight",
                                        {config_.max_position_embeddings, width})) {
    position_ = *table;
  }
  if (config_.type_vocab_size > 0) {
    type_ =
        find(tensors, "embeddings.token_type_embeddings.weight", {config_.type_vocab_size, width});
  }
  embedding_norm_ = read_norm_if_there(tensors, "embeddings.LayerNorm",
                                       config_.projection_first ? hidden : width);
  // Some models have a projection between equal widths, too.
  const std::string projection = "embeddings.projection";
  if (width == hidden && !tensors.contains(projection + ".weight")) return;
  // A thousandth of the multiplications, at the root of everything: float32 in every recipe.
  const DenseTensors dense = find_dense(tensors, projection, Precision::float32, width, hidden);
  projection_ = Linear(kernels_, Precision::float32, width, {dense.weight}, {dense.bias});
}

void Encoder::read_relative_embeddings(const TensorMap& tensors) {
  if (config_.disentangled.span == 0) return;
  const int64_t rows = 2 * config_.disentangled.span, size = config_.hidden_size;
  const TensorView& table = find(tensors, "relative_embeddings.weight", {rows, size});
  relative_embeddings_ = Aligned<float>(rows * size);
  float* values = relative_embeddings_.data();
  table.read(0, rows * size, values);
  normalize(read_norm_if_there(tensors, "relative_embeddings.LayerNorm", size), values, rows,
            values);
}

void Encoder::read_convolution(const TensorMap& tensors) {
  const int64_t kernel = config_.convolution.kernel, size = config_.hidden_size;
  if (kernel == 0) return;
  const TensorView& weight = find(tensors, "convolution.weight", {size, size, kernel});
  const TensorView* bias = find_if(tensors, "convolution.bias", {size});
  // A product with the neighbours' rows side by side, so that its inputs are token by token.
  Aligned<float> row(size * kernel), turned(size * size * kernel);
  for (int64_t out = 0; out < size; ++out) {
    weight.read(out * size * kernel, size * kernel, row.data());
    for (int64_t i = 0; i < size * kernel; ++i) {
      turned.data()[(out * kernel + i % kernel) * size + i / kernel] = row.data()[i];
    }
  }
  const TensorView side_by_side{
      reinterpret_cast<const unsigned char*>(turned.data()), DType::f32, {size, kernel * size}};
  // It stands in models of 24 layers, once, with a quarter of one's multiplications, and reads
  // embeddings, whose outliers no calibration has seen: float32 in every recipe.
  convolution_ = Linear(kernels_, Precision::float32, kernel * size, {&side_by_side}, {bias});
  convolution_norm_ = read_norm(tensors, "convolution.LayerNorm", size, config_.norm);
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

Encoder::Norm Encoder::read_norm(const TensorMap& tensors, const std::string& name, int64_t size,
                                 NormKind kind) const {
  Norm norm{kind, Aligned<float>(size), Aligned<float>(size)};
  find(tensors, name + ".weight", {size}).read(0, size, norm.gain.data());
  if (config_.norm_offset != 0.0f) {
    for (int64_t i = 0; i < size; ++i) norm.gain.data()[i] += config_.norm_offset;
  }
  std::fill_n(norm.bias.data(), size, 0.0f);
  const TensorView* bias = find_if(tensors, name + ".bias", {size});
  if (bias == nullptr) return norm;
  if (kind == NormKind::rms_norm) {
    throw Error(ErrorKind::checkpoint,
                "tensor " + name + ".bias is there, but an RMS norm has none");
  }
  bias->read(0, size, norm.bias.data());
  return norm;
}

Encoder::Norm Encoder::read_norm_if_there(const TensorMap& tensors, const std::string& name,
                                          int64_t size) const {
  if (!tensors.contains(name + ".weight")) return {};
  return read_norm(tensors, name, size, config_.norm);
}

Encoder::Layer Encoder::read_layer(const TensorMap& tensors, const Recipe& recipe, int64_t number,
                                   size_t first_product) const {
  const std::string layer = "encoder.layer." + std::to_string(number) + ".";
  const std::string own = layer + "attention.self.";
  const int64_t hidden = config_.hidden_size, inner = config_.intermediate_size;
  const int64_t query = config_.query_width(), key = config_.key_width();
  struct Part {
    std::string name;
    int64_t out;
  };
  const auto product = [&](size_t index, Precision precision, int64_t in,
                           const std::vector<Part>& parts, bool gated = false) {
    index += first_product;
    std::vector<const TensorView*> weights, biases, scales;
    for (const auto& [name, out] : parts) {
      const DenseTensors dense = find_dense(tensors, name, precision, in, out);
      weights.push_back(dense.weight);
      biases.push_back(dense.bias);
      scales.push_back(dense.scales);
    }
    const auto& smoothing = smoothing_of(recipe, products_[index], in);
    return Product{Linear(kernels_, precision, in, weights, biases, smoothing, scales, gated),
                   index};
  };
  const auto norm_after = [&](const std::string& name) {
    return config_.norm_place == NormPlace::before ? Norm{}
                                                   : read_norm(tensors, name, hidden, config_.norm);
  };
  const auto norm_before = [&](const std::string& name) {
    return config_.norm_place == NormPlace::after ? Norm{}
                                                  : read_norm_if_there(tensors, name, hidden);
  };
  const auto query_key_norm = [&](const std::string& name, int64_t width) {
    if (config_.query_key_norm == QueryKeyNorm::none) return Norm{};
    const bool all = config_.query_key_norm == QueryKeyNorm::all;
    return read_norm(tensors, own + name + ".LayerNorm", all ? width : config_.head_size,
                     all ? NormKind::layer_norm : config_.norm);
  };
  std::vector<Part> up = {{layer + "intermediate.dense", inner}};
  const bool gated = tensors.contains(layer + "intermediate.gate.weight");
  if (gated) up.insert(up.begin(), {layer + "intermediate.gate", inner});
  return {norm_before(layer + "attention.LayerNorm"),
          product(0, recipe.precision, hidden,
                  {{own + "query", query}, {own + "key", key}, {own + "value", key}}),
          query_key_norm("query", query),
          query_key_norm("key", key),
          read_positions(tensors, recipe, own, first_product),
          product(1, recipe.output_precision, query, {{layer + "attention.output.dense", hidden}}),
          norm_after(layer + "attention.output.LayerNorm"),
          read_norm_if_there(tensors, layer + "attention.residual.LayerNorm", hidden),
          norm_before(layer + "intermediate.LayerNorm"),
          product(2, recipe.precision, hidden, up, gated),
          product(3, recipe.output_precision, inner, {{layer + "output.dense", hidden}}),
          norm_after(layer + "output.LayerNorm")};
}

// With weights of their own, which no recipe rounds, or with those of queries and keys.
PositionTables Encoder::read_positions(const TensorMap& tensors, const Recipe& recipe,
                                       const std::string& own, size_t product) const {
  const Disentangled& places = config_.disentangled;
  const auto table = [&](const std::string& name) {
    const bool shared = !tensors.contains(own + "position_" + name + ".weight");
    const Precision precision = shared ? recipe.precision : Precision::float32;
    const DenseTensors dense = find_dense(tensors, own + (shared ? "" : "position_") + name,
                                          precision, config_.hidden_size, config_.query_width());
    const auto& smoothing = smoothing_of(recipe, products_[product], config_.hidden_size);
    return position_table(kernels_, relative_embeddings_.data(), 2 * places.span, precision,
                          {dense.weight, dense.bias, dense.scales, &smoothing});
  };
  PositionTables tables;
  if (places.span > 0 && places.content_to_position) tables.key = table("key");
  if (places.span > 0 && places.position_to_content) tables.query = table("query");
  return tables;
}

}  // namespace bertie
