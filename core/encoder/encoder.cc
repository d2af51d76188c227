#include "encoder/encoder.h"

#include <algorithm>

#include "encoder/group.h"
#include "runtime/error.h"

namespace bertie {
namespace {

// Tokens that one group carries through all layers: enough rows to reuse each panel of weights,
// few enough that the group's activations stay in a core's second-level cache.
constexpr int64_t group_tokens = 160;
// Below this many tokens a thread, splitting the output channels beats splitting the sequences.
constexpr int64_t least_tokens_per_thread = 48;

}  // namespace

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

std::vector<Encoder::Group> Encoder::plan(const Batch& batch) const {
  const int64_t tokens = static_cast<int64_t>(batch.ids.size());
  const int64_t threads = pool_.size();
  // As many groups for each thread, so that none waits long for the others at the end.
  int64_t count = (tokens + group_tokens * threads - 1) / (group_tokens * threads) * threads;
  if (tokens < least_tokens_per_thread * threads) count = 1;
  const int64_t target = (tokens + count - 1) / count;

  std::vector<Group> groups;
  int64_t start = 0, sequence = 0;
  for (const int64_t length : batch.lengths) {
    if (groups.empty() || groups.back().tokens() + length / 2 >= target) {
      Group& group = groups.emplace_back();
      group.ids = batch.ids.data() + start;
      group.type_ids = batch.type_ids.data() + start;
      group.first_token = start;
      group.first_sequence = sequence;
    }
    Group& group = groups.back();
    group.starts.push_back(group.tokens() + length);
    group.longest = std::max(group.longest, length);
    start += length;
    ++sequence;
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

void Encoder::forward(const Batch& batch, float* hidden) const { run(batch, hidden, {}); }

void Encoder::forward(const Batch& batch, const Pooled& pooled) const {
  run(batch, nullptr, pooled);
}

void Encoder::run(const Batch& batch, float* hidden, const Pooled& pooled) const {
  check(batch);
  std::vector<Group> groups = plan(batch);
  const int64_t size = config_.hidden_size;
  const auto width = static_cast<int64_t>(pooled.modes.size()) * size;
  // Takes a group's scratch memory and settles where its results go.
  const auto prepare = [&](Group& group) {
    auto scratch = take_scratch(group.tokens(), group.longest);
    group.hidden = hidden != nullptr ? hidden + group.first_token * size : scratch->hidden.data();
    if (width > 0) group.pooled = {pooled.modes, pooled.out + group.first_sequence * width};
    return scratch;
  };
  if (static_cast<int>(groups.size()) >= pool_.size()) {
    pool_.for_each(static_cast<int64_t>(groups.size()), 1, [&](int64_t begin, int64_t end, int) {
      for (int64_t i = begin; i < end; ++i) {
        Group& group = groups[static_cast<size_t>(i)];
        auto scratch = prepare(group);
        Team alone(1);
        run_group(group, *scratch, alone, 0);
        give_back(std::move(scratch));
      }
    });
    return;
  }
  for (Group& group : groups) {
    auto scratch = prepare(group);
    Team team(pool_.size());
    pool_.run([&](int rank) { run_group(group, *scratch, team, rank); });
    give_back(std::move(scratch));
  }
}

}  // namespace bertie
