// Each kernel of each ISA against plain loops in double precision.
#include <doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <numbers>
#include <string>
#include <vector>

#include "encoder/linear.h"
#include "encoder/tensor.h"
#include "force_isa.h"
#include "kernels/kernels.h"
#include "random.h"
#include "runtime/aligned.h"
#include "runtime/cpu.h"
#include "runtime/error.h"
#include "tested_kernels.h"

using namespace bertie;

namespace {

double exact(Activation activation, double x) {
  switch (activation) {
    case Activation::identity:
      return x;
    case Activation::gelu:
      return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::gelu_tanh:
      return 0.5 * x *
             (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
    case Activation::relu:
      return x > 0 ? x : 0;
    case Activation::tanh:
      return std::tanh(x);
    case Activation::silu:
      return x / (1 + std::exp(-x));
  }
  return x;
}

// Runs one layer over plain vectors.
std::vector<float> run(const Kernels& kernels, Precision precision, int64_t in, int64_t out,
                       const std::vector<float>& weight, const std::vector<float>& bias,
                       const std::vector<float>& a, Activation activation = Activation::identity,
                       const std::vector<float>& residual = {},
                       const std::vector<float>& smoothing = {}) {
  const auto bytes = [](const std::vector<float>& values) {
    return reinterpret_cast<const unsigned char*>(values.data());
  };
  const TensorView w{bytes(weight), DType::f32, {out, in}}, b{bytes(bias), DType::f32, {out}};
  const Linear linear(kernels, precision, in, {&w}, {bias.empty() ? nullptr : &b}, smoothing);
  const GemmKernels& gemm = kernels.gemm[static_cast<int>(precision)];
  const auto rows = static_cast<int64_t>(a.size()) / in;
  std::vector<unsigned char> operand(static_cast<size_t>(rows * gemm.operand_bytes(in)));
  std::vector<RowScale> scales(static_cast<size_t>(rows));
  if (gemm.operand != nullptr) {
    gemm.operand(a.data(), rows, linear.packed(), operand.data(), scales.data());
  }
  std::vector<float> result(static_cast<size_t>(rows * out));
  gemm.gemm({.a = gemm.operand == nullptr ? static_cast<const void*>(a.data()) : operand.data(),
             .a_stride = gemm.operand_bytes(in),
             .a_scale = scales.data(),
             .rows = rows,
             .linear = &linear.packed(),
             .panel_begin = 0,
             .panel_end = (out + kernels.panel - 1) / kernels.panel,
             .activation = activation,
             .residual = residual.empty() ? nullptr : residual.data(),
             .out = result.data(),
             .out_stride = out});
  return result;
}

double worst_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) worst = std::max<double>(worst, std::abs(a[i] - b[i]));
  return worst;
}

constexpr Precision every_precision[] = {Precision::float32, Precision::bfloat16, Precision::int8};

}  // namespace

TEST_CASE("gemm equals plain loops for awkward shapes, with every activation and a residual") {
  // What rounding the operands may cost, for sums of up to 96 products of size about 0.3.
  const double tolerance[] = {1e-5, 4e-2, 1.5e-1};
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    for (const int64_t rows : {1, 2, 5, 6, 7, 14, 31}) {
      for (const int64_t in : {1, 3, 24, 96}) {
        for (const int64_t out : {1, 15, 24, 65, 130}) {
          const auto weight = random_floats(out * in, 1, 0.3f), bias = random_floats(out, 2);
          const auto a = random_floats(rows * in, 3), residual = random_floats(rows * out, 4);
          const auto activation = static_cast<Activation>((rows + in + out) % 5);
          std::vector<float> expected(static_cast<size_t>(rows * out));
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t c = 0; c < out; ++c) {
              double sum = bias[static_cast<size_t>(c)];
              for (int64_t k = 0; k < in; ++k) {
                sum += static_cast<double>(a[static_cast<size_t>(r * in + k)]) *
                       weight[static_cast<size_t>(c * in + k)];
              }
              const auto at = static_cast<size_t>(r * out + c);
              expected[at] = static_cast<float>(exact(activation, sum) + residual[at]);
            }
          }
          for (const Precision precision : every_precision) {
            const auto got =
                run(*kernels, precision, in, out, weight, bias, a, activation, residual);
            CHECK(worst_difference(expected, got) < tolerance[static_cast<int>(precision)]);
          }
        }
      }
    }
  }
}

