#include "encoder/encoder.h"

#include <algorithm>

#include "runtime/error.h"

namespace bertie {
namespace {

// Tokens that one group carries through all layers: enough rows to reuse each panel of weights,
// few enough that the group's activations stay in a core's second-level cache.
constexpr int64_t group_tokens = 160;
// Below this many tokens a thread, splitting the output channels beats splitting the sequences.
constexpr int64_t least_tokens_per_thread = 48;
// Rows that pass through the feed-forward block together: its inner width is the largest buffer.
constexpr int64_t feed_forward_rows = 96;

}  // namespace

struct Encoder::Group {
  const int32_t* ids = nullptr;
  const int32_t* type_ids = nullptr;
  std::vector<int64_t> starts{0};  // where each sequence starts, and where the last one ends
  int64_t longest = 0;
  float* hidden = nullptr;  // (tokens, hidden_size): the residual stream, and in the end the result

  int64_t tokens() const { return starts.back(); }
  int64_t sequences() const { return static_cast<int64_t>(starts.size()) - 1; }
};

struct Encoder::Scratch {
  Scratch(const Config& config, const Kernels& kernels, int64_t group, int64_t longest_sequence,
          int threads)
      : tokens(group),
        longest(longest_sequence),
        attention_floats(kernels.attention_scratch(longest, config.head_size())),
        query_key_value(tokens * 3 * config.hidden_size),
        context(tokens * config.hidden_size),
        inner(std::min(tokens, feed_forward_rows) * config.intermediate_size),
        attention(attention_floats * threads),
        row(config.hidden_size * threads) {}
  const int64_t tokens, longest, attention_floats;
  Aligned<float> query_key_value;  // (tokens, 3 × hidden)
  Aligned<float> context;          // (tokens, hidden)
  Aligned<float> inner;            // (feed_forward_rows, intermediate)
  Aligned<float> attention;        // (threads, attention_floats)
  Aligned<float> row;              // (threads, hidden)
};

Encoder::Encoder(const Config& config, const TensorMap& tensors, int threads)
    : config_(config), kernels_(select_kernels()), pool_(threads) {
  const int64_t hidden = config_.hidden_size;
  word_ = find(tensors, "embeddings.word_embeddings.weight", {config_.vocab_size, hidden});
  position_ = find(tensors, "embeddings.position_embeddings.weight",
                   {config_.max_position_embeddings, hidden});
  type_ = find(tensors, "embeddings.token_type_embeddings.weight", {config_.type_vocab_size, hidden});
  embedding_norm_ = read_norm(tensors, "embeddings.LayerNorm");
  layers_.resize(static_cast<size_t>(config_.num_hidden_layers));
  pool_.for_each(config_.num_hidden_layers, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) layers_[static_cast<size_t>(i)] = read_layer(tensors, i);
  });
}

Encoder::~Encoder() = default;

Encoder::Norm Encoder::read_norm(const TensorMap& tensors, const std::string& name) const {
  const int64_t size = config_.hidden_size;
  Norm norm{Aligned<float>(size), Aligned<float>(size)};
  find(tensors, name + ".weight", {size}).read(0, size, norm.gain.data());
  find(tensors, name + ".bias", {size}).read(0, size, norm.bias.data());
  return norm;
}

Encoder::Layer Encoder::read_layer(const TensorMap& tensors, int64_t index) const {
  const std::string prefix = "encoder.layer." + std::to_string(index) + ".";
  auto linear = [&](int64_t in, int64_t out, std::initializer_list<const char*> names) {
    std::vector<const TensorView*> weights, biases;
    for (const char* name : names) {
      weights.push_back(&find(tensors, prefix + name + ".weight", {out, in}));
      biases.push_back(&find(tensors, prefix + name + ".bias", {out}));
    }
    return Linear(kernels_, in, weights, biases);
  };
  const int64_t hidden = config_.hidden_size, inner = config_.intermediate_size;
  return {linear(hidden, hidden, {"attention.self.query", "attention.self.key", "attention.self.value"}),
          linear(hidden, hidden, {"attention.output.dense"}),
          read_norm(tensors, prefix + "attention.output.LayerNorm"),
          linear(hidden, inner, {"intermediate.dense"}),
          linear(inner, hidden, {"output.dense"}),
          read_norm(tensors, prefix + "output.LayerNorm")};
}

