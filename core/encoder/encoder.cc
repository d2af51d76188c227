#include "encoder/encoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "encoder/config.h"
#include "encoder/group.h"
#include "encoder/pooling.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"
#include "runtime/error.h"
#include "runtime/team.h"

namespace bertie {
namespace {

// Below this many tokens a thread, splitting the output channels beats splitting the sequences.
constexpr int64_t least_tokens_per_thread = 48;
// Tokens of a group, and of a sequence, that working space is made for in any case: enough for
// nearly all, so that it stays as large as it was at first.
constexpr int64_t usual_tokens = 2 * group_tokens, usual_longest = 512;

}  // namespace

void Encoder::check(const Batch& batch) const {
  auto fail = [](const std::string& message) { throw Error(ErrorKind::input, message); };
  if (reads_types() && batch.ids.size() != batch.type_ids.size()) {
    fail("got " + std::to_string(batch.ids.size()) + " token ids and " +
         std::to_string(batch.type_ids.size()) + " type ids; expected as many of each");
  }
  int64_t total = 0;
  for (size_t i = 0; i < batch.lengths.size(); ++i) {
    const int64_t length = batch.lengths[i];
    if (length < 1 || length > config_.positions()) {
      fail("sequence " + std::to_string(i) + " has " + std::to_string(length) +
           " tokens; this model reads 1 to " + std::to_string(config_.positions()));
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
  if (!batch.attended.empty() && batch.attended.size() != batch.lengths.size()) {
    fail("attended has " + std::to_string(batch.attended.size()) + " numbers, expected one for" +
         " each of " + std::to_string(batch.lengths.size()) + " sequences");
  }
  for (size_t i = 0; i < batch.attended.size(); ++i) {
    if (batch.attended[i] < 1 || batch.attended[i] > batch.lengths[i]) {
      fail("attended of sequence " + std::to_string(i) + " is " +
           std::to_string(batch.attended[i]) + ", expected 1 to its length, " +
           std::to_string(batch.lengths[i]));
    }
  }
  if (reads_types()) check_ids(batch.type_ids, config_.type_vocab_size, "type id");
}

// Gives the layers counted from the embeddings.
std::vector<int64_t> Encoder::check(const Batch& batch, const Result& result) const {
  auto fail = [](const std::string& message) { throw Error(ErrorKind::input, message); };
  check(batch);
  const int64_t passes = config_.passes();
  if (result.layers.empty()) fail("layers is empty, expected the number of at least one");
  std::vector<int64_t> layers;
  for (const int64_t layer : result.layers) {
    if (layer < -passes - 1 || layer > passes) {
      fail("layer " + std::to_string(layer) +
           " is asked for; this model has 0 (its embeddings) to " + std::to_string(passes) +
           ", or " + std::to_string(-passes - 1) + " to -1 from the end");
    }
    layers.push_back(layer < 0 ? layer + passes + 1 : layer);
  }
  if (!result.skip.empty() && result.skip.size() != batch.lengths.size()) {
    fail("skip has " + std::to_string(result.skip.size()) + " numbers, expected one for each of " +
         std::to_string(batch.lengths.size()) + " sequences");
  }
  for (size_t i = 0; i < result.skip.size(); ++i) {
    if (result.skip[i] < 0) {
      fail("skip of sequence " + std::to_string(i) + " is " + std::to_string(result.skip[i]) +
           ", expected 0 tokens or more");
    }
  }
  return layers;
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
      if (reads_types()) group.type_ids = batch.type_ids.data() + start;
      group.first_token = start;
      group.first_sequence = sequence;
      if (!batch.attended.empty()) group.attended = batch.attended.data() + sequence;
    }
    Group& group = groups.back();
    group.starts.push_back(group.tokens() + length);
    group.longest = std::max(group.longest, length);
    start += length;
    ++sequence;
  }
  return groups;
}

// Computes what the group's attention reads of places.
void Encoder::measure_distances(Group& group) const {
  if (relative_bias_ != nullptr) group.bias = relative_bias_->of(group.longest);
  group.turns.resize(rotary_.size());
  for (size_t i = 0; i < rotary_.size(); ++i) {
    for (size_t s = 0; s + 1 < group.starts.size(); ++s) {
      group.turns[i].push_back(rotary_[i]->of(group.starts[s + 1] - group.starts[s]));
    }
  }
}

std::unique_ptr<Encoder::Scratch> Encoder::take_scratch(int64_t tokens, int64_t longest) const {
  if (tokens > most_block_tokens) return make_scratch(tokens, longest);
  {
    Idle& idle = idle_.get();
    std::lock_guard lock(idle.mutex);
    for (auto& one : idle.scratch) {
      if (one->tokens < tokens || one->longest < longest) continue;
      std::swap(one, idle.scratch.back());
      auto scratch = std::move(idle.scratch.back());
      idle.scratch.pop_back();
      return scratch;
    }
    if (!idle.scratch.empty()) idle.scratch.pop_back();  // a larger one takes its place
  }
  return make_scratch(std::max(tokens, usual_tokens), std::max(longest, usual_longest));
}

std::unique_ptr<Encoder::Scratch> Encoder::make_scratch(int64_t tokens, int64_t longest) const {
  const int threads = pool_.size();
  const int64_t head =
      kernels_.attention_scratch(longest, config_.head_size, config_.disentangled.span > 0);
  const bool convolves = convolution_.out() > 0;
  auto scratch = std::make_unique<Scratch>(Scratch{
      .tokens = tokens,
      .longest = longest,
      .attention_floats = head,
      .hidden = Aligned<float>(tokens * config_.hidden_size),
      .query_key_value = Aligned<float>(tokens * config_.attention_width()),
      .context = Aligned<float>(tokens * config_.query_width()),
      .embeddings = Aligned<float>(convolves ? tokens * config_.hidden_size : 0),
      .attention = Aligned<float>(head * threads),
      .buffers = {},
  });
  const bool in_blocks = tokens > most_block_tokens;
  for (int i = 0; i < (in_blocks ? threads : 1); ++i) {
    scratch->buffers.push_back(
        make_buffers(in_blocks ? group_tokens : tokens, in_blocks ? 1 : threads));
  }
  return scratch;
}

Encoder::Buffers Encoder::make_buffers(int64_t rows, int threads) const {
  const int64_t hidden = config_.hidden_size, inner = config_.intermediate_size;
  const int64_t part = std::min(rows, feed_forward_rows);
  const auto bytes = [&](const Product& product) {  // rows of float32 are read in place
    const Precision precision = product.linear.precision();
    const GemmKernels& gemm = kernels_.gemm[static_cast<int>(precision)];
    return precision == Precision::float32 ? 0 : gemm.operand_bytes(product.linear.in());
  };
  const Layer& layer = layers_.front();
  const int64_t widest = std::max(bytes(layer.up), bytes(layer.attention_output));
  const bool branches = config_.norm_place != NormPlace::after ||
                        std::any_of(layers_.begin(), layers_.end(),
                                    [](const Layer& each) { return each.after_residual.exists(); });
  return {
      .row = Aligned<float>(config_.embedding_size * threads),
      .embedding = Aligned<float>(projection_.out() > 0 ? rows * config_.embedding_size : 0),
      .branch = Aligned<float>(branches ? rows * hidden : 0),
      .inner = Aligned<float>(part * inner),
      .neighbours = Aligned<float>(part * convolution_.in()),
      .operands = Aligned<unsigned char>(rows * widest),
      .inner_operands = Aligned<unsigned char>(part * bytes(layer.down)),
      .scales = Aligned<RowScale>(rows),
      .inner_scales = Aligned<RowScale>(part),
  };
}

int64_t Encoder::memory(int64_t longest) const {
  longest = std::clamp<int64_t>(longest, 1, config_.positions());
  // A sequence joins a group of less than group_tokens with at most half of its own beyond that.
  const int64_t usual = std::max(usual_tokens, std::min(longest, most_block_tokens));
  const int64_t threads = pool_.size();
  const int64_t shared = std::max({usual, least_tokens_per_thread * threads, longest});
  // Memory that is allocated and not written to is an address range, nothing else. A config may
  // claim lengths for which there is none.
  try {
    int64_t bytes =
        threads * make_scratch(usual, std::max(usual_longest, std::min(usual, longest)))->bytes();
    bytes += make_scratch(shared, std::max(usual_longest, longest))->bytes();
    for (const auto& table : rotary_) bytes += table->bytes(longest, threads * usual + shared);
    if (relative_bias_ != nullptr) bytes += relative_bias_->bytes(longest);
    return bytes;
  } catch (const std::bad_alloc&) {
    return std::numeric_limits<int64_t>::max() / 2;
  }
}

// Lets go of what a group has needed.
void Encoder::give_back(Group& group, std::unique_ptr<Scratch> scratch) const {
  group.turns.clear();
  // What a long text needs is large, and soon made beside the time that it takes.
  if (scratch->tokens > most_block_tokens) return;
  Idle& idle = idle_.get();
  std::lock_guard lock(idle.mutex);
  // One for each thread and one for a team is all that a caller uses; keep the largest.
  idle.scratch.push_back(std::move(scratch));
  if (idle.scratch.size() <= static_cast<size_t>(pool_.size()) + 1) return;
  const auto smallest = std::min_element(
      idle.scratch.begin(), idle.scratch.end(),
      [](const auto& a, const auto& b) { return a->tokens + a->longest < b->tokens + b->longest; });
  idle.scratch.erase(smallest);
}

void Encoder::forward(const Batch& batch, const Result& result) const {
  const std::vector<int64_t> layers = check(batch, result);
  std::vector<Group> groups = plan(batch);
  const auto vectors = static_cast<int64_t>(std::max<size_t>(result.modes.size(), 1));
  const int64_t width = static_cast<int64_t>(layers.size()) * vectors * config_.hidden_size;
  // Takes a group's scratch memory and settles where its results go.
  const auto prepare = [&](Group& group) {
    measure_distances(group);
    auto scratch = take_scratch(group.tokens(), group.longest);
    group.hidden = scratch->hidden.data();
    group.passes = *std::max_element(layers.begin(), layers.end());
    if (result.modes.empty() && layers.size() == 1) {
      group.hidden = result.out + group.first_token * width;  // computed where it is to be kept
      return scratch;
    }
    const int64_t first = result.modes.empty() ? group.first_token : group.first_sequence;
    const auto skip = result.skip.empty()
                          ? result.skip
                          : result.skip.subspan(static_cast<size_t>(group.first_sequence));
    group.result = {layers, result.modes, skip, result.out + first * width};
    return scratch;
  };
  const auto by_all = [&](std::span<Group> some) {
    for (Group& group : some) {
      auto scratch = prepare(group);
      Team team(pool_.size());
      pool_.run([&](int rank) { run_group(group, *scratch, team, rank); });
      give_back(group, std::move(scratch));
    }
  };
  // All threads take a long text together, so that the memory for it is needed once.
  const auto others = std::partition(groups.begin(), groups.end(),
                                     [](const Group& group) { return group.in_blocks(); });
  by_all({groups.begin(), others});
  const std::span<Group> rest(others, groups.end());
  if (static_cast<int>(rest.size()) < pool_.size()) return by_all(rest);
  pool_.for_each(static_cast<int64_t>(rest.size()), 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t i = begin; i < end; ++i) {
      Group& group = rest[static_cast<size_t>(i)];
      auto scratch = prepare(group);
      Team alone(1);
      run_group(group, *scratch, alone, 0);
      give_back(group, std::move(scratch));
    }
  });
}

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
    measure_distances(group);
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

}  // namespace bertie