TEST_CASE("the ISAs agree on bfloat16 and int8 products far below the operands' rounding") {
  constexpr int64_t rows = 17, in = 390, out = 70;
  const auto weight = random_floats(out * in, 1), bias = random_floats(out, 2);
  const auto a = random_floats(rows * in, 3);
  std::vector<float> smoothing = random_floats(in, 4);
  for (float& factor : smoothing) factor = 0.5f + std::abs(factor);
  for (const Precision precision : every_precision) {
    std::vector<float> expected;
    for (const Kernels* kernels : tested_kernels()) {
      CAPTURE(std::string(kernels->isa));
      const auto got = run(*kernels, precision, in, out, weight, bias, a, Activation::identity, {},
                           precision == Precision::int8 ? smoothing : std::vector<float>());
      if (expected.empty()) expected = got;
      CHECK(worst_difference(expected, got) < 1e-4);
    }
  }
}

TEST_CASE("bfloat16 sums are rounded alike with and without the CPU's own instruction") {
  constexpr int64_t rows = 7, in = 51, out = 70;
  const auto weight = random_floats(out * in, 1), a = random_floats(rows * in, 3);
  std::vector<float> expected;
  for (const Kernels* kernels : tested_kernels()) {
    if (std::string_view(kernels->isa).substr(0, 3) != "avx") continue;
    CAPTURE(std::string(kernels->isa));
    const auto got = run(*kernels, Precision::bfloat16, in, out, weight, {}, a);
    if (expected.empty()) expected = got;
    CHECK(expected == got);
  }
}

TEST_CASE("the CPU's own instruction for bfloat16 takes the smallest numbers to be zero") {
  constexpr float tiny = 1e-39f, small = 1e-20f;
  for (const Kernels* kernels : tested_kernels()) {
    if (std::string_view(kernels->isa).substr(0, 10) != "avx512bf16") continue;
    CAPTURE(std::string(kernels->isa));
    CHECK(run(*kernels, Precision::bfloat16, 1, 1, {1e30f}, {}, {tiny})[0] == 0.0f);
    CHECK(run(*kernels, Precision::bfloat16, 1, 1, {small}, {}, {small})[0] == 0.0f);
    // The second of a pair is added first: the other way round 1 would be lost in the large sum.
    const float large = 0x1p26f;
    CHECK(run(*kernels, Precision::bfloat16, 4, 1, {1, 1, 1, 1}, {}, {0, -large, 1, large})[0] ==
          1);
    CHECK(run(*kernels, Precision::bfloat16, 4, 1, {1, 1, 1, 1}, {}, {0, -large, large, 1})[0] ==
          0);
  }
}

TEST_CASE("int8 sums never saturate") {
  constexpr int64_t in = 4096, out = 5;
  const std::vector<float> weight(in * out, 1.0f), a(in, 1.0f);
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    const auto got = run(*kernels, Precision::int8, in, out, weight, {}, a);
    for (const float value : got) CHECK(value == doctest::Approx(4096).epsilon(1e-5));
  }
}

TEST_CASE("smoothing changes what int8 rounds, not what it computes") {
  constexpr int64_t rows = 9, in = 64, out = 30;
  const auto weight = random_floats(out * in, 1, 0.3f);
  auto a = random_floats(rows * in, 3);
  std::vector<float> smoothing(in, 1.0f);
  smoothing[7] = 10.0f;  // one input channel has outliers, which cost the others their bits
  for (int64_t r = 0; r < rows; ++r) a[static_cast<size_t>(r * in + 7)] *= 100.0f;
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    const auto exact_result = run(*kernels, Precision::float32, in, out, weight, {}, a);
    const auto rough = run(*kernels, Precision::int8, in, out, weight, {}, a);
    const auto smooth =
        run(*kernels, Precision::int8, in, out, weight, {}, a, Activation::identity, {}, smoothing);
    CHECK(worst_difference(exact_result, smooth) < 2.0);
    CHECK(worst_difference(exact_result, smooth) < worst_difference(exact_result, rough));
  }
}

