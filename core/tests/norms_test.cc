// Each ISA's norms and rotation against plain loops in double precision.
#include <doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/kernels.h"
#include "random.h"
#include "tested_kernels.h"

using namespace bertie;

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

TEST_CASE("layer_norm has the same bits in place and elsewhere") {
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    for (const int64_t size : {5, 64, 100}) {
      auto x = random_floats(4 * size, 8);
      const auto gain = random_floats(size, 6), bias = random_floats(size, 7);
      std::vector<float> out(x.size());
      kernels->layer_norm(x.data(), out.data(), 4, size, gain.data(), bias.data(), 1e-5f);
      kernels->layer_norm(x.data(), x.data(), 4, size, gain.data(), bias.data(), 1e-5f);
      CHECK(x == out);
    }
  }
}

TEST_CASE("rms_norm equals plain loops, in place and elsewhere") {
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    for (const int64_t size : {1, 5, 24, 96, 389}) {
      constexpr int64_t rows = 3;
      const auto gain = random_floats(size, 6);
      auto x = random_floats(rows * size, 8);
      std::vector<float> out(x.size());
      kernels->rms_norm(x.data(), out.data(), rows, size, gain.data(), 1e-6f);
      for (int64_t r = 0; r < rows; ++r) {
        double squares = 0;
        for (int64_t i = 0; i < size; ++i) {
          squares += std::pow(static_cast<double>(x[static_cast<size_t>(r * size + i)]), 2);
        }
        for (int64_t i = 0; i < size; ++i) {
          const auto at = static_cast<size_t>(r * size + i);
          const double expected = x[at] / std::sqrt(squares / static_cast<double>(size) + 1e-6) *
                                  gain[static_cast<size_t>(i)];
          CHECK(out[at] == doctest::Approx(expected).epsilon(1e-5));
        }
      }
      kernels->rms_norm(x.data(), x.data(), rows, size, gain.data(), 1e-6f);
      CHECK(x == out);
    }
  }
}

TEST_CASE("rotate turns the first pairs of each head and leaves the rest, with every ISA's bits") {
  for (const int64_t size : {2, 6, 32, 64, 80}) {
    for (const int64_t dims : {int64_t{2}, size / 4 * 2, size}) {
      if (dims == 0) continue;
      for (const bool interleaved : {false, true}) {
        constexpr int64_t heads = 3;
        const auto before = random_floats(heads * size, 1);
        std::vector<float> cos, sin, rotated;
        for (const float angle : random_floats(dims / 2, 2)) {
          cos.push_back(std::cos(angle));
          sin.push_back(std::sin(angle));
        }
        for (const Kernels* kernels : tested_kernels()) {
          CAPTURE(std::string(kernels->isa));
          auto x = before;
          kernels->rotate(x.data(), heads, size, cos.data(), sin.data(), dims, interleaved);
          auto expected = before;
          for (int64_t h = 0; h < heads; ++h) {
            for (int64_t i = 0; i < dims / 2; ++i) {
              const auto first = static_cast<size_t>(h * size + (interleaved ? 2 * i : i));
              const auto second = interleaved ? first + 1 : first + static_cast<size_t>(dims / 2);
              const double a = before[first], b = before[second];
              const double c = cos[static_cast<size_t>(i)], s = sin[static_cast<size_t>(i)];
              expected[first] = static_cast<float>(a * c - b * s);
              expected[second] = static_cast<float>(b * c + a * s);
            }
          }
          for (size_t i = 0; i < x.size(); ++i) CHECK(std::abs(expected[i] - x[i]) < 1e-6);
          if (rotated.empty()) rotated = x;
          CHECK(rotated == x);
        }
      }
    }
  }
}
