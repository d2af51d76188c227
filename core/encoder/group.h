// What one group of sequences is, and what it needs while it passes through the layers.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "encoder/pooling.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"

namespace bertie {

// Rows that pass through the feed-forward block together: its inner width is the largest buffer.
inline constexpr int64_t feed_forward_rows = 96;

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

  int64_t tokens() const { return starts.back(); }
  int64_t sequences() const { return static_cast<int64_t>(starts.size()) - 1; }
};

// float32 rows beside their form as a product's operand. A float32 product reads them as they are.
struct Encoder::Rows {
  float* x = nullptr;
  int64_t first = 0;  // the place of row 0 among the rows that share the buffers below
  int64_t count = 0;
  unsigned char* operands = nullptr;
  RowScale* scales = nullptr;
};

struct Encoder::Scratch {
  // hidden_bytes, inner_bytes: the widest operand row of the hidden and the intermediate size.
  Scratch(const Config& config, int64_t group, int64_t longest_sequence, bool projects,
          int64_t attention_size, int64_t hidden_bytes, int64_t inner_bytes, int threads)
      : tokens(group),
        longest(longest_sequence),
        attention_floats(attention_size),
        hidden(tokens * config.hidden_size),
        query_key_value(tokens * 3 * config.hidden_size),
        context(tokens * config.hidden_size),
        inner(std::min(tokens, feed_forward_rows) * config.intermediate_size),
        attention(attention_floats * threads),
        row(config.embedding_size * threads),
        embedding(projects ? tokens * config.embedding_size : 0),
        hidden_operand(tokens * hidden_bytes),
        context_operand(tokens * hidden_bytes),
        inner_operand(std::min(tokens, feed_forward_rows) * inner_bytes),
        hidden_scales(tokens),
        context_scales(tokens),
        inner_scales(std::min(tokens, feed_forward_rows)) {}

  Rows hidden_rows(float* x, int64_t first, int64_t count) {
    return {x, first, count, hidden_operand.data(), hidden_scales.data()};
  }
  Rows context_rows(int64_t count) {
    return {context.data(), 0, count, context_operand.data(), context_scales.data()};
  }
  Rows inner_rows(int64_t count) {
    return {inner.data(), 0, count, inner_operand.data(), inner_scales.data()};
  }

  // Whether prepare() has anything to do for a product; if not, nobody need wait for it.
  bool prepares(const Product& product) const {
    return peaks != nullptr || product.linear.precision() != Precision::float32;
  }

  const int64_t tokens, longest, attention_floats;
  Aligned<float> hidden;  // (tokens, hidden), where it isn't computed in the result's place
  Aligned<float> query_key_value;  // (tokens, 3 × hidden)
  Aligned<float> context;          // (tokens, hidden)
  Aligned<float> inner;            // (feed_forward_rows, intermediate)
  Aligned<float> attention;        // (threads, attention_floats)
  Aligned<float> row;              // (threads, embedding_size)
  Aligned<float> embedding;        // (tokens, embedding_size), where it is projected to hidden
  Aligned<unsigned char> hidden_operand, context_operand, inner_operand;
  Aligned<RowScale> hidden_scales, context_scales, inner_scales;
  // Largest magnitudes of each product's inputs, while they are being observed.
  std::vector<std::vector<float>>* peaks = nullptr;
};

}  // namespace bertie