TEST_CASE("a row of gemm has the same bits whatever rows stand around it") {
  constexpr int64_t rows = 23, in = 100, out = 70;
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    const auto weight = random_floats(out * in, 1), bias = random_floats(out, 2);
    const auto a = random_floats(rows * in, 3);
    for (const Precision precision : every_precision) {
      const auto together = run(*kernels, precision, in, out, weight, bias, a, Activation::gelu);
      for (int64_t r = 0; r < rows; ++r) {
        const std::vector<float> row(a.begin() + r * in, a.begin() + (r + 1) * in);
        const auto alone = run(*kernels, precision, in, out, weight, bias, row, Activation::gelu);
        CHECK(std::equal(alone.begin(), alone.end(), together.begin() + r * out));
      }
    }
  }
}

TEST_CASE("the activations keep their stated error over their whole range") {
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    std::vector<float> x;
    for (float v = -12.0f; v <= 12.0f; v += 1.0f / 4096) x.push_back(v);
    for (const float v : {-3e38f, -1e10f, -100.0f, -88.5f, 0.0f, 88.5f, 100.0f}) x.push_back(v);
    for (const auto activation :
         {Activation::gelu, Activation::gelu_tanh, Activation::relu, Activation::tanh}) {
      CAPTURE(static_cast<int>(activation));
      const auto y = run(*kernels, Precision::float32, 1, 1, {1.0f}, {}, x, activation);
      double worst = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double expected = exact(activation, x[i]);
        worst = std::max(worst, std::abs(expected - y[i]) / std::max(1.0, std::abs(expected) / 8));
      }
      CHECK(worst < 1e-6);
    }
  }
}

TEST_CASE("GELU of zero is zero, and of a NaN is a NaN") {
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    const auto y = run(*kernels, Precision::float32, 1, 1, {1.0f}, {}, {0.0f, std::nanf("")},
                       Activation::gelu);
    CHECK(y[0] == 0.0f);
    CHECK(std::isnan(y[1]));
  }
}

TEST_CASE("attention equals plain loops for every length and head size, with and without a bias") {
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    for (const int64_t length : {1, 2, 7, 16, 33, 64, 129, 130}) {
      for (const int64_t size : {1, 8, 26, 32, 64}) {
        const int64_t stride = 3 * size + 5, out_stride = size + 3;
        const bool biased = (length + size) % 2 == 0;
        const auto biases = random_floats(2 * length - 1 + attention_bias_room, 6, 2.0f);
        const float* bias = biases.data() + length - 1;
        const auto qkv = random_floats(length * stride, 5, 2.0f);
        std::vector<float> out(static_cast<size_t>(length * out_stride), 7.0f);
        Aligned<float> scratch(kernels->attention_scratch(length, size, false));
        const float scale = 1.0f / std::sqrt(static_cast<float>(size));
        kernels->attention({.query = qkv.data(),
                            .key = qkv.data() + size,
                            .value = qkv.data() + 2 * size,
                            .stride = stride,
                            .length = length,
                            .head_size = size,
                            .scale = scale,
                            .bias = biased ? bias : nullptr,
                            .out = out.data(),
                            .out_stride = out_stride,
                            .scratch = scratch.data()});
        double worst = 0;
        for (int64_t q = 0; q < length; ++q) {
          std::vector<double> weights(static_cast<size_t>(length));
          double peak = -1e300, total = 0;
          for (int64_t k = 0; k < length; ++k) {
            double score = 0;
            for (int64_t d = 0; d < size; ++d) {
              score += static_cast<double>(qkv[static_cast<size_t>(q * stride + d)]) *
                       qkv[static_cast<size_t>(k * stride + size + d)];
            }
            score = score * scale + (biased ? bias[k - q] : 0.0f);
            weights[static_cast<size_t>(k)] = score;
            peak = std::max(peak, score);
          }
          for (double& weight : weights) total += weight = std::exp(weight - peak);
          for (int64_t d = 0; d < size; ++d) {
            double value = 0;
            for (int64_t k = 0; k < length; ++k) {
              value += weights[static_cast<size_t>(k)] / total *
                       qkv[static_cast<size_t>(k * stride + 2 * size + d)];
            }
            worst = std::max(worst, std::abs(value - out[static_cast<size_t>(q * out_stride + d)]));
          }
          for (int64_t d = size; d < out_stride; ++d) {  // what lies between the rows is not ours
            CHECK(out[static_cast<size_t>(q * out_stride + d)] == 7.0f);
          }
        }
        CHECK(worst < 2e-5);
      }
    }
  }
}

