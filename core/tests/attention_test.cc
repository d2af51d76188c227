// Each ISA's attention against plain loops in double precision.
#include <doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/kernels.h"
#include "random.h"
#include "runtime/aligned.h"
#include "runtime/crc32c.h"
#include "tested_kernels.h"

using namespace bertie;

namespace {

// One head's numbers and what is asked of them.
struct Head {
  int64_t length, size;
  int64_t left = -1, right = -1, keys = 0;
  bool biased = false, key_table = false, query_table = false;

  int64_t stride() const { return 3 * size + 5; }
  int64_t attended() const { return keys > 0 ? keys : length; }
  bool sees(int64_t query, int64_t key) const {
    return key < attended() && (left < 0 || key >= query - left) &&
           (right < 0 || key <= query + right);
  }
};

constexpr int64_t table_rows = 40;
// Rows by the distance as DeBERTa has them: one each nearby, shared ones farther off.
int32_t table_row(int64_t distance) {
  const int64_t magnitude = std::abs(distance), far = 10 + std::min<int64_t>(magnitude / 10, 9);
  const int64_t bucket = magnitude < 10 ? magnitude : far;
  return static_cast<int32_t>(table_rows / 2 + (distance < 0 ? -bucket : bucket));
}

struct Data {
  std::vector<float> qkv, bias, key_table, query_table;
  std::vector<int32_t> rows;
  explicit Data(const Head& h)
      : qkv(random_floats(h.length * h.stride(), 5, 2.0f)),
        bias(random_floats(2 * h.length - 1 + attention_bias_room, 6, 2.0f)),
        key_table(random_floats(table_rows * (h.size + 3), 8)),
        query_table(random_floats(table_rows * (h.size + 3), 9)) {
    for (int64_t d = 1 - h.length; d < h.length; ++d) rows.push_back(table_row(d));
  }
};

float scale(const Head& h) { return 1.0f / std::sqrt(static_cast<float>(h.size)); }

// What lies between the outputs' rows must stay this.
constexpr float untouched = 7.0f;
constexpr int64_t between = 3;

// filler: what scratch holds before.
std::vector<float> run(const Kernels& kernels, const Head& h, const Data& data,
                       float filler = std::nanf("")) {
  const int64_t out_stride = h.size + between;
  std::vector<float> out(static_cast<size_t>(h.length * out_stride), untouched);
  for (int64_t q = 0; q < h.length; ++q) {
    std::fill_n(out.begin() + q * out_stride, h.size, filler);
  }
  const bool positioned = h.key_table || h.query_table;
  Aligned<float> scratch(kernels.attention_scratch(h.length, h.size, positioned));
  std::fill_n(scratch.data(), scratch.size(), filler);
  const RelativePositions positions = {h.key_table ? data.key_table.data() : nullptr,
                                       h.query_table ? data.query_table.data() : nullptr,
                                       h.size + 3, data.rows.data() + h.length - 1};
  kernels.attention({.query = data.qkv.data(),
                     .key = data.qkv.data() + h.size,
                     .value = data.qkv.data() + 2 * h.size,
                     .stride = h.stride(),
                     .length = h.length,
                     .keys = h.keys,
                     .head_size = h.size,
                     .scale = scale(h),
                     .left = h.left,
                     .right = h.right,
                     .bias = h.biased ? data.bias.data() + h.length - 1 : nullptr,
                     .positions = positioned ? &positions : nullptr,
                     .out = out.data(),
                     .out_stride = out_stride,
                     .scratch = scratch.data()});
  return out;
}

double dot(const float* a, const float* b, int64_t size) {
  double sum = 0;
  for (int64_t d = 0; d < size; ++d) sum += static_cast<double>(a[d]) * b[d];
  return sum;
}

std::vector<float> expected(const Head& h, const Data& data) {
  const int64_t out_stride = h.size + between;
  std::vector<float> out(static_cast<size_t>(h.length * out_stride), untouched);
  std::vector<double> weights(static_cast<size_t>(h.length)), values(static_cast<size_t>(h.size));
  for (int64_t i = 0; i < h.length; ++i) {
    const float* query = data.qkv.data() + i * h.stride();
    double peak = -1e300, total = 0;
    for (int64_t j = 0; j < h.length; ++j) {
      if (!h.sees(i, j)) continue;
      const float* key = data.qkv.data() + j * h.stride() + h.size;
      const int64_t row = data.rows[static_cast<size_t>(i - j + h.length - 1)] * (h.size + 3);
      double score = dot(query, key, h.size);
      if (h.key_table) score += dot(query, data.key_table.data() + row, h.size);
      if (h.query_table) score += dot(key, data.query_table.data() + row, h.size);
      score *= scale(h);
      if (h.biased) score += data.bias[static_cast<size_t>(j - i + h.length - 1)];
      weights[static_cast<size_t>(j)] = score;
      peak = std::max(peak, score);
    }
    std::fill(values.begin(), values.end(), 0.0);
    for (int64_t j = 0; j < h.length; ++j) {
      if (!h.sees(i, j)) continue;
      const double weight = std::exp(weights[static_cast<size_t>(j)] - peak);
      total += weight;
      const float* value = data.qkv.data() + j * h.stride() + 2 * h.size;
      for (int64_t d = 0; d < h.size; ++d) values[static_cast<size_t>(d)] += weight * value[d];
    }
    for (int64_t d = 0; d < h.size; ++d) {
      out[static_cast<size_t>(i * out_stride + d)] =
          total == 0 ? 0.0f : static_cast<float>(values[static_cast<size_t>(d)] / total);
    }
  }
  return out;
}

// The largest difference; infinite where one is no number.
double difference(const std::vector<float>& a, const std::vector<float>& b) {
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double d = std::abs(static_cast<double>(a[i]) - b[i]);
    worst = d <= worst ? worst : std::isnan(d) ? HUGE_VAL : d;
  }
  return worst;
}

