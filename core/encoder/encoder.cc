#include "encoder/encoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "encoder/group.h"
#include "encoder/pooling.h"
#include "kernels/kernels.h"
#include "runtime/error.h"
#include "runtime/team.h"

namespace bertie {
namespace {

// Tokens that one group carries through all layers: enough rows to reuse each panel of weights,
// few enough that the group's activations stay in a core's second-level cache.
constexpr int64_t group_tokens = 160;
// Below this many tokens a thread, splitting the output channels beats splitting the sequences.
constexpr int64_t least_tokens_per_thread = 48;

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

std::unique_ptr<Encoder::Scratch> Encoder::take_scratch(int64_t tokens, int64_t longest) const {
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
  }
  // Round up, so that a little more next time doesn't need another one.
  return make_scratch(std::max(tokens, group_tokens * 3 / 2),
                      std::max(longest, std::min<int64_t>(config_.positions(), 128)));
}

std::unique_ptr<Encoder::Scratch> Encoder::make_scratch(int64_t tokens, int64_t longest) const {
  int64_t hidden_bytes = 0, inner_bytes = 0;  // rows of float32 are read in place
  for (const Precision precision : {Precision::bfloat16, Precision::int8}) {
    const GemmKernels& gemm = kernels_.gemm[static_cast<int>(precision)];
    hidden_bytes = std::max(hidden_bytes, gemm.operand_bytes(config_.hidden_size));
    inner_bytes = std::max(inner_bytes, gemm.operand_bytes(config_.intermediate_size));
  }
  return std::make_unique<Scratch>(config_, tokens, longest, projection_.out() > 0,
                                   kernels_.attention_scratch(longest, config_.head_size()),
                                   hidden_bytes, inner_bytes, pool_.size());
}

void Encoder::give_back(std::unique_ptr<Scratch> scratch) const {
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
