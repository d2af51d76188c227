// What one group of sequences is, and what it needs while it passes through the layers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "encoder/encoder.h"
#include "encoder/pooling.h"
#include "encoder/relative_bias.h"
#include "encoder/rotary.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"
#include "runtime/team.h"

namespace bertie {

// Tokens that one group carries through all layers: enough rows to reuse each panel of weights,
// few enough that the group's activations stay in a core's second-level cache.
inline constexpr int64_t group_tokens = 160;
// Rows that pass through the feed-forward block together: its inner width is the largest buffer.
inline constexpr int64_t feed_forward_rows = 96;
// Up to so many tokens a group is one block of rows; a longer one, a long text's, is many.
inline constexpr int64_t most_block_tokens = 1024;

// A layer's products, named after what they read, in the order of Encoder::Layer.
inline constexpr const char* product_names[] = {"attention.self", "attention.output.dense",
                                                "intermediate.dense", "output.dense"};

struct Encoder::Group {
  const int32_t* ids = nullptr;
  const int32_t* type_ids = nullptr;
  const int32_t* attended = nullptr;  // a count for each sequence, or null
  std::vector<int64_t> starts{0};     // where each sequence starts, and where the last one ends
  int64_t longest = 0;
  int64_t first_token = 0, first_sequence = 0;  // within the batch
  float* hidden = nullptr;                      // (tokens, hidden_size): the residual stream
  int64_t passes = 0;                           // through layers
  Result result;  // of this group; no layers where `hidden` is the result
  std::shared_ptr<const RelativeBias::Table> bias;               // or null
  std::vector<std::vector<std::shared_ptr<const Turns>>> turns;  // by Config::rotary, by sequence

  int64_t tokens() const { return starts.back(); }
  int64_t sequences() const { return static_cast<int64_t>(starts.size()) - 1; }
  // Which of them a token belongs to.
  size_t sequence_of(int64_t token) const {
    size_t sequence = 0;
    while (starts[sequence + 1] <= token) ++sequence;
    return sequence;
  }
  bool in_blocks() const { return tokens() > most_block_tokens; }
};

// float32 rows beside their form as a product's operand. A float32 product reads them as they are.
struct Encoder::Rows {
  float* x = nullptr;
  int64_t first = 0;  // the place of row 0 among the rows that share the buffers below
  int64_t count = 0;
  unsigned char* operands = nullptr;
  RowScale* scales = nullptr;
};

// What the rows of one block need.
struct Encoder::Buffers {
  Aligned<float> row;               // (threads, embedding_size)
  Aligned<float> embedding;         // (rows, embedding_size), where it is projected to hidden
  Aligned<float> branch;            // (rows, hidden), where norms stand before or around blocks
  Aligned<float> inner;             // (feed_forward_rows, intermediate)
  Aligned<float> neighbours;        // (feed_forward_rows, kernel × hidden), for a convolution
  Aligned<unsigned char> operands;  // of rows of hidden or context,
  Aligned<unsigned char> inner_operands;  // and of those of inner
  Aligned<RowScale> scales, inner_scales;

  int64_t bytes() const {
    return 4 * (row.size() + embedding.size() + branch.size() + inner.size() + neighbours.size()) +
           operands.size() + inner_operands.size() +
           static_cast<int64_t>(sizeof(RowScale)) * (scales.size() + inner_scales.size());
  }
  Rows inner_rows(int64_t count) {
    return {inner.data(), 0, count, inner_operands.data(), inner_scales.data()};
  }
};

struct Encoder::Scratch {
  int64_t tokens, longest;   // of the largest group that it is for
  int64_t attention_floats;  // of one thread
  Aligned<float> hidden;     // (tokens, hidden), where it isn't computed in the result's place
  Aligned<float> query_key_value;  // (tokens, attention_width)
  Aligned<float> context;          // (tokens, query_width)
  Aligned<float> embeddings;       // (tokens, hidden): layer 0's, where a convolution reads them
  Aligned<float> attention;        // (threads, attention_floats)
  std::vector<Buffers> buffers;    // one for the group, or one for each thread
  // Largest magnitudes of each product's inputs, while they are being observed.
  std::vector<std::vector<float>>* peaks = nullptr;

  int64_t bytes() const {
    int64_t total = 4 * (hidden.size() + query_key_value.size() + context.size() +
                         embeddings.size() + attention.size());
    for (const Buffers& each : buffers) total += each.bytes();
    return total;
  }
};

// Rows of a group that go through the products together, and who takes them there.
struct Encoder::Block {
  const Group& group;
  Scratch& scratch;
  Buffers& buffers;
  Team& team;
  int rank;
  int64_t first, count;

  Team::Share share(int64_t rows) const { return team.share(rank, rows); }
  // Whether prepare() has anything to do for a product; if not, nobody need wait for it.
  bool prepares(const Product& product) const {
    return scratch.peaks != nullptr || product.linear.precision() != Precision::float32;
  }
};

}  // namespace bertie
