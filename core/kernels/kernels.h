#pragma once

#include <cstdint>
#include <span>

namespace bertie {

enum class Activation : int32_t { identity, gelu, gelu_tanh, relu, tanh, silu };

// What a dense layer's products are computed in. float32: as it says. bfloat16: both operands
// rounded to bfloat16, summed in float32. int8: activations as unsigned bytes with a scale and a
// zero point for each token, weights as signed bytes with a scale for each output channel, summed
// exactly.
enum class Precision : int32_t { float32, bfloat16, int8 };
inline constexpr int precisions = 3;

// How a row of bytes, as this ISA stores them, stands for numbers: x = byte * scale + offset.
struct RowScale {
  float scale;
  float offset;
};

// A dense layer's weights as one ISA wants them: panels of `panel` output channels, each panel
// going through the inputs in order, the last one padded by zeros, so that the inner loop reads
// straight on.
//
// A gated layer (Shazeer, arXiv:2002.05202) has two channels for each output: a panel's first half
// are gates, its second half the values of the same outputs, and the result is activation(gate) *
// value. bias, channel_scale and channel_shift lie as the channels do.
struct PackedLinear {
  Precision precision = Precision::float32;
  int64_t in = 0;
  int64_t out = 0;  // outputs; of a gated layer a panel holds panel / 2
  bool gated = false;
  const void* weight = nullptr;          // (panels, panel_bytes)
  const float* bias = nullptr;           // (panels * panel), zeros where the layer has none
  const float* channel_scale = nullptr;  // int8: (panels * panel)
  const float* channel_shift = nullptr;  // int8: (panels * panel), sum of the bytes * scale
  const float* smoothing = nullptr;      // int8: (in) what each input is multiplied by, or null
};

// out[r] = activation(a[r] @ weight + bias) [* value] + residual[r], for outputs of the panels
// [panel_begin, panel_end).
struct GemmArgs {
  const void* a = nullptr;            // (rows, in) as `operand` of the precision makes them
  int64_t a_stride = 0;               // bytes from row to row
  const RowScale* a_scale = nullptr;  // int8: (rows)
  int64_t rows = 0;
  const PackedLinear* linear = nullptr;
  int64_t panel_begin = 0;
  int64_t panel_end = 0;
  Activation activation = Activation::identity;
  const float* residual = nullptr;  // (rows, out) or null, rows `out_stride` floats apart
  float* out = nullptr;             // (rows, out), rows `out_stride` floats apart
  int64_t out_stride = 0;
};

// The product of one precision.
struct GemmKernels {
  int64_t (*panel_bytes)(int64_t in);
  // weight (out, in) row-major, signed bytes for int8 and else float32, out <= panel → one panel.
  void (*pack)(const void* weight, int64_t in, int64_t out, void* panel);
  // Bytes of a row as the product reads it.
  int64_t (*operand_bytes)(int64_t in);
  // x (rows, in) float32 → operand rows, operand_bytes apart; for int8 also their scales. Null for
  // float32, whose rows are read as they are.
  void (*operand)(const float* x, int64_t rows, const PackedLinear& linear, void* out,
                  RowScale* scales);
  void (*gemm)(const GemmArgs& args);
  // `steps` steps of the inner loop on registers alone, of `step_operations` operations each.
  float (*multiply_registers)(int64_t steps);
  int64_t step_operations;
};

// A bias is read in whole vectors, of 16 floats at most.
inline constexpr int64_t attention_bias_room = 15;

// What scores gain by the distance d = query - key, as DeBERTa counts it (He et al.,
// arXiv:2006.03654): query · key_table[rows[d]] and key · query_table[rows[d]].
struct RelativePositions {
  const float* key = nullptr;    // (rows, head_size), rows `stride` floats apart; or null
  const float* query = nullptr;  // the same
  int64_t stride = 0;
  const int32_t* rows = nullptr;  // readable from 1 - length to length - 1
};

// One head of one sequence. A query that sees no key becomes zeros.
struct AttentionArgs {
  const float* query = nullptr;  // (length, head_size), rows `stride` floats apart; so key, value
  const float* key = nullptr;
  const float* value = nullptr;
  int64_t stride = 0;
  int64_t length = 0;
  int64_t keys = 0;  // rows that are attended to, the first ones; 0: all
  int64_t head_size = 0;
  float scale = 1.0f;
  int64_t left = -1;   // query i sees keys from i - left
  int64_t right = -1;  // to i + right; -1: no limit
  // Added to the scaled score of query i and key j: bias[j - i], or null. Readable from 1 - length
  // on, and attention_bias_room floats beyond length - 1.
  const float* bias = nullptr;
  const RelativePositions* positions = nullptr;  // added before the scale is applied
  float* out = nullptr;  // (length, head_size), rows `out_stride` floats apart
  int64_t out_stride = 0;
  float* scratch = nullptr;  // attention_scratch() floats or more, 64-byte aligned
};

// The loops that know an instruction set. One table per ISA; everything above calls through it.
struct Kernels {
  const char* isa;
  int64_t panel;  // output channels in a panel of packed weights

  GemmKernels gemm[precisions];

  // Floats for sequences of up to that length, with relative positions or without.
  int64_t (*attention_scratch)(int64_t length, int64_t head_size, bool positions);
  void (*attention)(const AttentionArgs& args);

  // out (rows, size), which may be x: (x - mean) / sqrt(variance + epsilon) * gain + bias of each
  // row.
  void (*layer_norm)(const float* x, float* out, int64_t rows, int64_t size, const float* gain,
                     const float* bias, float epsilon);

  // The same without mean and bias: x / sqrt(mean of the squares + epsilon) * gain (Zhang and
  // Sennrich, arXiv:1910.07467).
  void (*rms_norm)(const float* x, float* out, int64_t rows, int64_t size, const float* gain,
                   float epsilon);

  // Rotates pairs among the first `dims` of each of x's adjacent heads (heads, head_size), in
  // place: (a, b) becomes (a cos - b sin, b cos + a sin) (Su et al., arXiv:2104.09864). Pair i is
  // 2 i and 2 i + 1 where they are interleaved, else i and i + dims / 2; its angle is cos[i] and
  // sin[i] of dims / 2.
  void (*rotate)(float* x, int64_t heads, int64_t head_size, const float* cos, const float* sin,
                 int64_t dims, bool interleaved);
};

// The ISAs that this build has, fastest first.
std::span<const Kernels* const> built_kernels();

// Those of them that this CPU runs.
std::span<const Kernels* const> available_kernels();

// The fastest that passes the self-test (self_test.h), which is made once.
const Kernels& fastest_kernels();

// Those that are faster, but failed it.
std::span<const Kernels* const> wrong_kernels();

// The fastest, or the one that the environment variable BERTIE_ISA names.
// Throws Error(input) for a name that is unknown, or of one that can't run here or runs wrongly.
const Kernels& select_kernels();

// Operations per second, a multiply-add being two, that the inner loop of this precision reaches
// on `threads` threads with its operands in registers. Takes about 0.2 s.
double multiply_peak(const Kernels& kernels, Precision precision, int threads);

}  // namespace bertie
