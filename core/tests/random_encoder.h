// An encoder of random weights, and random input for it.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "encoder/quantize.h"
#include "encoder/tensor.h"
#include "random.h"

namespace bertie {

// What an encoder has by having the tensors for it.
struct Parts {
  bool learned_positions = true;
  bool embedding_norm = true;
  bool biases = true;  // of dense layers and layer norms
  bool gated = false;
  bool first_norm = true;  // before the first layer's attention, where norms stand before blocks
  bool residual_norm = false;
  bool own_positions = false;  // DeBERTa's: projections of distances apart from those of tokens
};

// Random weights under the canonical names, owned here.
struct Weights {
  std::map<std::string, std::vector<float>> values;
  TensorMap map;
  unsigned seed = 1;
  bool biases = true;

  explicit Weights(const Config& given, const Parts& parts = {}) : biases(parts.biases) {
    const Config c = completed(given);
    const int64_t h = c.hidden_size, e = c.embedding_size;
    add("embeddings.word_embeddings.weight", {c.vocab_size, e});
    if (parts.learned_positions)
      add("embeddings.position_embeddings.weight", {c.max_position_embeddings, e});
    if (c.type_vocab_size > 0)
      add("embeddings.token_type_embeddings.weight", {c.type_vocab_size, e});
    if (parts.embedding_norm) norm("embeddings.LayerNorm", c.projection_first ? h : e, c.norm);
    if (e != h) dense("embeddings.projection", e, h);
    if (const int64_t buckets = c.relative_attention_num_buckets; buckets > 0)
      add("relative_attention_bias.weight", {buckets, c.num_attention_heads});
    for (const int64_t i : std::set<int64_t>(c.layer_weights.begin(), c.layer_weights.end())) {
      add_layer(c, parts, i);
    }
    if (c.norm_place == NormPlace::before) norm("encoder.LayerNorm", h, c.norm);
    if (c.disentangled.span > 0) {
      add("relative_embeddings.weight", {2 * c.disentangled.span, h});
      norm("relative_embeddings.LayerNorm", h, c.norm);
    }
    if (c.convolution.kernel > 0) {
      add("convolution.weight", {h, h, c.convolution.kernel});
      add("convolution.bias", {h});
      norm("convolution.LayerNorm", h, c.norm);
    }
  }
  void add_layer(const Config& c, const Parts& parts, int64_t number) {
    const std::string layer = "encoder.layer." + std::to_string(number) + ".";
    const std::string own = layer + "attention.self.";
    const int64_t h = c.hidden_size, query = c.query_width(), key = c.key_width();
    const bool before = c.norm_place != NormPlace::after, after = c.norm_place != NormPlace::before;
    if (before && (number > 0 || parts.first_norm)) norm(layer + "attention.LayerNorm", h, c.norm);
    dense(own + "query", h, query);
    dense(own + "key", h, key);
    dense(own + "value", h, key);
    if (c.query_key_norm != QueryKeyNorm::none) {
      const bool all = c.query_key_norm == QueryKeyNorm::all;
      const NormKind kind = all ? NormKind::layer_norm : c.norm;
      norm(own + "query.LayerNorm", all ? query : c.head_size, kind);
      norm(own + "key.LayerNorm", all ? key : c.head_size, kind);
    }
    if (parts.own_positions) {
      dense(own + "position_key", h, query);
      dense(own + "position_query", h, query);
    }
    dense(layer + "attention.output.dense", query, h);
    if (after) norm(layer + "attention.output.LayerNorm", h, c.norm);
    if (parts.residual_norm) norm(layer + "attention.residual.LayerNorm", h, c.norm);
    if (before) norm(layer + "intermediate.LayerNorm", h, c.norm);
    if (parts.gated) dense(layer + "intermediate.gate", h, c.intermediate_size);
    dense(layer + "intermediate.dense", h, c.intermediate_size);
    dense(layer + "output.dense", c.intermediate_size, h);
    if (after) norm(layer + "output.LayerNorm", h, c.norm);
  }
  void dense(const std::string& name, int64_t in, int64_t out) {
    add(name + ".weight", {out, in});
    if (biases) add(name + ".bias", {out});
  }
  void norm(const std::string& name, int64_t size, NormKind kind = NormKind::layer_norm) {
    add(name + ".weight", {size});
    if (biases && kind == NormKind::layer_norm) add(name + ".bias", {size});
  }
  void add(const std::string& name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    auto& data = values[name] = random_floats(count, seed++, 0.3f);
    map[name] = {reinterpret_cast<const unsigned char*>(data.data()), DType::f32, std::move(shape)};
  }
};

// A weight (out, in) as bytes, smoothed by factors where they aren't null, and its rows' scales.
struct QuantizedWeight {
  std::vector<int8_t> bytes;
  std::vector<float> scales;

  QuantizedWeight() = default;
  QuantizedWeight(std::vector<float> weight, int64_t in, const std::vector<float>* factors)
      : bytes(weight.size()) {
    for (int64_t at = 0; at < static_cast<int64_t>(weight.size()); at += in) {
      scales.push_back(quantize(weight.data() + at, factors == nullptr ? nullptr : factors->data(),
                                in, bytes.data() + at));
    }
  }
};

// Sequences of tokens below 50, of two types.
struct Input {
  std::vector<int32_t> ids, types, lengths;
  void add(int32_t length, unsigned seed) {
    std::mt19937 engine(seed);
    for (int32_t i = 0; i < length; ++i) {
      ids.push_back(static_cast<int32_t>(engine() % 50));
      types.push_back(static_cast<int32_t>(engine() % 2));
    }
    lengths.push_back(length);
  }
  Batch batch() const { return {ids, types, lengths}; }
};

}  // namespace bertie
