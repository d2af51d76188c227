// Many texts at a time, each in as many windows as it takes, with where every token comes from.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/thread_pool.h"
#include "text/numbers.h"
#include "text/sequence.h"
#include "text/tokenizer.h"

namespace bertie {

struct PackedWindows {
  int64_t tokens = 0, windows = 0;
  Numbers ids, type_ids;        // (tokens,)
  Numbers lengths, texts;       // (windows,): tokens in each, and the text that it is from
  Numbers offsets;              // (tokens, 2): code points; 0, 0 for tokens of the frame
  Numbers word_ids, sequences;  // (tokens,): -1 for tokens of the frame; sequences: 0 or 1
};

// pairs: empty, or one for each text. base: the first text's position in complaints. pool: null
// runs on the calling thread.
PackedWindows encode_windows(const TextTokenizer& tokenizer, const Sequencer& sequencer,
                             std::span<const Text> texts, std::span<const Text> pairs,
                             bool add_special, const Limits& limits, int64_t base,
                             ThreadPool* pool);

}  // namespace bertie
