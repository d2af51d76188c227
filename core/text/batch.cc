#include "text/batch.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace bertie {

namespace {

// Memory that the system hands out zeroed costs nothing until it is touched.
Numbers zeros(int64_t count) {
  Numbers numbers(
      static_cast<int32_t*>(std::calloc(static_cast<size_t>(std::max<int64_t>(count, 1)), 4)));
  if (!numbers) throw std::bad_alloc();
  return numbers;
}

}  // namespace

PackedBatch encode_batch(const TextTokenizer& tokenizer, const Sequencer& sequencer,
                         std::span<const Text> texts, std::span<const Text> pairs,
                         bool add_special, const Limits& limits, ThreadPool* pool) {
  PackedBatch batch;
  batch.texts = static_cast<int64_t>(texts.size());
  batch.lengths = zeros(batch.texts);
  batch.truncated = zeros(batch.texts);

  const int64_t workers = pool ? pool->size() : 1;
  const int64_t grain = std::clamp<int64_t>(batch.texts / (8 * workers), 1, 256);
  std::vector<Sequence> blocks((batch.texts + grain - 1) / grain);
  const auto encode = [&](int64_t begin, int64_t end, int) {
    auto lease = tokenizer.lease();
    Sequencer::Scratch scratch;
    for (int64_t start = begin; start < end; start += grain) {
      Sequence& block = blocks[start / grain];
      size_t bytes = 0;
      for (int64_t i = start; i < std::min(start + grain, end); ++i) bytes += texts[i].whole.size();
      block.ids.room(bytes / 4);  // about as many as there will be
      for (int64_t i = start; i < std::min(start + grain, end); ++i) {
        const size_t before = block.ids.size();
        batch.truncated[i] = static_cast<int32_t>(
            sequencer.append(texts[i], pairs.empty() ? nullptr : &pairs[i], add_special, limits,
                             false, *lease, scratch, block));
        batch.lengths[i] = static_cast<int32_t>(block.ids.size() - before);
      }
    }
  };
  if (pool) {
    pool->for_each(batch.texts, grain, encode);
  } else {
    encode(0, batch.texts, 0);
  }

  for (const Sequence& block : blocks) batch.tokens += static_cast<int64_t>(block.ids.size());
  batch.ids = zeros(batch.tokens);
  batch.type_ids = zeros(batch.tokens);
  int64_t at = 0;
  for (Sequence& block : blocks) {
    std::copy(block.ids.begin(), block.ids.end(), batch.ids.get() + at);
    std::copy(block.type_ids.begin(), block.type_ids.end(), batch.type_ids.get() + at);
    at += static_cast<int64_t>(block.ids.size());
    block = {};
  }
  return batch;
}

}  // namespace bertie
