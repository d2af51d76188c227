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
  int64_t embedding_size = 0;  // where it isn't hidden_size, a dense layer projects to that
  int64_t hidden_size = 0;
  int64_t num_attention_heads = 0;
  int64_t intermediate_size = 0;
  int64_t max_position_embeddings = 0;  // rows of the table
  int64_t type_vocab_size = 0;          // 0: tokens have no segment
  std::vector<int64_t>
      layer_weights;  // for each pass, the number of the layer whose weights it uses
  // Positions count from that of the padding token, position_padding, plus 1, and a padding token's
  // is its own. -1: there is none, they count from 0.
  int64_t position_padding = -1;
  int64_t relative_attention_num_buckets = 0;  // 0: attention knows no distances
  float layer_norm_eps = 1e-12f;
  Activation hidden_act = Activation::gelu;

  int64_t head_size() const { return hidden_size / num_attention_heads; }
  int64_t passes() const { return static_cast<int64_t>(layer_weights.size()); }
  int64_t positions() const { return max_position_embeddings - (position_padding + 1); }
};

// What each layer's products are computed in.
struct Recipe {
  Precision precision = Precision::float32;         // query, key, value; the first feed-forward
  Precision output_precision = Precision::float32;  // the two projections back to the hidden size
  // For int8 products, by their name (observe() gives them): what divides each input channel.
  std::map<std::string, std::vector<float>> smoothing;
};

}  // namespace bertie
