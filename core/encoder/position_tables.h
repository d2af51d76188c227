#pragma once

#include <cstdint>
#include <vector>

#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"

namespace bertie {

// One layer's keys and queries of the distances, for DeBERTa's attention: (2 × span, heads ×
// head_size) each, or empty where its scores have no such part.
struct PositionTables {
  Aligned<float> key, query;
};

// A weight whose products with relative embeddings make one of them.
struct PositionWeight {
  const TensorView* weight = nullptr;             // (out, in)
  const TensorView* bias = nullptr;               // (out), or null
  const TensorView* scales = nullptr;             // (out), where the weight is of bytes
  const std::vector<float>* smoothing = nullptr;  // (in) or empty: as Linear takes it
};

// relative (rows, in) → (rows, out), multiplied in float32. The weight is as `precision` rounds it,
// for that is what a file of that precision has.
Aligned<float> position_table(const Kernels& kernels, const float* relative, int64_t rows,
                              Precision precision, const PositionWeight& from);

}  // namespace bertie
