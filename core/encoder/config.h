#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace bertie {

// What the forward pass needs to know; the names are config.json's.
struct Config {
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t intermediate_size = 0;
  int64_t max_position_embeddings = 0;
  int64_t type_vocab_size = 0;
  float layer_norm_eps = 1e-12f;
  Activation hidden_act = Activation::gelu;

  int64_t head_size() const { return hidden_size / num_attention_heads; }
};

// What each layer's products are computed in.
struct Recipe {
  Precision precision = Precision::float32;         // query, key, value; the first feed-forward
  Precision output_precision = Precision::float32;  // the two projections back to the hidden size
  // For int8 products, by their name (products() lists them): what divides each input channel.
  std::map<std::string, std::vector<float>> smoothing;
};

}  // namespace bertie