// float32 sums of up to 80 products of size 4, of which e^score is taken.
constexpr double tolerance = 2e-5;

void check(const Head& h) {
  CAPTURE(h.length);
  CAPTURE(h.size);
  CAPTURE(h.left);
  CAPTURE(h.right);
  CAPTURE(h.keys);
  CAPTURE(h.biased);
  CAPTURE(h.key_table);
  CAPTURE(h.query_table);
  const Data data(h);
  const auto exact = expected(h, data);
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    CHECK(difference(run(*kernels, h, data), exact) < tolerance);
  }
}

}  // namespace

TEST_CASE("attention equals plain loops for every length and head size, with and without a bias") {
  for (const int64_t length : {1, 2, 7, 16, 33, 64, 129, 130}) {
    for (const int64_t size : {1, 8, 26, 32, 64, 80}) {
      check({.length = length, .size = size, .biased = (length + size) % 2 == 0});
      check({.length = length, .size = size, .keys = (length + 1) / 2, .biased = length % 2 == 0});
    }
  }
}

TEST_CASE("queries see a window, or those before them, and nothing else") {
  constexpr int64_t windows[][2] = {{0, 0},  {1, 3},   {-1, 0},   {0, -1},
                                    {9, -1}, {17, 64}, {999, 999}};
  for (const int64_t length : {1, 2, 13, 14, 47, 64, 131}) {
    for (const int64_t size : {7, 32, 64}) {
      for (const auto& [left, right] : windows) {
        const bool biased = (length + left) % 2 == 0;
        check({.length = length, .size = size, .left = left, .right = right, .biased = biased});
        check({.length = length,
               .size = size,
               .left = left,
               .right = right,
               .keys = (length + 2) / 3,
               .biased = biased});
      }
    }
  }
}

TEST_CASE("a query that sees no key becomes zeros") {
  for (const int64_t length : {30, 700}) {
    const Head h = {.length = length, .size = 26, .left = 2, .keys = 5};
    const Data data(h);
    for (const Kernels* kernels : tested_kernels()) {
      CAPTURE(std::string(kernels->isa));
      const auto out = run(*kernels, h, data);
      const auto row = [&](int64_t i) { return out.begin() + i * (h.size + between); };
      CHECK(std::any_of(row(6), row(6) + h.size, [](float x) { return x != 0.0f; }));
      for (int64_t i = 7; i < length; ++i) {
        CHECK(std::all_of(row(i), row(i) + h.size, [](float x) { return x == 0.0f; }));
      }
    }
  }
}

