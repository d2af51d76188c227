// The forward pass of one group of sequences, to be read from top to bottom. The threads of a team
// go through it together; where one reads what another wrote, all wait first.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "encoder/group.h"

namespace bertie {

std::map<std::string, std::vector<float>> Encoder::observe(const Batch& batch) const {
  check(batch);
  std::vector<std::vector<float>> peaks(layers_.size() * std::size(product_names));
  for (const Layer& layer : layers_) {
    for (const Product* product :
         {&layer.query_key_value, &layer.attention_output, &layer.up, &layer.down}) {
      peaks[product->index].assign(static_cast<size_t>(product->linear.in()), 0.0f);
    }
  }
  for (Group& group : plan(batch)) {
    auto scratch = make_scratch(group.tokens(), group.longest);
    scratch->peaks = &peaks;
    group.hidden = scratch->hidden.data();
    Team alone(1);
    run_group(group, *scratch, alone, 0);
  }
  std::map<std::string, std::vector<float>> named;
  for (size_t i = 0; i < peaks.size(); ++i) named[product_name(i)] = std::move(peaks[i]);
  return named;
}

void Encoder::run_group(const Group& group, Scratch& scratch, Team& team, int rank) const {
  const Rows hidden = scratch.hidden_rows(group.hidden, 0, group.tokens());
  const auto mine = team.share(rank, group.tokens());
  embed(group, mine.begin, mine.end, scratch.row.data() + rank * config_.hidden_size);
  normalize(embedding_norm_, hidden, team, rank);
  if (!layers_.empty()) prepare(layers_.front().query_key_value, hidden, scratch, team, rank);
  team.wait();
  for (size_t i = 0; i < layers_.size(); ++i) {
    attend(group, layers_[i], scratch, team, rank);
    const bool last = i + 1 == layers_.size();
    feed_forward(group, layers_[i], last ? nullptr : &layers_[i + 1].query_key_value, scratch, team,
                 rank);
  }
  pool_group(group, team, rank);
}

void Encoder::pool_group(const Group& group, const Team& team, int rank) const {
  const int64_t size = config_.hidden_size;
  const auto modes = group.pooled.modes;
  if (modes.empty()) return;
  const auto mine = team.share(rank, group.sequences());
  for (int64_t i = mine.begin; i < mine.end; ++i) {
    const int64_t start = group.starts[static_cast<size_t>(i)];
    const int64_t length = group.starts[static_cast<size_t>(i) + 1] - start;
    float* out = group.pooled.out + i * static_cast<int64_t>(modes.size()) * size;
    for (const Pooling mode : modes) {
      pool(mode, group.hidden + start * size, length, size, out);
      out += size;
    }
  }
}

void Encoder::embed(const Group& group, int64_t begin, int64_t end, float* row) const {
  const int64_t size = config_.hidden_size;
  size_t sequence = 0;
  for (int64_t t = begin; t < end; ++t) {
    while (group.starts[sequence + 1] <= t) ++sequence;
    float* out = group.hidden + t * size;
    word_.read(group.ids[t] * size, size, out);
    type_.read(group.type_ids[t] * size, size, row);
    for (int64_t i = 0; i < size; ++i) out[i] += row[i];
    position_.read((t - group.starts[sequence]) * size, size, row);
    for (int64_t i = 0; i < size; ++i) out[i] += row[i];
  }
}

void Encoder::attend(const Group& group, const Layer& layer, Scratch& scratch, Team& team,
                     int rank) const {
  const int64_t hidden = config_.hidden_size, head_size = config_.head_size();
  const int64_t heads = config_.num_attention_heads;
  const Rows hidden_rows = scratch.hidden_rows(group.hidden, 0, group.tokens());
  const Rows context_rows = scratch.context_rows(group.tokens());
  float* qkv = scratch.query_key_value.data();
  apply(layer.query_key_value, hidden_rows, Activation::identity, nullptr, qkv, team, rank);
  team.wait();
  const auto items = team.share(rank, group.sequences() * heads);
  for (int64_t item = items.begin; item < items.end; ++item) {
    const auto sequence = static_cast<size_t>(item / heads);
    const int64_t start = group.starts[sequence], first = item % heads * head_size;
    const float* query = qkv + start * 3 * hidden + first;
    kernels_.attention({.query = query,
                        .key = query + hidden,
                        .value = query + 2 * hidden,
                        .stride = 3 * hidden,
                        .length = group.starts[sequence + 1] - start,
                        .head_size = head_size,
                        .scale = 1.0f / __builtin_sqrtf(static_cast<float>(head_size)),
                        .out = scratch.context.data() + start * hidden + first,
                        .out_stride = hidden,
                        .scratch = scratch.attention.data() + rank * scratch.attention_floats});
  }
  team.wait();
  if (scratch.prepares(layer.attention_output)) {
    prepare(layer.attention_output, context_rows, scratch, team, rank);
    team.wait();
  }
  apply(layer.attention_output, context_rows, Activation::identity, group.hidden, group.hidden,
        team, rank);
  team.wait();
  normalize(layer.attention_norm, hidden_rows, team, rank);
  prepare(layer.up, hidden_rows, scratch, team, rank);
  team.wait();
}

void Encoder::feed_forward(const Group& group, const Layer& layer, const Product* next,
                           Scratch& scratch, Team& team, int rank) const {
  for (int64_t first = 0; first < group.tokens(); first += feed_forward_rows) {
    const int64_t count = std::min(feed_forward_rows, group.tokens() - first);
    float* hidden = group.hidden + first * config_.hidden_size;
    const Rows hidden_rows = scratch.hidden_rows(hidden, first, count);
    const Rows inner_rows = scratch.inner_rows(count);
    apply(layer.up, hidden_rows, config_.hidden_act, nullptr, scratch.inner.data(), team, rank);
    team.wait();
    if (scratch.prepares(layer.down)) {
      prepare(layer.down, inner_rows, scratch, team, rank);
      team.wait();
    }
    apply(layer.down, inner_rows, Activation::identity, hidden, hidden, team, rank);
    team.wait();
    normalize(layer.output_norm, hidden_rows, team, rank);
    if (next != nullptr) prepare(*next, hidden_rows, scratch, team, rank);
    team.wait();
  }
}

// Each member makes the operands of its share of the rows, which it has often just written.
void Encoder::prepare(const Product& product, const Rows& rows, Scratch& scratch, const Team& team,
                      int rank) const {
  const int64_t in = product.linear.in();
  const auto mine = team.share(rank, rows.count);
  const float* x = rows.x + mine.begin * in;
  if (scratch.peaks != nullptr) {
    float* peaks = (*scratch.peaks)[product.index].data();
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
void Encoder::apply(const Product& product, const Rows& in, Activation activation,
                    const float* residual, float* out, const Team& team, int rank) const {
  const Linear& linear = product.linear;
  const GemmKernels& gemm = kernels_.gemm[static_cast<int>(linear.precision())];
  const bool as_is = linear.precision() == Precision::float32;
  const int64_t panels = (linear.out() + kernels_.panel - 1) / kernels_.panel;
  const auto mine = team.share(rank, panels);
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

void Encoder::normalize(const Norm& norm, const Rows& rows, const Team& team, int rank) const {
  const int64_t size = config_.hidden_size;
  const auto mine = team.share(rank, rows.count);
  kernels_.layer_norm(rows.x + mine.begin * size, mine.end - mine.begin, size, norm.gain.data(),
                      norm.bias.data(), config_.layer_norm_eps);
}

}  // namespace bertie