TEST_CASE("layer_norm equals plain loops, also far from zero") {
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    for (const int64_t size : {1, 5, 24, 96, 384}) {
      for (const float offset : {0.0f, 300.0f}) {
        constexpr int64_t rows = 3;
        const auto gain = random_floats(size, 6), bias = random_floats(size, 7);
        auto x = random_floats(rows * size, 8);
        for (float& value : x) value += offset;
        const auto before = x;
        kernels->layer_norm(x.data(), x.data(), rows, size, gain.data(), bias.data(), 1e-12f);
        if (size == 1) continue;  // the variance is rounding noise; only that it runs is checked
        for (int64_t r = 0; r < rows; ++r) {
          double mean = 0, variance = 0;
          for (int64_t i = 0; i < size; ++i) mean += before[static_cast<size_t>(r * size + i)];
          mean /= static_cast<double>(size);
          for (int64_t i = 0; i < size; ++i) {
            variance += std::pow(before[static_cast<size_t>(r * size + i)] - mean, 2);
          }
          variance /= static_cast<double>(size);
          for (int64_t i = 0; i < size; ++i) {
            const auto at = static_cast<size_t>(r * size + i), channel = static_cast<size_t>(i);
            const double expected =
                (before[at] - mean) / std::sqrt(variance + 1e-12) * gain[channel] + bias[channel];
            CHECK(x[at] == doctest::Approx(expected).epsilon(offset == 0 ? 1e-5 : 1e-3));
          }
        }
      }
    }
  }
}

TEST_CASE("BERTIE_ISA forces an ISA and an unknown one is refused with the list") {
  for (const Kernels* kernels : available_kernels()) {
    force_isa(kernels->isa);
    CHECK(&select_kernels() == kernels);
  }
  force_isa("sse9");
  try {
    select_kernels();
    FAIL("an unknown ISA was accepted");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(message.find("sse9") != std::string::npos);
    CHECK(message.find("scalar") != std::string::npos);
  }
  force_isa("");
}

// What this CPU has is for runtime_test to check; an emulated one's is said from outside.
TEST_CASE("the ISAs are those of the CPU, fastest first") {
  std::string found;
  for (const Kernels* kernels : available_kernels()) found += kernels->isa + std::string(" ");
  if (const char* expected = std::getenv("BERTIE_EXPECTED_ISAS"); expected != nullptr) {
    CHECK(found == std::string(expected) + " ");
  }
#if defined(__x86_64__)
  const bool avx2 = cpu_has("avx2") && cpu_has("fma");
  const bool avx512 = avx2 && cpu_has("avx512f") && cpu_has("avx512bw") && cpu_has("avx512dq") &&
                      cpu_has("avx512vl");
  const bool vnni = avx512 && cpu_has("avx512_vnni");
  std::string fastest_first;
  if (vnni && cpu_has("avx512_bf16")) fastest_first += "avx512bf16 ";
  if (vnni) fastest_first += "avx512vnni ";
  if (avx512) fastest_first += "avx512 ";
  if (avx2 && cpu_has("avx_vnni")) fastest_first += "avxvnni ";
  if (avx2) fastest_first += "avx2 ";
  CHECK(found == fastest_first + "scalar ");
#endif
}
