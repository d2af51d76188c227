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
#include "encoder/quantize.h"
#include "encoder/tensor.h"
#include "force_isa.h"
#include "kernels/bfloat16_speed.h"
#include "kernels/kernels.h"
#include "kernels/self_test.h"
#include "random.h"
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

// Runs a layer over the rows of a.
std::vector<float> run(const Kernels& kernels, const Linear& linear, const std::vector<float>& a,
                       Activation activation = Activation::identity,
                       const std::vector<float>& residual = {}) {
  const GemmKernels& gemm = kernels.gemm[static_cast<int>(linear.precision())];
  const int64_t in = linear.in(), out = linear.out(), rows = static_cast<int64_t>(a.size()) / in;
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
             .panel_end = linear.panels(),
             .activation = activation,
             .residual = residual.empty() ? nullptr : residual.data(),
             .out = result.data(),
             .out_stride = out});
  return result;
}

TensorView view(const std::vector<float>& values, const std::vector<int64_t>& shape) {
  return {reinterpret_cast<const unsigned char*>(values.data()), DType::f32, shape};
}

// Runs one layer over plain vectors.
std::vector<float> run(const Kernels& kernels, Precision precision, int64_t in, int64_t out,
                       const std::vector<float>& weight, const std::vector<float>& bias,
                       const std::vector<float>& a, Activation activation = Activation::identity,
                       const std::vector<float>& residual = {},
                       const std::vector<float>& smoothing = {}) {
  const TensorView w = view(weight, {out, in}), b = view(bias, {out});
  const Linear linear(kernels, precision, in, {&w}, {bias.empty() ? nullptr : &b}, smoothing);
  return run(kernels, linear, a, activation, residual);
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
          const auto activation = static_cast<Activation>((rows + in + out) % 6);
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

TEST_CASE("a gated layer is its activated gate times its value, in every precision") {
  // The same numbers, packed otherwise: only the product of two rounded sums is rounded anew.
  constexpr double tolerance = 1e-5;
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    for (const int64_t rows : {1, 5, 6, 13}) {
      for (const int64_t in : {3, 40}) {
        for (const int64_t out : {1, 2, 7, 16, 31, 32, 33, 100}) {
          const auto gate = random_floats(out * in, 1, 0.3f),
                     value = random_floats(out * in, 2, 0.3f);
          const auto gate_bias = random_floats(out, 3), a = random_floats(rows * in, 4);
          const auto residual = random_floats(rows * out, 5);
          std::vector<float> smoothing = random_floats(in, 6);
          for (float& factor : smoothing) factor = 0.5f + std::abs(factor);
          const auto activation = static_cast<Activation>((rows + out) % 6);
          const TensorView g = view(gate, {out, in}), v = view(value, {out, in});
          const TensorView b = view(gate_bias, {out});
          for (const Precision precision : every_precision) {
            CAPTURE(static_cast<int>(precision));
            const auto& factors = precision == Precision::int8 ? smoothing : std::vector<float>();
            const auto gates =
                run(*kernels, precision, in, out, gate, gate_bias, a, activation, {}, factors);
            const auto values =
                run(*kernels, precision, in, out, value, {}, a, Activation::identity, {}, factors);
            std::vector<float> expected(gates.size());
            for (size_t i = 0; i < expected.size(); ++i) {
              expected[i] = gates[i] * values[i] + residual[i];
            }
            const Linear linear(*kernels, precision, in, {&g, &v}, {&b, nullptr}, factors, {},
                                true);
            CHECK(linear.out() == out);
            CHECK(worst_difference(expected, run(*kernels, linear, a, activation, residual)) <
                  tolerance);
          }
        }
      }
    }
  }
}

