// Small encoders whose layers have, between them, all that differs from BERT.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "kernels/kernels.h"
#include "plain_encoder.h"
#include "random_encoder.h"

namespace bertie {

struct Kind {
  std::string name;
  Config config;
  Parts parts;
};

// Rows of distances: each its own up to the span, and then the last one on that side.
inline std::vector<int32_t> distance_rows(int64_t positions, int64_t span) {
  std::vector<int32_t> rows;
  for (int64_t d = 1 - positions; d < positions; ++d) {
    rows.push_back(static_cast<int32_t>(std::clamp(d + span, int64_t{0}, 2 * span - 1)));
  }
  return rows;
}

inline const Config sizes = {.vocab_size = 50,
                             .embedding_size = 24,
                             .hidden_size = 24,
                             .num_attention_heads = 3,
                             .intermediate_size = 40,
                             .max_position_embeddings = 64,
                             .type_vocab_size = 2,
                             .layer_weights = {0, 1, 2}};

inline Config changed(const std::function<void(Config&)>& change) {
  Config config = sizes;
  change(config);
  return config;
}

// Between them all that differs from BERT, in the company that it keeps.
inline const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"norms before blocks, gated, rotary, some layers local: ModernBERT",
       changed([](Config& c) {
         c.type_vocab_size = 0;
         c.norm_place = NormPlace::before;
         c.rotary = {{.inverse_frequencies = {1.0f, 0.1f, 0.01f, 0.001f}},
                     {.inverse_frequencies = {1.0f, 0.3f, 0.09f, 0.027f}}};
         c.attention_layers = {{0, -1, -1}, {1, 5, 5}, {1, 5, 5}};
       }),
       {.learned_positions = false, .biases = false, .gated = true, .first_norm = false}},
      {"RMS norms around blocks, fewer keys, wide heads, causal: Gemma's kind",
       changed([](Config& c) {
         c.type_vocab_size = 0;
         c.num_attention_heads = 4;
         c.num_key_value_heads = 2;
         c.head_size = 10;
         c.attention_scale = 0.2f;
         c.embedding_scale = 2.5f;
         c.norm = NormKind::rms_norm;
         c.norm_offset = 1.0f;
         c.norm_place = NormPlace::around;
         c.query_key_norm = QueryKeyNorm::head;
         c.hidden_act = Activation::silu;
         c.rotary = {{.inverse_frequencies = {1.0f, 0.2f, 0.05f}, .interleaved = true}};
         c.attention_layers = {{0, -1, 0}, {0, 7, 0}, {-1, -1, 0}};
       }),
       {.learned_positions = false, .embedding_norm = false, .biases = false, .gated = true}},
      {"distances in scores by the projections of tokens, and a convolution: DeBERTa v2",
       changed([](Config& c) {
         c.embedding_size = 10;
         c.projection_first = true;
         c.disentangled = {9, distance_rows(64, 9), true, true};
         c.attention_scale = 0.15f;
         c.convolution = {3, Activation::gelu};
       }),
       {.learned_positions = false}},
      {"distances in scores by projections of their own: DeBERTa",
       changed([](Config& c) {
         c.type_vocab_size = 1;
         c.disentangled = {30, distance_rows(64, 30), true, true};
       }),
       {.own_positions = true}},
      {"scores that fall with the distance, norms of queries and keys, one more norm: Jina",
       changed([](Config& c) {
         c.num_attention_heads = 6;
         c.alibi = true;
         c.query_key_norm = QueryKeyNorm::all;
       }),
       {.learned_positions = false, .gated = true, .residual_norm = true}},
      {"rotary whose base grows, norms after blocks: Nomic",
       changed([](Config& c) {
         c.hidden_act = Activation::silu;
         c.rotary = {{.inverse_frequencies = {1.0f, 0.1f, 0.01f, 0.001f},
                      .attention_factor = 1.2f,
                      .trained_length = 20,
                      .base = 10000.0,
                      .factor = 2.0}};
         c.attention_layers = {{0, -1, -1}, {0, -1, -1}, {0, -1, -1}};
       }),
       {.learned_positions = false, .gated = true}},
  };
  return all;
}

inline std::vector<float> run(const Encoder& encoder, const Input& input,
                              const std::vector<int64_t>& layers = {-1}) {
  std::vector<float> out(input.ids.size() * layers.size() *
                         static_cast<size_t>(encoder.config().hidden_size));
  encoder.forward(input.batch(), {layers, {}, {}, out.data()});
  return out;
}

// The largest difference from plain loops, by the largest number.
inline double difference(const std::vector<float>& hidden, const PlainEncoder::Rows& expected) {
  double worst = 0, largest = 0;
  for (size_t t = 0; t < expected.size(); ++t) {
    for (size_t i = 0; i < expected[t].size(); ++i) {
      const double found = hidden[t * expected[t].size() + i];
      worst = std::max(worst, std::abs(found - expected[t][i]));
      largest = std::max(largest, std::abs(expected[t][i]));
    }
  }
  return worst / largest;
}

inline constexpr Precision all_precisions[] = {Precision::float32, Precision::bfloat16,
                                               Precision::int8};

}  // namespace bertie
