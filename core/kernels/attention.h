// softmax(scale * Q K^T + bias) V for one head of one sequence. Keys are taken by blocks that, with
// their values, fit the second-level cache; for each, queries by a few: the scores of those against
// the block fit the first-level cache, and no larger score matrix exists. A query that sees more
// than one block has a running maximum and sum, and its outputs are rescaled (Dao et al.,
// arXiv:2205.14135).
#pragma once

#include <cstdint>

#include "kernels/formats.h"
#include "kernels/kernels.h"
#include "kernels/positions.h"
#include "kernels/product.h"
#include "kernels/softmax.h"
#include "kernels/vec.h"

namespace bertie::BERTIE_ISA {

// The most keys in a block: all of them, for most models.
constexpr int64_t block_keys = 512;
// From this many keys on values are copied side by side; below, they are read where they lie.
constexpr int64_t copied_length = 48;

struct AttentionScratch {
  int64_t values;        // head size, rounded up to whole vectors
  int64_t room;          // floats around keys and scores
  int64_t key_stride;    // where keys lie side by side
  int64_t score_stride;  // scores of one query
  int64_t key_floats, value_floats, score_floats, state_floats, table_floats;
  AttentionScratch(int64_t length, int64_t head_size, bool positions)
      : values(round_up(head_size, F32::lanes)), room(positions ? skew_room : 0) {
    const int64_t block = length < block_keys ? length : block_keys;
    const int64_t keys = round_up(block, F32::lanes);
    // An odd number of cache lines: rows a power of two apart would share few places of the cache.
    key_stride = round_up(keys + 2 * room, 32) + 16;
    score_stride = round_up(keys, 16) + 2 * room;
    key_floats = round_up(head_size * (positions ? key_stride : keys), 16);
    value_floats = round_up(block * values, 16);
    score_floats = query_rows * score_stride;
    state_floats = length > block_keys ? round_up(2 * length, 16) : 0;
    table_floats = positions ? head_size * expanded_stride(length) : 0;
  }
};

inline int64_t attention_scratch(int64_t length, int64_t head_size, bool positions) {
  const AttentionScratch s(length, head_size, positions);
  return s.key_floats + s.value_floats + s.score_floats + s.state_floats + 2 * s.table_floats;
}

// Some keys of a sequence, and all that its queries need of them.
struct KeyBlock {
  int64_t first, count;
  Panels keys;
  int64_t key_stride;  // keys side by side for relative positions, or zero: in panels
  const float* values;
  int64_t value_stride;
};

// Some queries, and the keys that at least one of them sees.
struct QueryTile {
  int64_t first, rows;
  int64_t begin, end;
};

// Keys that a query sees begin and end here.
inline int64_t sees_from(const AttentionArgs& args, int64_t query) {
  return args.left >= 0 && query > args.left ? query - args.left : 0;
}
inline int64_t sees_to(const AttentionArgs& args, int64_t keys, int64_t query) {
  return args.right >= 0 && query + args.right + 1 < keys ? query + args.right + 1 : keys;
}

// The block's keys (head_size, count) transposed; those beyond it, up to whole vectors, are zeros.
inline void transpose_keys(const AttentionArgs& args, const KeyBlock& block, float* out) {
  const int64_t whole = args.head_size / F32::lanes * F32::lanes;
  const float* keys = args.key + block.first * args.stride;
  for (int64_t t = 0; t < block.count; t += F32::lanes) {
    const int64_t count = block.count - t, panel = t / key_panel * key_panel;
    const bool side_by_side = block.key_stride > 0;
    const int64_t stride = side_by_side ? block.key_stride : block.keys.stride(t);
    float* to = out + (side_by_side ? t : panel * args.head_size + (t - panel));
    for (int64_t d = 0; d < whole; d += F32::lanes) {
      transpose(keys + t * args.stride + d, args.stride, count, to + d * stride, stride);
    }
    for (int64_t d = whole; d < args.head_size; ++d) {
      for (int64_t i = 0; i < F32::lanes; ++i) {
        to[d * stride + i] = i < count ? keys[(t + i) * args.stride + d] : 0.0f;
      }
    }
  }
}

// The block's values side by side, each row padded by zeros to whole vectors.
inline void copy_values(const AttentionArgs& args, const KeyBlock& block, float* out) {
  for (int64_t t = 0; t < block.count; ++t, out += block.value_stride) {
    const float* value = args.value + (block.first + t) * args.stride;
    int64_t d = 0;
    for (; d + F32::lanes <= args.head_size; d += F32::lanes) F32::load(value + d).store(out + d);
    if (d < args.head_size) F32::load_part(value + d, args.head_size - d).store(out + d);
  }
}

// What a tile's queries take from the keys of a block that they see. states: of all queries, where
// there are several blocks.
inline void attend(const AttentionArgs& args, const KeyBlock& block, const QueryTile& tile,
                   const Expanded* positions, float* scores, int64_t score_stride,
                   Softmax* states) {
  const int64_t block_end = block.first + block.count;
  const bool first = tile.begin >= block.first, last = tile.end <= block_end;
  // Within the block, the scores from a whole vector on.
  const int64_t begin = first ? tile.begin - block.first : 0;
  const int64_t end = last ? tile.end - block.first : block.count;
  const int64_t start = begin / F32::lanes * F32::lanes;
  float factors[query_rows], rescale[query_rows];
  for (float& factor : factors) factor = args.scale * per_e;
  const float* query = args.query + tile.first * args.stride;
  const float* bias = args.bias == nullptr ? nullptr : args.bias - tile.first + block.first;
  Product product = {.a = query,
                     .a_stride = args.stride,
                     .rows = tile.rows,
                     .panels = &block.keys,
                     .k = args.head_size,
                     .begin = start,
                     .end = round_up(end, F32::lanes),
                     .factors = factors,
                     .bias = bias,
                     .out = scores,
                     .out_stride = score_stride};
  if (positions == nullptr) {
    multiply_rows<query_rows>(product);
  } else {
    // The column of query i and key j is length - 1 - i + j.
    Expanded tables = *positions;
    tables.origin = args.length - 1 - tile.first + block.first;
    product.panels = nullptr;
    product.b = block.keys.data;
    product.b_stride = block.key_stride;
    product.end = end;
    multiply_positioned<query_rows>(product, tables);
  }
  const int64_t last_row = tile.first + tile.rows - 1;
  const bool all = sees_from(args, last_row) <= tile.begin &&
                   sees_to(args, tile.end, tile.first) == tile.end && begin == start;
  if (all && first && last) {
    for (int64_t r = 0; r < tile.rows; ++r) {
      float* row = scores + r * score_stride;
      factors[r] = 1.0f / softmax_weights(row, end - start, largest_score(row, end - start));
    }
  } else {
    const int64_t offset = block.first + start, width = end - start;
    for (int64_t r = 0; r < tile.rows; ++r) {
      const int64_t i = tile.first + r, from = sees_from(args, i) - offset;
      const int64_t to = sees_to(args, tile.end, i) - offset;
      Softmax alone;
      const Step step =
          softmax_step(scores + r * score_stride, from < 0 ? 0 : from, to < width ? to : width,
                       width, first, last, first && last ? alone : states[i]);
      rescale[r] = step.rescale;
      factors[r] = step.factor;
    }
  }
  multiply_rows<query_rows>({.a = scores + (begin - start),
                             .a_stride = score_stride,
                             .rows = tile.rows,
                             .b = block.values + begin * block.value_stride,
                             .b_stride = block.value_stride,
                             .k = end - begin,
                             .end = args.head_size,
                             .factors = factors,
                             .rescale = first ? nullptr : rescale,
                             .out = args.out + tile.first * args.out_stride,
                             .out_stride = args.out_stride});
}

// Calls body(tile) for all queries.
template <typename Body>
inline void for_query_tiles(const AttentionArgs& args, int64_t keys, const Body& body) {
  int64_t first = 0;
  for (int64_t tiles = (args.length + query_rows - 1) / query_rows; tiles > 0; --tiles) {
    // As many queries to each tile: a short one would leave multipliers idle.
    const int64_t rows = (args.length - first + tiles - 1) / tiles;
    body(QueryTile{first, rows, sees_from(args, first), sees_to(args, keys, first + rows - 1)});
    first += rows;
  }
}

inline void clear_outputs(const AttentionArgs& args, const QueryTile& tile) {
  for (int64_t r = 0; r < tile.rows; ++r) {
    float* out = args.out + (tile.first + r) * args.out_stride;
    for (int64_t d = 0; d < args.head_size; ++d) out[d] = 0.0f;
  }
}

inline void attention(const AttentionArgs& args) {
  const int64_t keys = args.keys > 0 ? args.keys : args.length;
  const AttentionScratch sizes(args.length, args.head_size, args.positions != nullptr);
  float* copies = args.scratch + sizes.key_floats;
  float* all_scores = copies + sizes.value_floats;
  auto* states = reinterpret_cast<Softmax*>(all_scores + sizes.score_floats);
  float* tables = all_scores + sizes.score_floats + sizes.state_floats;
  float *panels = args.scratch + sizes.room, *scores = all_scores + sizes.room;
  Expanded expanded = {.stride = expanded_stride(args.length)};
  if (const RelativePositions* p = args.positions; p != nullptr) {
    float* query_table = tables + sizes.table_floats;
    if (p->key != nullptr) expand(*p, p->key, args.length, args.head_size, tables);
    if (p->query != nullptr) expand(*p, p->query, args.length, args.head_size, query_table);
    if (p->key != nullptr) expanded.key = tables;
    if (p->query != nullptr) expanded.query = query_table;
  }
  const bool positioned = expanded.key != nullptr || expanded.query != nullptr;
  const int64_t blocks = (keys + block_keys - 1) / block_keys;
  const int64_t even = round_up((keys + blocks - 1) / blocks, key_panel);
  for (int64_t first = 0; first < keys; first += even) {
    const int64_t count = keys - first < even ? keys - first : even;
    const bool in_place = count < copied_length && sizes.values == args.head_size;
    const KeyBlock block = {first,
                            count,
                            {panels, round_up(count, F32::lanes)},
                            positioned ? sizes.key_stride : 0,
                            in_place ? args.value + first * args.stride : copies,
                            in_place ? args.stride : sizes.values};
    transpose_keys(args, block, panels);
    if (!in_place) copy_values(args, block, copies);
    for_query_tiles(args, keys, [&](const QueryTile& tile) {
      if (tile.begin >= tile.end) {
        if (first == 0) clear_outputs(args, tile);
      } else if (tile.begin < first + count && tile.end > first) {
        attend(args, block, tile, positioned ? &expanded : nullptr, scores, sizes.score_stride,
               states);
      }
    });
  }
}

}  // namespace bertie::BERTIE_ISA
