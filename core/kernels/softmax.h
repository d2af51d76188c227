// Scores to weights, a row at a time, by parts where a row is long.
#pragma once

#include <cstdint>

#include "kernels/activation.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// What stands for a score that doesn't count: finite, so that differences are numbers.
constexpr float hidden_score = -1e30f;

// The largest of `count` scores (with room for whole vectors).
inline float largest_score(const float* scores, int64_t count) {
  const int64_t whole = count / F32::lanes * F32::lanes, left = count - whole;
  const float lowest = -__builtin_inff();
  F32 top = F32::set(lowest);
  for (int64_t i = 0; i < whole; i += F32::lanes) top = max(top, F32::load(scores + i));
  if (left > 0) top = max(top, F32::load_part(scores + whole, left, lowest));
  return largest(top);
}

// Turns scores into 2^(score - peak), and into zeros what fills their last vector; returns the sum.
inline float softmax_weights(float* scores, int64_t count, float peak_score) {
  const int64_t whole = count / F32::lanes * F32::lanes, left = count - whole;
  const F32 peak = F32::set(peak_score);
  F32 total = F32::zero();
  for (int64_t i = 0; i < whole; i += F32::lanes) {
    const F32 e = exp2(F32::load(scores + i) - peak);
    e.store(scores + i);
    total = total + e;
  }
  if (left > 0) {
    const F32 e = keep_first(exp2(F32::load(scores + whole) - peak), left);
    e.store(scores + whole);
    total = total + e;
  }
  return sum(total);
}

// Hides the first `count` < lanes scores.
inline void hide_first(float* scores, int64_t count) {
  constexpr float places[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  const F32 first = F32::set(static_cast<float>(count));
  select_less(F32::load(places), first, F32::set(hidden_score), F32::load(scores)).store(scores);
}

inline void clear(float* from, const float* end) {
  for (; from < end; from += F32::lanes) F32::zero().store(from);
}

// A row's softmax so far: outputs are sums of values times 2^(score - peak), and `total` is the sum
// of those weights (Milakov and Gimelshein, arXiv:1805.02867).
struct Softmax {
  float peak = hidden_score;
  float total = 0.0f;
};

// How a row's outputs go on: earlier ones times `rescale`, plus this part's times `factor`.
struct Step {
  float rescale;
  float factor;
};

// Turns a part of a row's scores into weights: those of [begin, end) count, and all others up to
// `width` become zeros, to whole vectors. first, last: whether it is the row's first or last part.
inline Step softmax_step(float* scores, int64_t begin, int64_t end, int64_t width, bool first,
                         bool last, Softmax& state) {
  float rescale = 1.0f;
  if (first) state = {};
  if (begin < end) {
    const int64_t start = begin / F32::lanes * F32::lanes;
    clear(scores, scores + start);
    if (begin > start) hide_first(scores + start, begin - start);
    const float part = largest_score(scores + start, end - start);
    const float peak = !first && state.peak > part ? state.peak : part;
    const float total = softmax_weights(scores + start, end - start, peak);
    if (first) {
      state = {peak, total};
    } else {
      rescale = largest(exp2(F32::set(state.peak - peak)));
      state = {peak, state.total * rescale + total};
    }
    end = (end + F32::lanes - 1) / F32::lanes * F32::lanes;
    clear(scores + end, scores + width);
  } else {
    clear(scores, scores + width);
  }
  if (!last) return {rescale, 1.0f};
  const float inverse = state.total == 0.0f ? 0.0f : 1.0f / state.total;  // of no key: zeros
  return {rescale * inverse, inverse};
}

}  // namespace bertie::BERTIE_ISA
