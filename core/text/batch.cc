#include "text/batch.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/thread_pool.h"
#include "text/blocks.h"
#include "text/numbers.h"
#include "text/sequence.h"
#include "text/tokenizer.h"

namespace bertie {

PackedBatch encode_batch(const TextTokenizer& tokenizer, const Sequencer& sequencer,
                         std::span<const Text> texts, std::span<const Text> pairs, bool add_special,
                         const Limits& limits, int64_t base, ThreadPool* pool) {
  PackedBatch batch;
  batch.texts = static_cast<int64_t>(texts.size());
  batch.lengths = zeros(batch.texts);
  batch.truncated = zeros(batch.texts);
  std::vector<Block> blocks =
      in_blocks(tokenizer, texts, base, pool,
                [&](int64_t i, TokenizerScratch& words, Sequencer::Scratch& scratch, Block& block) {
                  Sequence& sequence = block.sequence;
                  const size_t before = sequence.ids.size();
                  batch.truncated[i] = static_cast<int32_t>(
                      sequencer.append(texts[i], pairs.empty() ? nullptr : &pairs[i], add_special,
                                       limits, false, words, scratch, sequence));
                  batch.lengths[i] = static_cast<int32_t>(sequence.ids.size() - before);
                });
  for (const Block& block : blocks) {
    batch.tokens += static_cast<int64_t>(block.sequence.ids.size());
  }
  batch.type_ids = zeros(batch.tokens);
  if (blocks.size() == 1) {
    Sequence& sequence = blocks[0].sequence;
    std::copy(sequence.type_ids.begin(), sequence.type_ids.end(), batch.type_ids.get());
    batch.ids = Numbers(sequence.ids.release());
    return batch;
  }
  batch.ids = zeros(batch.tokens);
  int64_t at = 0;
  for (Block& block : blocks) {
    const Sequence& sequence = block.sequence;
    std::copy(sequence.ids.begin(), sequence.ids.end(), batch.ids.get() + at);
    std::copy(sequence.type_ids.begin(), sequence.type_ids.end(), batch.type_ids.get() + at);
    at += static_cast<int64_t>(sequence.ids.size());
    block = {};
  }
  return batch;
}

}  // namespace bertie
