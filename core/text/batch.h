// Many texts at a time, in parallel, packed one after another without padding.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/thread_pool.h"
#include "text/numbers.h"
#include "text/sequence.h"
#include "text/tokenizer.h"

namespace bertie {

struct PackedBatch {
  int64_t tokens = 0, texts = 0;
  Numbers ids, type_ids;       // (tokens,)
  Numbers lengths, truncated;  // (texts,): tokens in each, and left out of each
};

// pairs: empty, or one for each text. base: the first text's position in complaints. pool: null
// runs on the calling thread.
PackedBatch encode_batch(const TextTokenizer& tokenizer, const Sequencer& sequencer,
                         std::span<const Text> texts, std::span<const Text> pairs, bool add_special,
                         const Limits& limits, int64_t base, ThreadPool* pool);

}  // namespace bertie
