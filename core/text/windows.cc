#include "text/windows.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "runtime/thread_pool.h"
#include "text/blocks.h"
#include "text/numbers.h"
#include "text/sequence.h"
#include "text/token_buffer.h"
#include "text/tokenizer.h"

namespace bertie {
namespace {

// Writes where the tokens of a sequence come from behind the first `at` tokens.
void add_origins(const Sequence& sequence, int64_t at, PackedWindows& out) {
  for (size_t i = 0; i < sequence.ids.size(); ++i, ++at) {
    const Span& span = sequence.spans[i];
    const int8_t which = sequence.sequences[i];
    out.offsets[2 * at] = static_cast<int32_t>(span.begin);
    out.offsets[2 * at + 1] = static_cast<int32_t>(span.end);
    out.word_ids[at] = which < 0 ? -1 : static_cast<int32_t>(span.word);
    out.sequences[at] = which;
  }
}

}  // namespace

PackedWindows encode_windows(const TextTokenizer& tokenizer, const Sequencer& sequencer,
                             std::span<const Text> texts, std::span<const Text> pairs,
                             bool add_special, const Limits& limits, int64_t base,
                             ThreadPool* pool) {
  std::vector<Block> blocks =
      in_blocks(tokenizer, texts, base, pool,
                [&](int64_t i, TokenizerScratch& words, Sequencer::Scratch& scratch, Block& block) {
                  const size_t before = block.lengths.size();
                  sequencer.windows(texts[i], pairs.empty() ? nullptr : &pairs[i], add_special,
                                    limits, words, scratch, block.sequence, block.lengths);
                  block.texts.append(block.lengths.size() - before, static_cast<int32_t>(i));
                });
  PackedWindows all;
  for (const Block& block : blocks) {
    all.tokens += static_cast<int64_t>(block.sequence.ids.size());
    all.windows += static_cast<int64_t>(block.lengths.size());
  }
  for (Numbers* numbers : {&all.ids, &all.type_ids, &all.word_ids, &all.sequences}) {
    *numbers = zeros(all.tokens);
  }
  all.offsets = zeros(2 * all.tokens);
  all.lengths = zeros(all.windows);
  all.texts = zeros(all.windows);
  int64_t token = 0, window = 0;
  for (Block& block : blocks) {
    const Sequence& sequence = block.sequence;
    std::copy(sequence.ids.begin(), sequence.ids.end(), all.ids.get() + token);
    std::copy(sequence.type_ids.begin(), sequence.type_ids.end(), all.type_ids.get() + token);
    add_origins(sequence, token, all);
    std::copy(block.lengths.begin(), block.lengths.end(), all.lengths.get() + window);
    std::copy(block.texts.begin(), block.texts.end(), all.texts.get() + window);
    token += static_cast<int64_t>(sequence.ids.size());
    window += static_cast<int64_t>(block.lengths.size());
    block = {};
  }
  return all;
}

}  // namespace bertie
