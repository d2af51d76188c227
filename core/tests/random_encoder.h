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
#include "encoder/tensor.h"
#include "random.h"

namespace bertie {

// Random weights under the canonical names, owned here.
struct Weights {
  std::map<std::string, std::vector<float>> values;
  TensorMap map;
  unsigned seed = 1;

  explicit Weights(const Config& c) {
    const int64_t h = c.hidden_size, e = c.embedding_size;
    add("embeddings.word_embeddings.weight", {c.vocab_size, e});
    add("embeddings.position_embeddings.weight", {c.max_position_embeddings, e});
    if (c.type_vocab_size > 0)
      add("embeddings.token_type_embeddings.weight", {c.type_vocab_size, e});
    norm("embeddings.LayerNorm", e);
    if (e != h) dense("embeddings.projection", e, h);
    if (const int64_t buckets = c.relative_attention_num_buckets; buckets > 0)
      add("relative_attention_bias.weight", {buckets, c.num_attention_heads});
    for (const int64_t i : std::set<int64_t>(c.layer_weights.begin(), c.layer_weights.end())) {
      const std::string layer = "encoder.layer." + std::to_string(i) + ".";
      for (const char* part : {"query", "key", "value"})
        dense(layer + "attention.self." + part, h, h);
      dense(layer + "attention.output.dense", h, h);
      norm(layer + "attention.output.LayerNorm", h);
      dense(layer + "intermediate.dense", h, c.intermediate_size);
      dense(layer + "output.dense", c.intermediate_size, h);
      norm(layer + "output.LayerNorm", h);
    }
  }
  void dense(const std::string& name, int64_t in, int64_t out) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }
  void norm(const std::string& name, int64_t size) {
    add(name + ".weight", {size});
    add(name + ".bias", {size});
  }
  void add(const std::string& name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    auto& data = values[name] = random_floats(count, seed++, 0.3f);
    map[name] = {reinterpret_cast<const unsigned char*>(data.data()), DType::f32, std::move(shape)};
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
