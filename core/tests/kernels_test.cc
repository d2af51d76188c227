// Each kernel of each ISA against plain loops in double precision.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "kernels/kernels.h"
#include "random.h"
#include "runtime/aligned.h"
#include "runtime/error.h"

using namespace bertie;

namespace {

double exact(Activation activation, double x) {
  switch (activation) {
    case Activation::identity: return x;
    case Activation::gelu: return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
    case Activation::relu: return x > 0 ? x : 0;
    case Activation::tanh: return std::tanh(x);
  }
  return x;
}

// A packed layer over plain vectors.
struct Layer {
  Layer(const Kernels& kernels, int64_t in, int64_t out, const std::vector<float>& weight,
        const std::vector<float>& bias)
      : panels((out + kernels.panel - 1) / kernels.panel),
        weights(panels * kernels.panel * in),
        biases(panels * kernels.panel) {
    std::fill_n(biases.data(), biases.size(), 0.0f);
    std::copy(bias.begin(), bias.end(), biases.data());
    kernels.pack(weight.data(), in, out, weights.data());
    packed = {in, out, weights.data(), biases.data()};
  }
  int64_t panels;
  Aligned<float> weights, biases;
  PackedLinear packed;
};

std::vector<float> run(const Kernels& kernels, const Layer& layer, const std::vector<float>& a,
                       int64_t rows, Activation activation, const std::vector<float>& residual) {
  std::vector<float> out(static_cast<size_t>(rows * layer.packed.out));
  kernels.gemm({.a = a.data(),
                .a_stride = layer.packed.in,
                .rows = rows,
                .linear = &layer.packed,
                .panel_begin = 0,
                .panel_end = layer.panels,
                .activation = activation,
                .residual = residual.empty() ? nullptr : residual.data(),
                .out = out.data(),
                .out_stride = layer.packed.out});
  return out;
}

}  // namespace

TEST_CASE("gemm equals plain loops for awkward shapes, with every activation and a residual") {
  for (const Kernels* kernels : available_kernels()) {
    CAPTURE(kernels->isa);
    for (const int64_t rows : {1, 2, 5, 6, 7, 14, 31}) {
      for (const int64_t in : {1, 3, 24, 96}) {
        for (const int64_t out : {1, 15, 24, 65, 130}) {
          const auto weight = random_floats(out * in, 1, 0.3f), bias = random_floats(out, 2);
          const auto a = random_floats(rows * in, 3), residual = random_floats(rows * out, 4);
          const Layer layer(*kernels, in, out, weight, bias);
          const auto activation = static_cast<Activation>((rows + in + out) % 5);
          const auto got = run(*kernels, layer, a, rows, activation, residual);
          double worst = 0;
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t c = 0; c < out; ++c) {
              double sum = bias[static_cast<size_t>(c)];
              for (int64_t k = 0; k < in; ++k) {
                sum += static_cast<double>(a[static_cast<size_t>(r * in + k)]) *
                       weight[static_cast<size_t>(c * in + k)];
              }
              const auto at = static_cast<size_t>(r * out + c);
              worst = std::max(worst, std::abs(exact(activation, sum) + residual[at] - got[at]));
            }
          }
          CHECK(worst < 1e-5);
        }
      }
    }
  }
}

TEST_CASE("a row of gemm has the same bits whatever rows stand around it") {
  constexpr int64_t rows = 23, in = 100, out = 70;
  for (const Kernels* kernels : available_kernels()) {
    CAPTURE(kernels->isa);
    const auto weight = random_floats(out * in, 1), bias = random_floats(out, 2);
    const auto a = random_floats(rows * in, 3);
    const Layer layer(*kernels, in, out, weight, bias);
    const auto together = run(*kernels, layer, a, rows, Activation::gelu, {});
    for (int64_t r = 0; r < rows; ++r) {
      const std::vector<float> row(a.begin() + r * in, a.begin() + (r + 1) * in);
      const auto alone = run(*kernels, layer, row, 1, Activation::gelu, {});
      CHECK(std::equal(alone.begin(), alone.end(), together.begin() + r * out));
    }
  }
}

TEST_CASE("the activations keep their stated error over their whole range") {
  for (const Kernels* kernels : available_kernels()) {
    CAPTURE(kernels->isa);
    const Layer identity(*kernels, 1, 1, {1.0f}, {});
    std::vector<float> x;
    for (float v = -12.0f; v <= 12.0f; v += 1.0f / 4096) x.push_back(v);
    for (const float v : {-3e38f, -1e10f, -100.0f, -88.5f, 0.0f, 88.5f, 100.0f}) x.push_back(v);
    for (const auto activation :
         {Activation::gelu, Activation::gelu_tanh, Activation::relu, Activation::tanh}) {
      CAPTURE(static_cast<int>(activation));
      const auto y = run(*kernels, identity, x, static_cast<int64_t>(x.size()), activation, {});
      double worst = 0;
      for (size_t i = 0; i < x.size(); ++i) {
        const double expected = exact(activation, x[i]);
        worst = std::max(worst, std::abs(expected - y[i]) / std::max(1.0, std::abs(expected) / 8));
      }
      CHECK(worst < 1e-6);
    }
  }
}

TEST_CASE("attention equals plain loops for every length and head size") {
  for (const Kernels* kernels : available_kernels()) {
    CAPTURE(kernels->isa);
    for (const int64_t length : {1, 2, 7, 16, 33, 64, 130}) {
      for (const int64_t size : {1, 8, 26, 32, 64}) {
        const int64_t stride = 3 * size + 5, out_stride = size + 3;
        const auto qkv = random_floats(length * stride, 5, 2.0f);
        std::vector<float> out(static_cast<size_t>(length * out_stride), 7.0f);
        Aligned<float> scratch(kernels->attention_scratch(length, size));
        const float scale = 1.0f / std::sqrt(static_cast<float>(size));
        kernels->attention({.query = qkv.data(),
                            .key = qkv.data() + size,
                            .value = qkv.data() + 2 * size,
                            .stride = stride,
                            .length = length,
                            .head_size = size,
                            .scale = scale,
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
            weights[static_cast<size_t>(k)] = score * scale;
            peak = std::max(peak, score * scale);
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
  for (const Kernels* kernels : available_kernels()) {
    CAPTURE(kernels->isa);
    for (const int64_t size : {1, 5, 24, 96, 384}) {
      for (const float offset : {0.0f, 300.0f}) {
        constexpr int64_t rows = 3;
        const auto gain = random_floats(size, 6), bias = random_floats(size, 7);
        auto x = random_floats(rows * size, 8);
        for (float& value : x) value += offset;
        const auto before = x;
        kernels->layer_norm(x.data(), rows, size, gain.data(), bias.data(), 1e-12f);
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
    setenv("BERTIE_ISA", kernels->isa, 1);
    CHECK(&select_kernels() == kernels);
  }
  setenv("BERTIE_ISA", "sse9", 1);
  try {
    select_kernels();
    FAIL("an unknown ISA was accepted");
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK(message.find("sse9") != std::string::npos);
    CHECK(message.find("scalar") != std::string::npos);
  }
  unsetenv("BERTIE_ISA");
}