void Encoder::check(const Batch& batch) const {
  auto fail = [](const std::string& message) { throw Error(ErrorKind::input, message); };
  if (batch.ids.size() != batch.type_ids.size()) {
    fail("got " + std::to_string(batch.ids.size()) + " token ids and " +
         std::to_string(batch.type_ids.size()) + " type ids; expected as many of each");
  }
  int64_t total = 0;
  for (size_t i = 0; i < batch.lengths.size(); ++i) {
    const int64_t length = batch.lengths[i];
    if (length < 1 || length > config_.max_position_embeddings) {
      fail("sequence " + std::to_string(i) + " has " + std::to_string(length) +
           " tokens; this model reads 1 to " + std::to_string(config_.max_position_embeddings));
    }
    total += length;
  }
  if (total != static_cast<int64_t>(batch.ids.size())) {
    fail("the lengths add up to " + std::to_string(total) + " tokens, but there are " +
         std::to_string(batch.ids.size()) + " token ids");
  }
  auto check_ids = [&](std::span<const int32_t> ids, int64_t rows, const std::string& what) {
    for (size_t i = 0; i < ids.size(); ++i) {
      if (ids[i] < 0 || ids[i] >= rows) {
        fail(what + " " + std::to_string(ids[i]) + " at token " + std::to_string(i) +
             " is outside the model's table of " + std::to_string(rows) +
             " rows; was it made by this model's tokenizer?");
      }
    }
  };
  check_ids(batch.ids, config_.vocab_size, "token id");
  check_ids(batch.type_ids, config_.type_vocab_size, "type id");
}

std::vector<Encoder::Group> Encoder::plan(const Batch& batch, float* hidden) const {
  const int64_t tokens = static_cast<int64_t>(batch.ids.size());
  const int64_t threads = pool_.size();
  // As many groups for each thread, so that none waits long for the others at the end.
  int64_t count = (tokens + group_tokens * threads - 1) / (group_tokens * threads) * threads;
  if (tokens < least_tokens_per_thread * threads) count = 1;
  const int64_t target = (tokens + count - 1) / count;

  std::vector<Group> groups;
  int64_t start = 0;
  for (const int64_t length : batch.lengths) {
    if (groups.empty() || groups.back().tokens() + length / 2 >= target) {
      Group& group = groups.emplace_back();
      group.ids = batch.ids.data() + start;
      group.type_ids = batch.type_ids.data() + start;
      group.hidden = hidden + start * config_.hidden_size;
    }
    Group& group = groups.back();
    group.starts.push_back(group.tokens() + length);
    group.longest = std::max(group.longest, length);
    start += length;
  }
  return groups;
}

std::unique_ptr<Encoder::Scratch> Encoder::take_scratch(int64_t tokens, int64_t longest) const {
  {
    std::lock_guard lock(scratch_mutex_);
    for (auto& idle : idle_scratch_) {
      if (idle->tokens < tokens || idle->longest < longest) continue;
      std::swap(idle, idle_scratch_.back());
      auto scratch = std::move(idle_scratch_.back());
      idle_scratch_.pop_back();
      return scratch;
    }
  }
  // Round up, so that a little more next time doesn't need another one.
  const int64_t room = std::max(tokens, group_tokens * 3 / 2);
  const int64_t length = std::max(longest, std::min<int64_t>(config_.max_position_embeddings, 128));
  return std::make_unique<Scratch>(config_, kernels_, room, length, pool_.size());
}

