#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "kernels/kernels.h"

namespace bertie {

enum class NormKind { layer_norm, rms_norm };

// Where a block f, attention or feed-forward, has its norms. after: norm(x + f(x)); before:
// x + f(norm(x)), where a block without a norm reads x as it is; around: x + norm(f(norm(x))).
enum class NormPlace { after, before, around };

// What norms queries and keys have: one layer norm over all heads, or one for each head by itself.
enum class QueryKeyNorm { none, all, head };

// By what queries and keys are turned, pair by pair, the more the later they stand: RoFormer (Su et
// al., arXiv:2104.09864).
struct Rotary {
  std::vector<float> inverse_frequencies;  // of each pair, radians from token to token
  bool interleaved = false;                // a pair is two neighbours; else one of each half
  float attention_factor = 1.0f;           // cosines and sines are multiplied by it
  // In a sequence of n > trained_length tokens the base of the d / 2 frequencies is larger: base *
  // (factor * n / trained_length - (factor - 1)) ^ (d / (d - 2)). 0: it always stays.
  int64_t trained_length = 0;
  double base = 0.0, factor = 0.0;
};

// What differs from pass to pass in attention.
struct AttentionLayer {
  int64_t rotary = -1;            // which of Config::rotary; -1: none
  int64_t left = -1, right = -1;  // query i sees keys i - left … i + right; -1: all on that side
};

// DeBERTa's attention (He et al., arXiv:2006.03654): the score of query and key gains by what the
// one says to the distance between them, and the distance to the other.
struct Disentangled {
  int64_t span = 0;           // half of the rows of the table of relative embeddings; 0: no such
  std::vector<int32_t> rows;  // rows[d + positions - 1]: the row of query place - key place = d
  bool content_to_position = false, position_to_content = false;
};

// After the first pass hidden states become norm(hidden + activation(convolution(embeddings))).
struct Convolution {
  int64_t kernel = 0;  // tokens that it reads, an odd number; 0: there is none
  Activation activation = Activation::tanh;
};

// What the forward pass needs to know; the names are config.json's.
struct Config {
  int64_t vocab_size = 0;
  int64_t embedding_size = 0;  // where it isn't hidden_size, a dense layer projects to that
  int64_t hidden_size = 0;
  int64_t num_attention_heads = 0;
  int64_t intermediate_size = 0;
  int64_t max_position_embeddings = 0;  // rows of the table, where positions are learned
  int64_t type_vocab_size = 0;          // 0: tokens have no segment
  std::vector<int64_t>
      layer_weights;  // for each pass, the number of the layer whose weights it uses
  // Positions count from that of the padding token, position_padding, plus 1, and a padding token's
  // is its own. -1: there is none, they count from 0.
  int64_t position_padding = -1;
  int64_t relative_attention_num_buckets = 0;  // 0: attention knows no distances
  float layer_norm_eps = 1e-12f;
  Activation hidden_act = Activation::gelu;
  int64_t num_key_value_heads = 0;  // 0: as many as there are heads
  int64_t head_size = 0;            // 0: hidden_size / num_attention_heads
  float attention_scale = 0.0f;     // what scores are multiplied by; 0: 1 / sqrt(head size)
  float embedding_scale = 1.0f;     // multiplies the words' embeddings
  bool projection_first = false;    // the embeddings' projection stands before their norm
  NormKind norm = NormKind::layer_norm;
  float norm_offset = 0.0f;  // added to every norm's gain
  NormPlace norm_place = NormPlace::after;
  QueryKeyNorm query_key_norm = QueryKeyNorm::none;
  bool alibi = false;  // scores fall with the distance (Press et al., arXiv:2108.12409)
  std::vector<Rotary> rotary = {};
  std::vector<AttentionLayer> attention_layers =
      {};  // for each pass; empty: every one is the default
  Disentangled disentangled = {};
  Convolution convolution = {};

  int64_t passes() const { return static_cast<int64_t>(layer_weights.size()); }
  int64_t positions() const { return max_position_embeddings - (position_padding + 1); }
  // Floats of a token's queries, of its keys (and of its values), and of all three.
  int64_t query_width() const { return num_attention_heads * head_size; }
  int64_t key_width() const { return num_key_value_heads * head_size; }
  int64_t attention_width() const { return query_width() + 2 * key_width(); }
};

// The config with what stands for something else replaced by that. Throws Error(checkpoint) for
// what no encoder can be, whatever its weights are.
Config completed(Config config);

// What each layer's products are computed in.
struct Recipe {
  Precision precision = Precision::float32;         // query, key, value; the first feed-forward
  Precision output_precision = Precision::float32;  // the two projections back to the hidden size
  // For int8 products, by their name (observe() gives them): what divides each input channel.
  std::map<std::string, std::vector<float>> smoothing;
};

}  // namespace bertie
