// The forward pass of one group of sequences, to be read from top to bottom. Its rows go through
// products in blocks, which the threads of a team take together; only attention reads the rows of
// others. Where a thread reads what another wrote, all wait first.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "encoder/group.h"
#include "encoder/linear.h"
#include "encoder/pooling.h"
#include "encoder/rotary.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"
#include "runtime/team.h"

namespace bertie {

void Encoder::run_group(const Group& group, Scratch& scratch, Team& team, int rank) const {
  // A long text's blocks are shared out among the threads. Otherwise there is one block, all of the
  // group, each of whose products they share.
  Team alone(1);
  const auto each_block = [&](const auto& step) {
    if (!group.in_blocks()) {
      step(Block{group, scratch, scratch.buffers[0], team, rank, 0, group.tokens()});
      return;
    }
    const auto mine = team.share(rank, group.tokens());
    Buffers& buffers = scratch.buffers[static_cast<size_t>(rank)];
    for (int64_t first = mine.begin; first < mine.end; first += group_tokens) {
      const int64_t count = std::min(group_tokens, mine.end - first);
      step(Block{group, scratch, buffers, alone, 0, first, count});
    }
  };
  each_block([&](const Block& block) {
    embed(block);
    if (group.passes > 0) project(block, 1);
  });
  for (int64_t pass = 1; pass <= group.passes; ++pass) {
    team.wait();
    keep(group, pass - 1, team, rank);
    attend(group, pass, scratch, team, rank);
    team.wait();
    each_block([&](const Block& block) {
      leave_attention(block, pass);
      feed_forward(block, pass);
      if (pass < group.passes) project(block, pass + 1);
    });
  }
  team.wait();
  keep(group, group.passes, team, rank);
}

// Leaves the block's hidden states, and the operands of the first product.
void Encoder::embed(const Block& block) const {
  const bool projects = projection_.out() > 0;
  const int64_t width = config_.embedding_size, size = config_.hidden_size;
  const auto [begin, end] = block.share(block.count);
  float* hidden = block.group.hidden + block.first * size;
  float* sums = projects ? block.buffers.embedding.data() : hidden;
  add_embeddings(block, begin, end, block.buffers.row.data() + block.rank * width, sums);
  if (!config_.projection_first) {
    normalize(embedding_norm_, sums + begin * width, end - begin, sums + begin * width);
  }
  if (projects) {
    block.team.wait();
    apply(block, projection_, {.x = sums, .count = block.count}, Activation::identity, nullptr,
          hidden);
    block.team.wait();
  }
  float* rows = hidden + begin * size;
  if (config_.projection_first) normalize(embedding_norm_, rows, end - begin, rows);
  if (convolution_.out() > 0) {
    std::copy_n(rows, (end - begin) * size,
                block.scratch.embeddings.data() + (block.first + begin) * size);
  }
  if (block.group.passes == 0) return;
  enter(block, layer(1).before_attention, layer(1).query_key_value, block.first, block.count);
  block.team.wait();
}

// sums: (rows of the block, embedding_size), of which it fills those from `begin` to `end`. row is
// scratch.
void Encoder::add_embeddings(const Block& block, int64_t begin, int64_t end, float* row,
                             float* sums) const {
  const Group& group = block.group;
  const int64_t size = config_.embedding_size, padding = config_.position_padding;
  size_t sequence = group.sequence_of(block.first + begin);
  int64_t next = padding + 1;
  for (int64_t t = group.starts[sequence]; t < block.first + end; ++t) {
    if (t == group.starts[sequence + 1]) {
      ++sequence;
      next = padding + 1;
    }
    const int64_t position = group.ids[t] == padding ? padding : next++;
    if (t < block.first + begin) continue;
    float* out = sums + (t - block.first) * size;
    const auto add = [&](const TensorView& table, int64_t index) {
      table.read(index * size, size, row);
      for (int64_t i = 0; i < size; ++i) out[i] += row[i];
    };
    word_.read(group.ids[t] * size, size, out);
    if (config_.embedding_scale != 1.0f) {
      for (int64_t i = 0; i < size; ++i) out[i] *= config_.embedding_scale;
    }
    if (config_.type_vocab_size > 0) add(type_, reads_types() ? group.type_ids[t] : 0);
    if (learns_positions()) add(position_, position);
  }
}

// Makes the block's queries, keys and values of a pass.
void Encoder::project(const Block& block, int64_t pass) const {
  const Linear& linear = layer(pass).query_key_value.linear;
  apply(block, linear, input(block, layer(pass).before_attention, block.first, block.count),
        Activation::identity, nullptr,
        block.scratch.query_key_value.data() + block.first * linear.out());
  if (!layer(pass).query_norm.exists() && attention(pass).rotary < 0) return;
  block.team.wait();
  turn(block, pass);
}

// Norms queries and keys, and turns them by where their token stands in its sequence.
void Encoder::turn(const Block& block, int64_t pass) const {
  const Group& group = block.group;
  const Norm &query_norm = layer(pass).query_norm, &key_norm = layer(pass).key_norm;
  const int64_t rotary = attention(pass).rotary;
  const int64_t heads = config_.num_attention_heads, key_heads = config_.num_key_value_heads;
  const auto mine = block.share(block.count);
  size_t sequence = group.sequence_of(block.first + mine.begin);
  for (int64_t t = block.first + mine.begin; t < block.first + mine.end; ++t) {
    if (t == group.starts[sequence + 1]) ++sequence;
    float* query = block.scratch.query_key_value.data() + t * config_.attention_width();
    float* key = query + config_.query_width();
    const bool by_head = config_.query_key_norm == QueryKeyNorm::head;
    normalize(query_norm, query, by_head ? heads : 1, query);
    normalize(key_norm, key, by_head ? key_heads : 1, key);
    if (rotary < 0) continue;
    const Turns& turns = *group.turns[static_cast<size_t>(rotary)][sequence];
    const int64_t at = (t - group.starts[sequence]) * turns.pairs;
    kernels_.rotate(query, heads + key_heads, config_.head_size, turns.cos.data() + at,
                    turns.sin.data() + at, 2 * turns.pairs,
                    config_.rotary[static_cast<size_t>(rotary)].interleaved);
  }
}

// The tables of one head.
RelativePositions Encoder::relative_positions(const Layer& layer, int64_t head) const {
  const auto of_head = [&](const Aligned<float>& table) {
    return table.size() > 0 ? table.data() + head * config_.head_size : nullptr;
  };
  if (config_.disentangled.span == 0) return {};
  return {.key = of_head(layer.positions.key),
          .query = of_head(layer.positions.query),
          .stride = config_.query_width(),
          .rows = config_.disentangled.rows.data() + config_.positions() - 1};
}

void Encoder::attend(const Group& group, int64_t pass, Scratch& scratch, const Team& team,
                     int rank) const {
  const int64_t heads = config_.num_attention_heads, size = config_.head_size;
  const int64_t shared = heads / config_.num_key_value_heads;  // that read the same keys
  const int64_t stride = config_.attention_width(), context_width = config_.query_width();
  const auto items = team.share(rank, group.sequences() * heads);
  for (int64_t item = items.begin; item < items.end; ++item) {
    const auto sequence = static_cast<size_t>(item / heads);
    const int64_t start = group.starts[sequence], head = item % heads;
    const float* row = scratch.query_key_value.data() + start * stride;
    const float* key = row + context_width + head / shared * size;
    const RelativePositions positions = relative_positions(layer(pass), head);
    kernels_.attention({.query = row + head * size,
                        .key = key,
                        .value = key + config_.key_width(),
                        .stride = stride,
                        .length = group.starts[sequence + 1] - start,
                        .keys = group.attended == nullptr ? 0 : group.attended[sequence],
                        .head_size = size,
                        .scale = config_.attention_scale,
                        .left = attention(pass).left,
                        .right = attention(pass).right,
                        .bias = group.bias == nullptr ? nullptr : group.bias->of_head(head),
                        .positions = positions.rows == nullptr ? nullptr : &positions,
                        .out = scratch.context.data() + start * context_width + head * size,
                        .out_stride = context_width,
                        .scratch = scratch.attention.data() + rank * scratch.attention_floats});
  }
}

// Adds what the heads gathered to the block's hidden states.
void Encoder::leave_attention(const Block& block, int64_t pass) const {
  const Product& product = layer(pass).attention_output;
  const Rows context = {block.scratch.context.data() + block.first * config_.query_width(), 0,
                        block.count, block.buffers.operands.data(), block.buffers.scales.data()};
  if (block.prepares(product)) {
    prepare(block, product, context);
    block.team.wait();
  }
  add_to_hidden(block, product, context, layer(pass).after_attention, layer(pass).after_residual,
                block.first);
  enter(block, layer(pass).before_feed_forward, layer(pass).up, block.first, block.count);
  block.team.wait();
}

// Adds what each token becomes by itself; leaves the operands of the next pass, if there is one.
void Encoder::feed_forward(const Block& block, int64_t pass) const {
  const Product &up = layer(pass).up, &down = layer(pass).down;
  const Layer* next = pass < block.group.passes ? &layer(pass + 1) : nullptr;
  const int64_t end = block.first + block.count;
  for (int64_t first = block.first; first < end; first += feed_forward_rows) {
    const int64_t count = std::min(feed_forward_rows, end - first);
    const Rows inner = block.buffers.inner_rows(count);
    apply(block, up.linear, input(block, layer(pass).before_feed_forward, first, count),
          config_.hidden_act, nullptr, inner.x);
    block.team.wait();
    if (block.prepares(down)) {
      prepare(block, down, inner);
      block.team.wait();
    }
    add_to_hidden(block, down, inner, layer(pass).after_feed_forward, {}, first);
    if (pass == 1 && convolution_.out() > 0) convolve(block, first, count);
    if (pass == config_.passes()) {
      const auto mine = block.share(count);
      float* rows = block.group.hidden + (first + mine.begin) * config_.hidden_size;
      normalize(final_norm_, rows, mine.end - mine.begin, rows);
    }
    if (next != nullptr) {
      enter(block, next->before_attention, next->query_key_value, first, count);
    }
    block.team.wait();
  }
}

// Adds what rows gather from the embeddings of their neighbours.
void Encoder::convolve(const Block& block, int64_t first, int64_t count) const {
  const Group& group = block.group;
  const int64_t size = config_.hidden_size, kernel = config_.convolution.kernel;
  const auto mine = block.share(count);
  size_t sequence = group.sequence_of(first + mine.begin);
  float* to = block.buffers.neighbours.data() + mine.begin * kernel * size;
  for (int64_t t = first + mine.begin; t < first + mine.end; ++t) {
    if (t == group.starts[sequence + 1]) ++sequence;
    for (int64_t k = 0; k < kernel; ++k, to += size) {
      const int64_t from = t + k - kernel / 2;
      const bool inside = from >= group.starts[sequence] && from < group.starts[sequence + 1];
      if (inside) {
        std::copy_n(block.scratch.embeddings.data() + from * size, size, to);
      } else {
        std::fill_n(to, size, 0.0f);
      }
    }
  }
  block.team.wait();
  float* hidden = group.hidden + first * size;
  apply(block, convolution_, {.x = block.buffers.neighbours.data(), .count = count},
        config_.convolution.activation, hidden, hidden);
  block.team.wait();
  float* rows = hidden + mine.begin * size;
  normalize(convolution_norm_, rows, mine.end - mine.begin, rows);
}

// Copies or pools what the result asks for of the hidden states after so many passes.
void Encoder::keep(const Group& group, int64_t pass, const Team& team, int rank) const {
  const auto& [layers, modes, skip, out] = group.result;
  const int64_t size = config_.hidden_size;
  const auto count = static_cast<int64_t>(layers.size());
  const auto vectors = static_cast<int64_t>(std::max<size_t>(modes.size(), 1));
  for (int64_t i = 0; i < count; ++i) {
    if (layers[static_cast<size_t>(i)] != pass) continue;
    // Named anew, for clang 14 captures no binding.
    const auto place = [&, first = out](int64_t row) {
      return first + (row * count + i) * vectors * size;
    };
    const auto mine = team.share(rank, modes.empty() ? group.tokens() : group.sequences());
    for (int64_t row = mine.begin; row < mine.end; ++row) {
      if (modes.empty()) {
        std::copy_n(group.hidden + row * size, size, place(row));
        continue;
      }
      const auto sequence = static_cast<size_t>(row);
      const int64_t start = group.starts[sequence], length = group.starts[sequence + 1] - start;
      float* to = place(row);
      for (const Pooling mode : modes) {
        pool(mode, group.hidden + start * size, length, skip.empty() ? 0 : skip[sequence], size,
             to);
        to += size;
      }
    }
  }
}

// Where a product that stands at the beginning of an attention or feed-forward block finds rows.
Encoder::Rows Encoder::input(const Block& block, const Norm& norm, int64_t first,
                             int64_t count) const {
  const int64_t size = config_.hidden_size, place = first - block.first;
  float* x = norm.exists() ? block.buffers.branch.data() + place * size
                           : block.group.hidden + first * size;
  return {x, place, count, block.buffers.operands.data(), block.buffers.scales.data()};
}

// Puts them there, each member its share.
void Encoder::enter(const Block& block, const Norm& norm, const Product& product, int64_t first,
                    int64_t count) const {
  const Rows rows = input(block, norm, first, count);
  const auto [begin, end] = block.share(count);
  const float* hidden = block.group.hidden + first * config_.hidden_size;
  if (norm.exists()) {
    normalize(norm, hidden + begin * config_.hidden_size, end - begin,
              rows.x + begin * config_.hidden_size);
  }
  prepare(block, product, rows);
}

// Each member makes the operands of its share of the rows, which it has often just written.
void Encoder::prepare(const Block& block, const Product& product, const Rows& rows) const {
  const int64_t in = product.linear.in();
  const auto mine = block.share(rows.count);
  const float* x = rows.x + mine.begin * in;
  if (block.scratch.peaks != nullptr) {
    float* peaks = (*block.scratch.peaks)[product.index].data();
    for (int64_t i = 0; i < (mine.end - mine.begin) * in; ++i) {
      peaks[i % in] = std::max(peaks[i % in], std::abs(x[i]));
    }
  }
  if (product.linear.precision() == Precision::float32) return;
  const GemmKernels& gemm = kernels_.gemm[static_cast<int>(product.linear.precision())];
  gemm.operand(x, mine.end - mine.begin, product.linear.packed(),
               rows.operands + (rows.first + mine.begin) * gemm.operand_bytes(in),
               rows.scales + rows.first + mine.begin);
}

// The team's members take panels of output channels each; a row's sums are the same either way.
void Encoder::apply(const Block& block, const Linear& linear, const Rows& in, Activation activation,
                    const float* residual, float* out) const {
  const GemmKernels& gemm = kernels_.gemm[static_cast<int>(linear.precision())];
  const bool as_is = linear.precision() == Precision::float32;
  const auto mine = block.share(linear.panels());
  const int64_t row_bytes = gemm.operand_bytes(linear.in());
  const void* operands = in.operands + in.first * row_bytes;
  gemm.gemm({.a = as_is ? in.x : operands,
             .a_stride = row_bytes,
             .a_scale = in.scales + in.first,
             .rows = in.count,
             .linear = &linear.packed(),
             .panel_begin = mine.begin,
             .panel_end = mine.end,
             .activation = activation,
             .residual = residual,
             .out = out,
             .out_stride = linear.out()});
}

// hidden = norm(hidden + product(in)), or hidden += norm(product(in)) where norms stand around
// blocks; with another norm after that, what the first one gives is added to what hidden was. Each
// member has finished its share of the rows then.
void Encoder::add_to_hidden(const Block& block, const Product& product, const Rows& in,
                            const Norm& norm, const Norm& another, int64_t first) const {
  const int64_t size = config_.hidden_size;
  const bool around = config_.norm_place == NormPlace::around;
  const bool apart = around || another.exists();
  float* hidden = block.group.hidden + first * size;
  float* sums = apart ? block.buffers.branch.data() + (first - block.first) * size : hidden;
  apply(block, product.linear, in, Activation::identity, around ? nullptr : hidden, sums);
  block.team.wait();
  const auto [begin, end] = block.share(in.count);
  normalize(norm, sums + begin * size, end - begin, sums + begin * size);
  if (!apart) return;
  for (int64_t i = begin * size; i < end * size; ++i) hidden[i] += sums[i];
  normalize(another, hidden + begin * size, end - begin, hidden + begin * size);
}

void Encoder::normalize(const Norm& norm, const float* x, int64_t rows, float* out) const {
  if (!norm.exists()) return;
  const int64_t size = norm.gain.size();
  if (norm.kind == NormKind::rms_norm) {
    kernels_.rms_norm(x, out, rows, size, norm.gain.data(), config_.layer_norm_eps);
  } else {
    kernels_.layer_norm(x, out, rows, size, norm.gain.data(), norm.bias.data(),
                        config_.layer_norm_eps);
  }
}

}  // namespace bertie