void Encoder::give_back(std::unique_ptr<Scratch> scratch) const {
  std::lock_guard lock(scratch_mutex_);
  // One for each thread and one for a team is all that a caller uses; keep the largest.
  idle_scratch_.push_back(std::move(scratch));
  if (idle_scratch_.size() <= static_cast<size_t>(pool_.size()) + 1) return;
  const auto smallest = std::min_element(
      idle_scratch_.begin(), idle_scratch_.end(),
      [](const auto& a, const auto& b) { return a->tokens + a->longest < b->tokens + b->longest; });
  idle_scratch_.erase(smallest);
}

void Encoder::forward(const Batch& batch, float* hidden) const {
  check(batch);
  const std::vector<Group> groups = plan(batch, hidden);

  if (static_cast<int>(groups.size()) >= pool_.size()) {
    pool_.for_each(static_cast<int64_t>(groups.size()), 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        const Group& group = groups[static_cast<size_t>(i)];
        auto scratch = take_scratch(group.tokens(), group.longest);
        Team alone(1);
        run_group(group, *scratch, alone, 0);
        give_back(std::move(scratch));
      }
    });
    return;
  }
  for (const Group& group : groups) {
    auto scratch = take_scratch(group.tokens(), group.longest);
    Team team(pool_.size());
    pool_.run([&](int rank) { run_group(group, *scratch, team, rank); });
    give_back(std::move(scratch));
  }
}

void Encoder::run_group(const Group& group, Scratch& scratch, Team& team, int rank) const {
  const auto mine = team.share(rank, group.tokens());
  embed(group, mine.begin, mine.end, scratch.row.data() + rank * config_.hidden_size);
  team.wait();
  normalize(embedding_norm_, group.hidden, group.tokens(), team, rank);
  team.wait();
  for (const Layer& layer : layers_) {
    attend(group, layer, scratch, team, rank);
    feed_forward(group, layer, scratch, team, rank);
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
  float* qkv = scratch.query_key_value.data();
  apply(layer.query_key_value, group.hidden, group.tokens(), Activation::identity, nullptr, qkv, team,
        rank);
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
  apply(layer.attention_output, scratch.context.data(), group.tokens(), Activation::identity,
        group.hidden, group.hidden, team, rank);
  team.wait();
  normalize(layer.attention_norm, group.hidden, group.tokens(), team, rank);
  team.wait();
}

void Encoder::feed_forward(const Group& group, const Layer& layer, Scratch& scratch, Team& team,
                           int rank) const {
  for (int64_t row = 0; row < group.tokens(); row += feed_forward_rows) {
    const int64_t rows = std::min(feed_forward_rows, group.tokens() - row);
    float* hidden = group.hidden + row * config_.hidden_size;
    apply(layer.up, hidden, rows, config_.hidden_act, nullptr, scratch.inner.data(), team, rank);
    team.wait();
    apply(layer.down, scratch.inner.data(), rows, Activation::identity, hidden, hidden, team, rank);
    team.wait();
    normalize(layer.output_norm, hidden, rows, team, rank);
    team.wait();
  }
}

// The team's members take panels of output channels each; a row's sums are the same either way.
void Encoder::apply(const Linear& linear, const float* in, int64_t rows, Activation activation,
                    const float* residual, float* out, const Team& team, int rank) const {
  const int64_t panels = (linear.out() + kernels_.panel - 1) / kernels_.panel;
  const auto mine = team.share(rank, panels);
  kernels_.gemm({.a = in,
                 .a_stride = linear.in(),
                 .rows = rows,
                 .linear = &linear.packed(),
                 .panel_begin = mine.begin,
                 .panel_end = mine.end,
                 .activation = activation,
                 .residual = residual,
                 .out = out,
                 .out_stride = linear.out()});
}

void Encoder::normalize(const Norm& norm, float* rows, int64_t count, const Team& team,
                        int rank) const {
  const int64_t size = config_.hidden_size;
  const auto mine = team.share(rank, count);
  kernels_.layer_norm(rows + mine.begin * size, mine.end - mine.begin, size, norm.gain.data(),
                      norm.bias.data(), config_.layer_norm_eps);
}

}  // namespace bertie
