#include "encoder/encoder.h"

#include <algorithm>
#include <cmath>
#include <iterator>

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

// A layer's products, named after what they read, in the order of Encoder::Layer.
constexpr const char* product_names[] = {"attention.self", "attention.output.dense",
                                         "intermediate.dense", "output.dense"};

std::string product_name(size_t index) {
  constexpr size_t count = std::size(product_names);
  return "encoder.layer." + std::to_string(index / count) + "." + product_names[index % count];
}

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
  Scratch(const Config& config, int64_t group, int64_t longest_sequence, int64_t attention_size,
          int64_t hidden_bytes, int64_t inner_bytes, int threads)
      : tokens(group),
        longest(longest_sequence),
        attention_floats(attention_size),
        query_key_value(tokens * 3 * config.hidden_size),
        context(tokens * config.hidden_size),
        inner(std::min(tokens, feed_forward_rows) * config.intermediate_size),
        attention(attention_floats * threads),
        row(config.hidden_size * threads),
        hidden_operand(tokens * hidden_bytes),
        context_operand(tokens * hidden_bytes),
        inner_operand(std::min(tokens, feed_forward_rows) * inner_bytes),
        hidden_scales(tokens),
        context_scales(tokens),
        inner_scales(std::min(tokens, feed_forward_rows)) {}

  Rows hidden_rows(float* hidden, int64_t first, int64_t count) {
    return {hidden, first, count, hidden_operand.data(), hidden_scales.data()};
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
  Aligned<float> query_key_value;  // (tokens, 3 × hidden)
  Aligned<float> context;          // (tokens, hidden)
  Aligned<float> inner;            // (feed_forward_rows, intermediate)
  Aligned<float> attention;        // (threads, attention_floats)
  Aligned<float> row;              // (threads, hidden)
  Aligned<unsigned char> hidden_operand, context_operand, inner_operand;
  Aligned<RowScale> hidden_scales, context_scales, inner_scales;
  // Largest magnitudes of each product's inputs, while they are being observed.
  std::vector<std::vector<float>>* peaks = nullptr;
};

Encoder::Encoder(const Config& config, const TensorMap& tensors, int threads, const Recipe& recipe)
    : config_(config), kernels_(select_kernels()), pool_(threads) {
  const int64_t hidden = config_.hidden_size;
  word_ = find(tensors, "embeddings.word_embeddings.weight", {config_.vocab_size, hidden});
  position_ = find(tensors, "embeddings.position_embeddings.weight",
                   {config_.max_position_embeddings, hidden});
  type_ =
      find(tensors, "embeddings.token_type_embeddings.weight", {config_.type_vocab_size, hidden});
  embedding_norm_ = read_norm(tensors, "embeddings.LayerNorm");
  layers_.resize(static_cast<size_t>(config_.num_hidden_layers));
  pool_.for_each(config_.num_hidden_layers, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i)
      layers_[static_cast<size_t>(i)] = read_layer(tensors, recipe, i);
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

Encoder::Layer Encoder::read_layer(const TensorMap& tensors, const Recipe& recipe,
                                   int64_t index) const {
  const std::string prefix = "encoder.layer." + std::to_string(index) + ".";
  size_t number = static_cast<size_t>(index) * std::size(product_names);
  auto product = [&](Precision precision, int64_t in, int64_t out,
                     std::initializer_list<const char*> names) -> Product {
    std::vector<const TensorView*> weights, biases;
    for (const char* name : names) {
      weights.push_back(&find(tensors, prefix + name + ".weight", {out, in}));
      biases.push_back(&find(tensors, prefix + name + ".bias", {out}));
    }
    const auto smoothing = recipe.smoothing.find(product_name(number));
    static const std::vector<float> none;
    const auto& factors = smoothing == recipe.smoothing.end() ? none : smoothing->second;
    if (!factors.empty() && static_cast<int64_t>(factors.size()) != in) {
      throw Error(ErrorKind::checkpoint, "the smoothing of " + product_name(number) + " has " +
                                             std::to_string(factors.size()) +
                                             " channels, expected " + std::to_string(in));
    }
    return {Linear(kernels_, precision, in, weights, biases, factors), number++};
  };
  const int64_t hidden = config_.hidden_size, inner = config_.intermediate_size;
  return {product(recipe.precision, hidden, hidden,
                  {"attention.self.query", "attention.self.key", "attention.self.value"}),
          product(recipe.output_precision, hidden, hidden, {"attention.output.dense"}),
          read_norm(tensors, prefix + "attention.output.LayerNorm"),
          product(recipe.precision, hidden, inner, {"intermediate.dense"}),
          product(recipe.output_precision, inner, hidden, {"output.dense"}),
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
  return make_scratch(std::max(tokens, group_tokens * 3 / 2),
                      std::max(longest, std::min<int64_t>(config_.max_position_embeddings, 128)));
}

std::unique_ptr<Encoder::Scratch> Encoder::make_scratch(int64_t tokens, int64_t longest) const {
  int64_t hidden_bytes = 0, inner_bytes = 0;  // rows of float32 are read in place
  for (const Precision precision : {Precision::bfloat16, Precision::int8}) {
    const GemmKernels& gemm = kernels_.gemm[static_cast<int>(precision)];
    hidden_bytes = std::max(hidden_bytes, gemm.operand_bytes(config_.hidden_size));
    inner_bytes = std::max(inner_bytes, gemm.operand_bytes(config_.intermediate_size));
  }
  return std::make_unique<Scratch>(config_, tokens, longest,
                                   kernels_.attention_scratch(longest, config_.head_size()),
                                   hidden_bytes, inner_bytes, pool_.size());
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

std::map<std::string, std::vector<float>> Encoder::observe(const Batch& batch) const {
  check(batch);
  Aligned<float> hidden(static_cast<int64_t>(batch.ids.size()) * config_.hidden_size);
  std::vector<std::vector<float>> peaks(layers_.size() * std::size(product_names));
  for (const Layer& layer : layers_) {
    for (const Product* product :
         {&layer.query_key_value, &layer.attention_output, &layer.up, &layer.down}) {
      peaks[product->index].assign(static_cast<size_t>(product->linear.in()), 0.0f);
    }
  }
  for (const Group& group : plan(batch, hidden.data())) {
    auto scratch = make_scratch(group.tokens(), group.longest);
    scratch->peaks = &peaks;
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
