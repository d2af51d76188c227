#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace bertie {

enum class Activation : int32_t { identity, gelu, gelu_tanh, relu, tanh };

// A dense layer's weights as one ISA wants them: panels of `panel` output channels, each panel
// (in, panel) with the last one padded by zeros, so that the inner loop reads straight on.
struct PackedLinear {
  int64_t in = 0;
  int64_t out = 0;
  const float* weight = nullptr;  // (ceil(out / panel), in, panel)
  const float* bias = nullptr;    // (ceil(out / panel) * panel), zeros where the layer has none
};

// out[r] = activation(a[r] @ weight + bias) + residual[r], for output channels of the panels
// [panel_begin, panel_end).
struct GemmArgs {
  const float* a = nullptr;  // (rows, in), rows `a_stride` floats apart
  int64_t a_stride = 0;
  int64_t rows = 0;
  const PackedLinear* linear = nullptr;
  int64_t panel_begin = 0;
  int64_t panel_end = 0;
  Activation activation = Activation::identity;
  const float* residual = nullptr;  // (rows, out) or null, rows `out_stride` floats apart
  float* out = nullptr;             // (rows, out), rows `out_stride` floats apart
  int64_t out_stride = 0;
};

// One head of one sequence.
struct AttentionArgs {
  const float* query = nullptr;  // (length, head_size), rows `stride` floats apart; so key, value
  const float* key = nullptr;
  const float* value = nullptr;
  int64_t stride = 0;
  int64_t length = 0;
  int64_t head_size = 0;
  float scale = 1.0f;
  float* out = nullptr;  // (length, head_size), rows `out_stride` floats apart
  int64_t out_stride = 0;
  float* scratch = nullptr;  // attention_scratch(length, head_size) floats, 64-byte aligned
};

// The loops that know an instruction set. One table per ISA; everything above calls through it.
struct Kernels {
  const char* isa;
  int64_t panel;  // output channels in a panel of packed weights

  // weight (out, in) row-major float32 → panels; panels are 64-byte aligned, as allocated.
  void (*pack)(const float* weight, int64_t in, int64_t out, float* panels);
  void (*gemm)(const GemmArgs& args);

  int64_t (*attention_scratch)(int64_t length, int64_t head_size);
  void (*attention)(const AttentionArgs& args);

  // Each row of x (rows, size) becomes (x - mean) / sqrt(variance + epsilon) * gain + bias, in place.
  void (*layer_norm)(float* x, int64_t rows, int64_t size, const float* gain, const float* bias,
                     float epsilon);
};

// The ISAs that this build has and this CPU runs, fastest first.
std::span<const Kernels* const> available_kernels();

// The fastest, or the one that the environment variable BERTIE_ISA names.
// Throws Error(input) for a name that is unknown or can't run here.
const Kernels& select_kernels();

}  // namespace bertie