TEST_CASE("a gated int8 layer of stored bytes and scales has the bits of one made from numbers") {
  constexpr int64_t rows = 5, in = 37, out = 50;
  const auto a = random_floats(rows * in, 4);
  std::vector<float> weights[2], scales[2];
  std::vector<int8_t> bytes[2];
  std::vector<float> smoothing = random_floats(in, 6);
  for (float& factor : smoothing) factor = 0.5f + std::abs(factor);
  for (unsigned i = 0; i < 2; ++i) {
    weights[i] = random_floats(out * in, i, 0.3f);
    bytes[i].resize(weights[i].size());
    auto smoothed = weights[i];
    for (int64_t c = 0; c < out; ++c) {
      scales[i].push_back(
          quantize(smoothed.data() + c * in, smoothing.data(), in, bytes[i].data() + c * in));
    }
  }
  const TensorView gate = view(weights[0], {out, in}), value = view(weights[1], {out, in});
  const auto stored = [&](int i) {
    return TensorView{
        reinterpret_cast<const unsigned char*>(bytes[i].data()), DType::i8, {out, in}};
  };
  const TensorView gate_bytes = stored(0), value_bytes = stored(1);
  const TensorView gate_scales = view(scales[0], {out}), value_scales = view(scales[1], {out});
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    const std::vector<const TensorView*> no_biases = {nullptr, nullptr};
    const Linear made(*kernels, Precision::int8, in, {&gate, &value}, no_biases, smoothing, {},
                      true);
    const Linear read(*kernels, Precision::int8, in, {&gate_bytes, &value_bytes}, no_biases,
                      smoothing, {&gate_scales, &value_scales}, true);
    CHECK(run(*kernels, made, a, Activation::gelu) == run(*kernels, read, a, Activation::gelu));
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

TEST_CASE("tiles add the first numbers of all pairs, and the second ones, of 32 inputs at a time") {
  const float large = 0x1p26f;
  for (const Kernels* kernels : tested_kernels()) {
    if (std::string_view(kernels->isa).substr(0, 3) != "amx") continue;
    CAPTURE(std::string(kernels->isa));
    const auto sum = [&](std::vector<float> a) {
      const std::vector<float> ones(a.size(), 1.0f);
      const auto in = static_cast<int64_t>(a.size());
      return run(*kernels, Precision::bfloat16, in, 1, ones, {}, a)[0];
    };
    CHECK(run(*kernels, Precision::bfloat16, 1, 1, {1e30f}, {}, {1e-39f})[0] == 0.0f);
    CHECK(run(*kernels, Precision::bfloat16, 1, 1, {1e-20f}, {}, {1e-20f})[0] == 0.0f);
    CHECK(sum({large, 1, -large, 0}) == 1);
    CHECK(sum({large, 0, 1, 0, -large}) == 0);
    std::vector<float> apart(40, 0.0f);
    apart[0] = large, apart[1] = 1, apart[32] = -large;
    CHECK(sum(apart) == 0);
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
  constexpr int64_t rows = 75, in = 100, out = 70;
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
    for (const auto activation : {Activation::gelu, Activation::gelu_tanh, Activation::relu,
                                  Activation::tanh, Activation::silu}) {
      CAPTURE(static_cast<int>(activation));
      const auto y = run(*kernels, Precision::float32, 1, 1, {1.0f}, {}, x, activation);
      double worst = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double expected = exact(activation, x[i]);
        worst = std::max(worst, std::abs(expected - y[i]) / std::max(1.0, std::abs(expected) / 8));
      }
      // SiLU's sigmoid is far from 1 where the others' have long reached it.
      CHECK(worst < (activation == Activation::silu ? 1.5e-6 : 1e-6));
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
  const bool bf16 = vnni && cpu_has("avx512_bf16");
#if defined(BERTIE_EMULATE_AMX)
  const bool amx = false;
  const std::string emulated = vnni ? "amx " : "";
#else
  const bool amx = bf16 && cpu_has("amx_tile") && cpu_has("amx_int8") && cpu_has("amx_bf16");
  const std::string emulated;
#endif
  if (amx) fastest_first += "amx ";
  if (bf16) fastest_first += "avx512bf16 ";
  if (vnni) fastest_first += "avx512vnni ";
  if (avx512) fastest_first += "avx512 ";
  if (avx2 && cpu_has("avx_vnni")) fastest_first += "avxvnni ";
  if (avx2) fastest_first += "avx2 ";
  CHECK(found == fastest_first + emulated + "scalar ");
#endif
}

TEST_CASE("kernels that compute wrongly in any precision are found, and the next best taken") {
  const Kernels& scalar = *available_kernels().back();
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    CHECK(computes_rightly(*kernels, scalar));
    for (const Precision precision : every_precision) {
      static decltype(GemmKernels::gemm) right = nullptr;
      static float error = 0;
      Kernels broken = *kernels;
      auto& gemm = broken.gemm[static_cast<int>(precision)].gemm;
      right = gemm;
      gemm = [](const GemmArgs& args) {
        right(args);
        args.out[3 * args.out_stride + 60] += error;
      };
      for (const float wrong : {0.1f, -0.1f, std::nanf(""), INFINITY}) {
        error = wrong;
        CHECK_FALSE(computes_rightly(broken, scalar));
      }
      error = 1e-6f;
      CHECK(computes_rightly(broken, scalar));
      error = 0.1f;
      const Kernels* const order[] = {&broken, kernels, &scalar};
      const Tried tried = try_kernels(order);
      CHECK(tried.first_right == kernels);
      CHECK(tried.wrong == std::vector<const Kernels*>{&broken});
      const Kernels* const none[] = {&broken, &scalar};
      CHECK(try_kernels(none).first_right == &scalar);
    }
  }
  CHECK(wrong_kernels().empty());
  CHECK(&fastest_kernels() == available_kernels().front());
}

TEST_CASE("bfloat16 is faster by instruction set, vendor and family") {
  using enum Bfloat16Speed;
  CHECK(bfloat16_speed("avx512bf16", {"AuthenticAMD", 0x19}) == faster);
  CHECK(bfloat16_speed("avx512bf16", {"AuthenticAMD", 0x1a}) == faster);
  CHECK(bfloat16_speed("avx512bf16", {"AuthenticAMD", 0x17}) == slower);
  CHECK(bfloat16_speed("avx512bf16", {"GenuineIntel", 6}) == slower);
  CHECK(bfloat16_speed("avx512bf16", {"GenuineIntel", 0x13}) == slower);
  CHECK(bfloat16_speed("avx512bf16", {}) == slower);
  CHECK(bfloat16_speed("neonmmla", {}) == faster);
  for (const char* isa : {"avx512vnni", "avx512", "avxvnni", "avx2", "neondot", "neon", "scalar"}) {
    CHECK(bfloat16_speed(isa, {"AuthenticAMD", 0x1a}) == none);
  }
}
