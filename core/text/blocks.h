// Texts shared out to threads in blocks, whose tokens are put together afterwards.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/error.h"
#include "runtime/thread_pool.h"
#include "text/sequence.h"
#include "text/token_buffer.h"
#include "text/tokenizer.h"

namespace bertie {

// The tokens of consecutive texts.
struct Block {
  Sequence sequence;
  Buffer<int32_t> lengths, texts;  // of windows: tokens in each, and the text that it is from
};

// Asks the processor for the beginning of a text; for the rest it sees that it is read in order.
inline void fetch_ahead(std::span<const Text> texts, int64_t i) {
  if (i >= static_cast<int64_t>(texts.size())) return;
  const std::string_view text = texts[static_cast<size_t>(i)].whole;
  for (size_t at = 0; at < std::min<size_t>(text.size(), 256); at += 64) {
    __builtin_prefetch(text.data() + at);
  }
}

// Calls encode(i, words, scratch, block) for every text and returns the blocks in order. An error
// names its text, whose position counts from `base`. pool: null runs on the calling thread, in one
// block.
template <typename Encode>
std::vector<Block> in_blocks(const TextTokenizer& tokenizer, std::span<const Text> texts,
                             int64_t base, ThreadPool* pool, Encode encode) {
  const auto count = static_cast<int64_t>(texts.size());
  const int64_t most = pool ? std::min<int64_t>(count / (8 * pool->size()), 256) : count;
  const int64_t grain = std::max<int64_t>(most, 1);
  std::vector<Block> blocks((count + grain - 1) / grain);
  const auto run = [&](int64_t begin, int64_t end, int) {
    auto lease = tokenizer.lease();
    Sequencer::Scratch scratch;
    for (int64_t start = begin; start < end; start += grain) {
      Block& block = blocks[start / grain];
      const int64_t stop = std::min(start + grain, end);
      size_t bytes = 0;
      for (int64_t i = start; i < stop; ++i) bytes += texts[i].whole.size();
      block.sequence.ids.room(bytes / 4);  // about as many as there will be
      for (int64_t i = start; i < stop; ++i) {
        fetch_ahead(texts, i + 2);
        try {
          encode(i, *lease, scratch, block);
        } catch (const Error& error) {
          throw Error(error.kind(), "texts[" + std::to_string(base + i) + "]: " + error.what());
        }
      }
    }
  };
  if (pool) {
    tokenizer.expect(std::min<int64_t>(pool->size(), static_cast<int64_t>(blocks.size())));
    pool->for_each(count, grain, run);
  } else {
    run(0, count, 0);
  }
  return blocks;
}

}  // namespace bertie
