// The forward pass of one group of sequences, to be read from top to bottom. The threads of a team
// go through it together; where one reads what another wrote, all wait first.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "encoder/encoder.h"
#include "encoder/group.h"
#include "encoder/pooling.h"
#include "kernels/kernels.h"
#include "runtime/team.h"

namespace bertie {

std::map<std::string, std::vector<float>> Encoder::observe(const Batch& batch) const {
  check(batch);
  std::vector<std::vector<float>> peaks(products_.size());
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
    group.passes = config_.passes();
    Team alone(1);
    run_group(group, *scratch, alone, 0);
  }
  std::map<std::string, std::vector<float>> named;
  for (size_t i = 0; i < peaks.size(); ++i) named[products_[i]] = std::move(peaks[i]);
  return named;
}

void Encoder::run_group(const Group& group, Scratch& scratch, Team& team, int rank) const {
  embed(group, scratch, team, rank);
  if (group.passes > 0) {
    const Rows hidden = scratch.hidden_rows(group.hidden, 0, group.tokens());
    prepare(passes_.front()->query_key_value, hidden, scratch, team, rank);
  }
  team.wait();
  keep(group, 0, team, rank);
  for (int64_t pass = 1; pass <= group.passes; ++pass) {
    const Layer& layer = *passes_[static_cast<size_t>(pass - 1)];
    const bool last = pass == group.passes;
    attend(group, layer, scratch, team, rank);
    feed_forward(group, layer,
                 last ? nullptr : &passes_[static_cast<size_t>(pass)]->query_key_value, scratch,
                 team, rank);
    keep(group, pass, team, rank);
  }
}

void Encoder::embed(const Group& group, Scratch& scratch, Team& team, int rank) const {
  const bool projects = projection_.out() > 0;
  const Rows rows = {.x = projects ? scratch.embedding.data() : group.hidden,
                     .count = group.tokens()};
  const auto mine = team.share(rank, rows.count);
  add_embeddings(group, mine.begin, mine.end, scratch.row.data() + rank * config_.embedding_size,
                 rows.x);
  normalize(embedding_norm_, rows, team, rank);
  if (!projects) return;
  team.wait();
  apply(projection_, rows, Activation::identity, nullptr, group.hidden, team, rank);
  team.wait();
}

// sums: (tokens, embedding_size), of which it fills the rows from `begin` to `end`. row is scratch.
void Encoder::add_embeddings(const Group& group, int64_t begin, int64_t end, float* row,
                             float* sums) const {
  const int64_t size = config_.embedding_size, padding = config_.position_padding;
  size_t sequence = 0;
  while (group.starts[sequence + 1] <= begin) ++sequence;
  int64_t next = padding + 1;
  for (int64_t t = group.starts[sequence]; t < end; ++t) {
    if (t == group.starts[sequence + 1]) {
      ++sequence;
      next = padding + 1;
    }
    const int64_t position = group.ids[t] == padding ? padding : next++;
    if (t < begin) continue;
    float* out = sums + t * size;
    word_.read(group.ids[t] * size, size, out);
    if (config_.type_vocab_size > 0) {
      type_.read(reads_types() ? group.type_ids[t] * size : 0, size, row);
      for (int64_t i = 0; i < size; ++i) out[i] += row[i];
    }
    position_.read(position * size, size, row);
    for (int64_t i = 0; i < size; ++i) out[i] += row[i];
  }
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

void Encoder::attend(const Group& group, const Layer& layer, Scratch& scratch, Team& team,
                     int rank) const {
  const int64_t hidden = config_.hidden_size, head_size = config_.head_size();
  const int64_t heads = config_.num_attention_heads;
  const Rows hidden_rows = scratch.hidden_rows(group.hidden, 0, group.tokens());
  const Rows context_rows = scratch.context_rows(group.tokens());
  float* qkv = scratch.query_key_value.data();
  apply(layer.query_key_value.linear, hidden_rows, Activation::identity, nullptr, qkv, team, rank);
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
                        .keys = group.attended == nullptr ? 0 : group.attended[sequence],
                        .head_size = head_size,
                        .scale = 1.0f / __builtin_sqrtf(static_cast<float>(head_size)),
                        .bias = relative_bias_.of_head(item % heads),
                        .out = scratch.context.data() + start * hidden + first,
                        .out_stride = hidden,
                        .scratch = scratch.attention.data() + rank * scratch.attention_floats});
  }
  team.wait();
  if (scratch.prepares(layer.attention_output)) {
    prepare(layer.attention_output, context_rows, scratch, team, rank);
    team.wait();
  }
  apply(layer.attention_output.linear, context_rows, Activation::identity, group.hidden,
        group.hidden, team, rank);
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
    apply(layer.up.linear, hidden_rows, config_.hidden_act, nullptr, scratch.inner.data(), team,
          rank);
    team.wait();
    if (scratch.prepares(layer.down)) {
      prepare(layer.down, inner_rows, scratch, team, rank);
      team.wait();
    }
    apply(layer.down.linear, inner_rows, Activation::identity, hidden, hidden, team, rank);
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
void Encoder::apply(const Linear& linear, const Rows& in, Activation activation,
                    const float* residual, float* out, const Team& team, int rank) const {
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
  const int64_t size = norm.gain.size();
  const auto mine = team.share(rank, rows.count);
  kernels_.layer_norm(rows.x + mine.begin * size, mine.end - mine.begin, size, norm.gain.data(),
                      norm.bias.data(), config_.layer_norm_eps);
}

}  // namespace bertie