TEST_CASE("long sequences, which go by blocks of keys, equal plain loops") {
  constexpr int64_t size = 22;
  check({.length = 511, .size = size});
  check({.length = 512, .size = size, .left = 100, .right = 30});
  check({.length = 513, .size = size});
  check({.length = 1200, .size = size, .biased = true});
  check({.length = 1200, .size = size, .left = -1, .right = 0});
  check({.length = 1200, .size = size, .left = 0, .right = -1});
  check({.length = 1200, .size = size, .left = 64, .right = 64});
  check({.length = 1200, .size = size, .left = 500, .right = 300, .biased = true});
  check({.length = 1200, .size = size, .keys = 700});
  check({.length = 1200, .size = size, .left = 20, .right = 20, .keys = 513});
}

TEST_CASE("a peak that comes late, or only in one block, outweighs all before it") {
  constexpr int64_t length = 1100, size = 8;
  const Head h = {.length = length, .size = size};
  Data data(h);
  for (const int64_t peak : {0, 700, 1099}) {
    for (int64_t d = 0; d < size; ++d)
      data.qkv[static_cast<size_t>(peak * h.stride() + size + d)] *= 30;
  }
  const auto exact = expected(h, data);
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    CHECK(difference(run(*kernels, h, data), exact) < 2e-4);  // scores of size 300
  }
}

TEST_CASE("relative positions equal plain loops, each table alone and both") {
  for (const int64_t length : {1, 2, 13, 14, 33, 64, 130, 600}) {
    for (const int64_t size : {5, 32, 64}) {
      if (length == 600 && size == 64) continue;
      for (const int tables : {1, 2, 3}) {
        const Head h = {.length = length,
                        .size = size,
                        .biased = length % 2 == 0,
                        .key_table = (tables & 1) != 0,
                        .query_table = (tables & 2) != 0};
        check(h);
        if (tables != 3) continue;
        Head part = h;
        part.keys = (length + 1) / 2;
        check(part);
        part = h;
        part.left = 9;
        part.right = 20;
        check(part);
      }
    }
  }
}

TEST_CASE("a window as wide as the text changes no bit, nor does what scratch held") {
  for (const int64_t length : {1, 14, 40, 130, 512, 1200}) {
    Head h = {.length = length, .size = 24, .key_table = length == 40, .query_table = length == 40};
    const Data data(h);
    for (const Kernels* kernels : tested_kernels()) {
      CAPTURE(std::string(kernels->isa));
      h.left = h.right = -1;
      const auto open = run(*kernels, h, data);
      CHECK(open == run(*kernels, h, data, 0.0f));
      h.left = h.right = length;
      CHECK(open == run(*kernels, h, data));
      h.left = h.right = length - 1;
      CHECK(open == run(*kernels, h, data));
    }
  }
}

TEST_CASE("up to 512 tokens the bits are those that they have always been") {
  const std::map<std::string_view, uint32_t> stored = {
      {"scalar", 0x093ca6cd}, {"avx2", 0x95723869}, {"avx512", 0xdf2bc48a}};
  for (const Kernels* kernels : tested_kernels()) {
    const auto found = std::find_if(stored.begin(), stored.end(), [&](const auto& one) {
      return one.first == std::string_view(kernels->isa);
    });
    if (found == stored.end()) continue;
    CAPTURE(std::string(kernels->isa));
    uint32_t checksums = 0;
    for (const int64_t length : {1, 7, 14, 33, 130, 300, 512}) {
      for (const int64_t size : {24, 32, 64}) {
        for (const bool biased : {false, true}) {
          const Head h = {.length = length, .size = size, .keys = length / 2, .biased = biased};
          const auto out = run(*kernels, h, Data(h));
          checksums = checksums * 31 + crc32c(reinterpret_cast<const uint8_t*>(out.data()),
                                              out.size() * sizeof(float));
        }
      }
    }
    CHECK(checksums == found->second);
  }
}

TEST_CASE("beyond a block scratch grows by a peak and a sum for each token") {
  for (const Kernels* kernels : tested_kernels()) {
    CAPTURE(std::string(kernels->isa));
    const auto floats = [&](int64_t length) {
      return kernels->attention_scratch(length, 64, false);
    };
    CHECK(floats(32768) - floats(8192) == 2 * (32768 - 8192));
    CHECK(floats(32768) < 3 * 32768 + 2 * 512 * 64 + 12 * 512);
    for (int64_t length = 2; length < 1500; ++length) CHECK(floats(length) >= floats(length - 1));
  }
}
