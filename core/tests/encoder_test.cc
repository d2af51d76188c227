#include "encoder/encoder.h"
#include "encoder/config.h"
#include "encoder/dense.h"

#include <doctest.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "encoder/pooling.h"
#include "encoder/quantize.h"
#include "encoder/tensor.h"
#include "force_isa.h"
#include "kernels/kernels.h"
#include "random.h"
#include "random_encoder.h"
#include "runtime/error.h"

using namespace bertie;

namespace {

const Config small = {.vocab_size = 50,
                      .embedding_size = 24,
                      .hidden_size = 24,
                      .num_attention_heads = 3,
                      .intermediate_size = 40,
                      .max_position_embeddings = 64,
                      .type_vocab_size = 2,
                      .layer_weights = {0, 1}};

// All that the kin of BERT do otherwise, at once.
const Config other = {.vocab_size = 50,
                      .embedding_size = 10,
                      .hidden_size = 24,
                      .num_attention_heads = 3,
                      .intermediate_size = 40,
                      .max_position_embeddings = 66,
                      .type_vocab_size = 0,
                      .layer_weights = {1, 0, 1},
                      .position_padding = 1,
                      .relative_attention_num_buckets = 8};

const std::vector<Pooling> all_modes = {Pooling::mean,         Pooling::cls,
                                        Pooling::max,          Pooling::mean_sqrt_len_tokens,
                                        Pooling::weightedmean, Pooling::lasttoken};

std::vector<float> run(const Encoder& encoder, const Input& input,
                       const std::vector<int64_t>& layers = {-1},
                       const std::vector<Pooling>& modes = {},
                       const std::vector<int32_t>& skip = {}) {
  const size_t rows = modes.empty() ? input.ids.size() : input.lengths.size() * modes.size();
  std::vector<float> out(rows * layers.size() * static_cast<size_t>(encoder.config().hidden_size));
  encoder.forward(input.batch(), {layers, modes, skip, out.data()});
  return out;
}

std::string message_of(const Encoder& encoder, const Input& input,
                       const std::vector<int64_t>& layers = {-1},
                       const std::vector<int32_t>& skip = {}) {
  try {
    run(encoder, input, layers, skip.empty() ? std::vector<Pooling>() : all_modes, skip);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a sequence has the same bits in any batch, with any number of threads, for every ISA") {
  for (const Config& config : {small, other}) {
    const Weights weights(config);
    for (const Kernels* kernels : available_kernels()) {
      force_isa(kernels->isa);
      CAPTURE(kernels->isa);
      for (const Precision precision : {Precision::float32, Precision::bfloat16, Precision::int8}) {
        const Recipe recipe{precision, precision, {}};
        const Encoder one(config, weights.map, 1, recipe), two(config, weights.map, 2, recipe),
            five(config, weights.map, 5, recipe);
        const int32_t lengths[] = {1, 13, 64};
        std::vector<std::vector<float>> expected;
        for (const int32_t length : lengths) {
          Input alone;
          alone.add(length, 99);
          expected.push_back(run(one, alone));
        }
        for (const int before : {0, 1, 20}) {
          Input mixed;
          for (int i = 0; i < before; ++i) mixed.add(1 + i * 7 % 60, static_cast<unsigned>(i));
          std::vector<size_t> starts;
          for (const int32_t length : lengths) {
            starts.push_back(mixed.ids.size() * 24);
            mixed.add(length, 99);
            for (int i = 0; i < 3; ++i) mixed.add(5, static_cast<unsigned>(i));
          }
          for (const Encoder* encoder : {&one, &two, &five}) {
            const auto hidden = run(*encoder, mixed);
            for (size_t i = 0; i < expected.size(); ++i) {
              CHECK(std::memcmp(hidden.data() + starts[i], expected[i].data(),
                                expected[i].size() * sizeof(float)) == 0);
            }
          }
        }
      }
    }
  }
  force_isa("");
}

TEST_CASE("layers asked for together are those asked for alone, and stand side by side") {
  for (const Config& config : {small, other}) {
    const Weights weights(config);
    const Encoder encoder(config, weights.map, 2);
    Input input;
    for (int i = 0; i < 20; ++i) input.add(1 + i * 3, static_cast<unsigned>(i));
    const auto passes = static_cast<int64_t>(config.layer_weights.size());
    const std::vector<int64_t> layers = {-1, 0, -2, -1};
    const auto together = run(encoder, input, layers);
    for (size_t i = 0; i < layers.size(); ++i) {
      const auto alone = run(encoder, input, {layers[i]});
      for (size_t t = 0; t < input.ids.size(); ++t) {
        CHECK(std::memcmp(together.data() + (t * layers.size() + i) * 24, alone.data() + t * 24,
                          24 * sizeof(float)) == 0);
      }
    }
    CHECK(run(encoder, input, {passes}) == run(encoder, input));
    CHECK(run(encoder, input, {-passes - 1}) == run(encoder, input, {0}));
    CHECK(run(encoder, input, {passes - 1}) != run(encoder, input));
  }
}

TEST_CASE("poolings of several layers are those of their hidden states, layer by layer") {
  const Weights weights(other);
  const Encoder encoder(other, weights.map, 2);
  Input input;
  std::vector<int32_t> skip;
  for (int i = 0; i < 20; ++i) {
    input.add(1 + i * 3, static_cast<unsigned>(i));
    skip.push_back(i % 5);
  }
  const std::vector<int64_t> layers = {3, 1};
  for (const auto& left_out : {std::vector<int32_t>(), skip}) {
    const auto pooled = run(encoder, input, layers, all_modes, left_out);
    for (size_t l = 0; l < layers.size(); ++l) {
      const auto hidden = run(encoder, input, {layers[l]});
      size_t start = 0;
      for (size_t s = 0; s < input.lengths.size(); ++s) {
        for (size_t m = 0; m < all_modes.size(); ++m) {
          float expected[24];
          pool(all_modes[m], hidden.data() + start * 24, input.lengths[s],
               left_out.empty() ? 0 : left_out[s], 24, expected);
          const size_t at = (s * layers.size() + l) * all_modes.size() + m;
          CHECK(std::memcmp(pooled.data() + at * 24, expected, sizeof expected) == 0);
        }
        start += static_cast<size_t>(input.lengths[s]);
      }
    }
  }
}

TEST_CASE("poolings leave out leading tokens, and are zeros where none is left") {
  const float hidden[] = {1, 10, 3, -20, 5, 60};  // three tokens of two numbers
  const auto pooled = [&](Pooling mode, int64_t skip) {
    std::vector<float> out(2);
    pool(mode, hidden, 3, skip, 2, out.data());
    return out;
  };
  using Row = std::vector<float>;
  CHECK(pooled(Pooling::mean, 0) == Row{3, 50.0f / 3});
  CHECK(pooled(Pooling::mean, 1) == Row{4, 20});
  CHECK(pooled(Pooling::cls, 0) == Row{1, 10});
  CHECK(pooled(Pooling::cls, 1) == Row{3, -20});
  CHECK(pooled(Pooling::max, 0) == Row{5, 60});
  CHECK(pooled(Pooling::mean_sqrt_len_tokens, 1) == Row{8 / std::sqrt(2.0f), 40 / std::sqrt(2.0f)});
  CHECK(pooled(Pooling::weightedmean, 0) == Row{22.0f / 6, 150.0f / 6});
  CHECK(pooled(Pooling::weightedmean, 1) == Row{21.0f / 5, 140.0f / 5});
  CHECK(pooled(Pooling::lasttoken, 0) == Row{5, 60});
  for (const int64_t all : {3, 7}) {
    CHECK(pooled(Pooling::mean, all) == Row{0, 0});
    CHECK(pooled(Pooling::max, all) == Row{0, 0});
    CHECK(pooled(Pooling::mean_sqrt_len_tokens, all) == Row{0, 0});
    CHECK(pooled(Pooling::weightedmean, all) == Row{0, 0});
    CHECK(pooled(Pooling::cls, all) == Row{1, 10});
    CHECK(pooled(Pooling::lasttoken, all) == Row{5, 60});
  }
}

TEST_CASE("positions count from the padding token's, whose own stays") {
  Config config = other;
  config.relative_attention_num_buckets = 0;
  Weights weights(config);
  // Positions alone make a difference, and the projection copies them.
  auto& words = weights.values["embeddings.word_embeddings.weight"];
  std::fill(words.begin(), words.end(), 0.0f);
  const Encoder encoder(config, weights.map, 2);
  const auto rows = [&](std::vector<int32_t> ids) {
    const auto length = static_cast<int32_t>(ids.size());
    const Input input{std::move(ids), {}, {length}};
    const auto hidden = run(encoder, input, {0});
    std::vector<std::vector<float>> found;
    for (size_t i = 0; i < input.ids.size(); ++i) {
      found.emplace_back(hidden.begin() + static_cast<int64_t>(i) * 24,
                         hidden.begin() + static_cast<int64_t>(i + 1) * 24);
    }
    return found;
  };
  const auto plain = rows({5, 6, 7, 8}), padded = rows({5, 1, 6, 1, 7});
  CHECK(padded[0] == plain[0]);
  CHECK(padded[2] == plain[1]);
  CHECK(padded[4] == plain[2]);
  CHECK(padded[1] == padded[3]);
  for (const auto& row : plain) CHECK(padded[1] != row);
}

TEST_CASE("the ISAs agree with the scalar one") {
  const Weights weights(small);
  Input input;
  for (int i = 0; i < 20; ++i) input.add(1 + i * 3, static_cast<unsigned>(i));
  force_isa("scalar");
  const auto expected = run(Encoder(small, weights.map, 2), input);
  for (const Kernels* kernels : available_kernels()) {
    force_isa(kernels->isa);
    const auto hidden = run(Encoder(small, weights.map, 2), input);
    double worst = 0;
    for (size_t i = 0; i < hidden.size(); ++i) {
      worst = std::max<double>(worst, std::abs(hidden[i] - expected[i]));
    }
    CAPTURE(kernels->isa);
    CHECK(worst < 2e-5);
  }
  force_isa("");
}

TEST_CASE("lower precisions stay near float32") {
  const Weights weights(small);
  Input input;
  for (int i = 0; i < 20; ++i) input.add(1 + i * 3, static_cast<unsigned>(i));
  for (const Kernels* kernels : available_kernels()) {
    force_isa(kernels->isa);
    CAPTURE(kernels->isa);
    const auto expected = run(Encoder(small, weights.map, 2), input);
    for (const Precision precision : {Precision::bfloat16, Precision::int8}) {
      const auto got = run(Encoder(small, weights.map, 2, {precision, precision, {}}), input);
      double squares = 0, error = 0;
      for (size_t i = 0; i < got.size(); ++i) {
        squares += expected[i] * expected[i];
        error += (got[i] - expected[i]) * (got[i] - expected[i]);
      }
      CHECK(error > 0);
      CHECK(error / squares < (precision == Precision::bfloat16 ? 1e-4 : 2e-3));
    }
  }
  force_isa("");
}

TEST_CASE("observing finds the largest input of each product, channel by channel") {
  const Weights weights(small);
  const Encoder encoder(small, weights.map, 2);
  Input few, more;
  few.add(9, 1);
  more.add(9, 1);
  more.add(30, 2);
  const auto least = encoder.observe(few.batch()), most = encoder.observe(more.batch());
  CHECK(least.size() == 8);
  CHECK(least.at("encoder.layer.1.output.dense").size() == 40);
  double grown = 0;
  for (const auto& [name, peaks] : least) {
    for (size_t i = 0; i < peaks.size(); ++i) {
      CHECK(peaks[i] > 0);
      CHECK(most.at(name)[i] >= peaks[i]);
      grown += most.at(name)[i] - peaks[i];
    }
  }
  CHECK(grown > 0);
}

TEST_CASE("what is observed of shared weights is the largest of all their passes") {
  const Weights weights(other);
  Config first = other, second = other;
  first.layer_weights = {1, 0};
  second.layer_weights = {1};
  Input input;
  input.add(30, 2);
  const auto all = Encoder(other, weights.map, 1).observe(input.batch());
  const auto two = Encoder(first, weights.map, 1).observe(input.batch());
  const auto one = Encoder(second, weights.map, 1).observe(input.batch());
  CHECK(all.size() == 8);
  CHECK(one.size() == 4);
  CHECK(all.at("encoder.layer.0.output.dense") == two.at("encoder.layer.0.output.dense"));
  double grown = 0;
  for (const auto& [name, peaks] : one) {
    for (size_t i = 0; i < peaks.size(); ++i) {
      CHECK(all.at(name)[i] >= peaks[i]);
      grown += all.at(name)[i] - peaks[i];
    }
  }
  CHECK(grown > 0);
}

TEST_CASE("weights that are bytes already give what quantizing them at load gives") {
  const std::map<std::string, std::vector<float>> smoothing = {
      {"encoder.layer.0.attention.self", std::vector<float>(24, 2.0f)},
      {"encoder.layer.1.output.dense", random_floats(40, 3)}};
  const Recipe recipe{Precision::int8, Precision::int8, smoothing};
  Weights weights(other);
  Input input;
  for (int i = 0; i < 9; ++i) input.add(1 + i * 7, static_cast<unsigned>(i));
  weights.values["encoder.layer.0.output.dense.weight"].assign(24 * 40, 0.0f);
  std::map<std::string, std::vector<float>> expected;
  for (const Kernels* kernels : available_kernels()) {
    force_isa(kernels->isa);
    expected[kernels->isa] = run(Encoder(other, weights.map, 2, recipe), input);
  }
  std::map<std::string, QuantizedWeight> quantized;
  for (const auto& [name, view] : TensorMap(weights.map)) {
    if (!contains(name, "encoder.") || view.shape.size() != 2) continue;
    const auto product = name.substr(0, name.find(".weight"));
    const auto whole =
        contains(name, "attention.self") ? name.substr(0, name.find(".self") + 5) : product;
    const auto found = smoothing.find(whole);
    const int64_t out = view.shape[0], in = view.shape[1];
    auto& own = quantized[name];
    own = {weights.values[name], in, found == smoothing.end() ? nullptr : &found->second};
    weights.add(name + "_scale", {out});
    std::copy(own.scales.begin(), own.scales.end(), weights.values[name + "_scale"].begin());
    weights.map[name] = {
        reinterpret_cast<const unsigned char*>(own.bytes.data()), DType::i8, {out, in}};
  }
  for (const Kernels* kernels : available_kernels()) {
    force_isa(kernels->isa);
    CAPTURE(kernels->isa);
    CHECK(run(Encoder(other, weights.map, 2, recipe), input) == expected[kernels->isa]);
  }
  force_isa("");
  const std::string name = "encoder.layer.0.intermediate.dense.weight";
  CHECK_THROWS_WITH_AS(Encoder(other, weights.map, 1, {Precision::bfloat16, Precision::int8, {}}),
                       doctest::Contains("is I8, expected F32, F16 or BF16"), Error);
  weights.map.erase(name + "_scale");
  CHECK_THROWS_WITH_AS(Encoder(other, weights.map, 1, recipe),
                       ("tensor " + name + "_scale is missing").c_str(), Error);
}

TEST_CASE("bytes are the nearest of 255 steps, the largest 127, and zeros stay zeros") {
  float weights[] = {0.5f, -1.0f, 0.25f, 0.0f}, zeros[4] = {};
  const float factors[] = {1, 1, 8, 1};
  int8_t bytes[4];
  CHECK(quantize(weights, nullptr, 4, bytes) == 1.0f / 127);
  CHECK(std::vector<int>(bytes, bytes + 4) == std::vector<int>{64, -127, 32, 0});
  CHECK(quantize(weights, factors, 4, bytes) == 2.0f / 127);
  CHECK(std::vector<int>(bytes, bytes + 4) == std::vector<int>{32, -64, 127, 0});
  CHECK(quantize(zeros, nullptr, 4, bytes) == 1.0f);
  CHECK(std::vector<int>(bytes, bytes + 4) == std::vector<int>{0, 0, 0, 0});
}

TEST_CASE("a smoothing of the wrong width is refused by name") {
  const Weights weights(small);
  const Recipe recipe{
      Precision::int8, Precision::int8, {{"encoder.layer.0.attention.self", {1.0f}}}};
  try {
    Encoder(small, weights.map, 1, recipe);
    FAIL("a misshapen smoothing was accepted");
  } catch (const Error& error) {
    CHECK(contains(error.what(), "encoder.layer.0.attention.self has 1 channels, expected 24"));
  }
}

TEST_CASE("callers on several threads get what one caller gets") {
  const Weights weights(small);
  const Encoder encoder(small, weights.map, 2);
  std::vector<Input> inputs(6);
  std::vector<std::vector<float>> expected;
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (unsigned j = 0; j <= i * 4; ++j)
      inputs[i].add(static_cast<int32_t>(1 + (i * 11 + j * 5) % 60), j);
    expected.push_back(run(encoder, inputs[i]));
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (size_t i = 0; i < inputs.size(); ++i) {
    callers.emplace_back([&, i] {
      for (int round = 0; round < 20; ++round) wrong += run(encoder, inputs[i]) != expected[i];
    });
  }
  for (auto& caller : callers) caller.join();
  CHECK(wrong == 0);
}

TEST_CASE("half-precision tensors are read as the numbers they hold") {
  const uint16_t halves[] = {0x3c00, 0xc000, 0x0001, 0x7c00, 0x8000, 0x3555};
  const TensorView half{reinterpret_cast<const unsigned char*>(halves), DType::f16, {6}};
  float out[6];
  half.read(0, 6, out);
  CHECK(out[0] == 1.0f);
  CHECK(out[1] == -2.0f);
  CHECK(out[2] == std::ldexp(1.0f, -24));
  CHECK(std::isinf(out[3]));
  CHECK(std::signbit(out[4]));
  CHECK(out[5] == doctest::Approx(1.0 / 3).epsilon(1e-3));
  const uint16_t brains[] = {0x3f80, 0xc040};
  const TensorView brain{reinterpret_cast<const unsigned char*>(brains), DType::bf16, {2}};
  brain.read(0, 2, out);
  CHECK(out[0] == 1.0f);
  CHECK(out[1] == -3.0f);
}

TEST_CASE("a matrix stored by columns is read row after row") {
  constexpr int64_t rows = 5, columns = 37;
  std::vector<float> stored(rows * columns), expected(stored.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      expected[static_cast<size_t>(r * columns + c)] = static_cast<float>(r * 100 + c);
      stored[static_cast<size_t>(c * rows + r)] = static_cast<float>(r * 100 + c);
    }
  }
  const TensorView matrix{
      reinterpret_cast<const unsigned char*>(stored.data()), DType::f32, {rows, columns}, true};
  for (int64_t first = 0; first < rows * columns; ++first) {
    for (int64_t count = 0; first + count <= rows * columns; ++count) {
      std::vector<float> out(static_cast<size_t>(count));
      matrix.read(first, count, out.data());
      CHECK(std::equal(out.begin(), out.end(), expected.begin() + first));
    }
  }
}

TEST_CASE("a missing or misshapen tensor is named with both shapes") {
  Weights weights(small);
  const std::string name = "encoder.layer.1.output.dense.weight";
  weights.map[name].shape = {24, 39};
  try {
    Encoder(small, weights.map, 1);
    FAIL("a misshapen tensor was accepted");
  } catch (const Error& error) {
    CHECK(contains(error.what(), name + " is (24, 39), expected (24, 40)"));
    CHECK(error.kind() == ErrorKind::checkpoint);
  }
  weights.map.erase(name);
  CHECK_THROWS_WITH_AS(Encoder(small, weights.map, 1), ("tensor " + name + " is missing").c_str(),
                       Error);
}

TEST_CASE("ids, type ids and lengths outside the model are refused") {
  const Weights weights(small);
  const Encoder encoder(small, weights.map, 2);
  Input good;
  good.add(5, 1);
  CHECK(message_of(encoder, good).empty());
  Input bad = good;
  bad.ids[3] = 50;
  CHECK(contains(message_of(encoder, bad),
                 "token id 50 at token 3 is outside the model's table of 50 rows"));
  bad.ids[3] = -1;
  CHECK(contains(message_of(encoder, bad), "token id -1"));
  bad = good;
  bad.types[0] = 2;
  CHECK(contains(message_of(encoder, bad), "type id 2 at token 0"));
  bad = good;
  bad.lengths[0] = 4;
  CHECK(contains(message_of(encoder, bad), "add up to 4 tokens, but there are 5"));
  bad.lengths = {5, 0};
  CHECK(contains(message_of(encoder, bad), "sequence 1 has 0 tokens"));
  bad = Input();
  bad.add(65, 1);
  CHECK(contains(message_of(encoder, bad), "reads 1 to 64"));
  bad = good;
  bad.types.pop_back();
  CHECK(contains(message_of(encoder, bad), "4 type ids"));
}

TEST_CASE("type ids are ignored where the model has fewer than two types") {
  for (const int64_t types : {0, 1}) {
    Config config = other;
    config.type_vocab_size = types;
    const Weights weights(config);
    const Encoder encoder(config, weights.map, 2);
    Input input;
    input.add(9, 1);
    const auto expected = run(encoder, input);
    input.types.assign(9, 7);
    CHECK(run(encoder, input) == expected);
    input.types.clear();
    CHECK(run(encoder, input) == expected);
  }
}

TEST_CASE("layers that there aren't and a skip that doesn't fit are refused") {
  const Weights weights(small);
  const Encoder encoder(small, weights.map, 2);
  Input input;
  input.add(5, 1);
  for (const int64_t layer : {3, -4}) {
    CHECK(contains(message_of(encoder, input, {0, layer}),
                   "layer " + std::to_string(layer) +
                       " is asked for; this model has 0 (its embeddings) to 2, or -3 to -1"));
  }
  CHECK(contains(message_of(encoder, input, {}), "layers is empty"));
  CHECK(contains(message_of(encoder, input, {-1}, {1, 1}), "skip has 2 numbers, expected one"));
  CHECK(contains(message_of(encoder, input, {-1}, {-1}), "skip of sequence 0 is -1"));
}

TEST_CASE("what a config can't be is refused") {
  Config config = other;
  const Weights weights(config);
  // With a smaller number there would be more positions than rows in the table.
  config.position_padding = -2;
  CHECK_THROWS_WITH_AS(Encoder(config, weights.map, 1),
                       "position_padding is -2, expected -1 to 2147483647", Error);
  config.position_padding = 66;
  CHECK_THROWS_WITH_AS(Encoder(config, weights.map, 1),
                       doctest::Contains("position, 66, is outside the table"), Error);
  config = other;
  config.relative_attention_num_buckets = 3;
  CHECK_THROWS_WITH_AS(Encoder(config, Weights(config).map, 1),
                       doctest::Contains("is 3, expected 4 to 511"), Error);
}

TEST_CASE("an empty batch gives nothing") {
  const Weights weights(small);
  CHECK(run(Encoder(small, weights.map, 2), Input()).empty());
}

TEST_CASE("a sequence's tokens attend to its first ones alone where the batch says so") {
  const Weights weights(small);
  for (const Kernels* kernels : available_kernels()) {
    force_isa(kernels->isa);
    const Encoder encoder(small, weights.map, 2);
    Input input;
    for (const int32_t length : {9, 1, 30}) input.add(length, 7);
    const auto size = static_cast<size_t>(small.hidden_size);
    std::vector<float> all(input.ids.size() * size), part(all.size());
    encoder.forward({input.ids, input.types, input.lengths, input.lengths},
                    {std::vector<int64_t>{-1}, {}, {}, all.data()});
    CHECK(all == run(encoder, input));
    const std::vector<int32_t> attended = {4, 1, 12};
    encoder.forward({input.ids, input.types, input.lengths, attended},
                    {std::vector<int64_t>{-1}, {}, {}, part.data()});
    // The attended tokens are as they would be without the others.
    Input alone;
    alone.add(9, 7);
    alone.ids.resize(4);
    alone.types.resize(4);
    alone.lengths = {4};
    const auto first = run(encoder, alone);
    for (size_t i = 0; i < 4 * size; ++i) CHECK(part[i] == doctest::Approx(first[i]).epsilon(1e-4));
    CHECK(part != all);
    for (const std::vector<int32_t>& wrong : {std::vector<int32_t>{4, 1}, {4, 2, 12}, {0, 1, 12}}) {
      CHECK_THROWS_AS(encoder.forward({input.ids, input.types, input.lengths, wrong},
                                      {std::vector<int64_t>{-1}, {}, {}, part.data()}),
                      Error);
    }
  }
  force_isa("");
}

TEST_CASE("a dense layer's rows and largest outputs have the same bits however they are shared") {
  constexpr int64_t in = 40, out = 1000;
  std::mt19937 engine(3);
  std::normal_distribution<float> normal;
  std::vector<float> weight(in * out), bias(out), x(in * 700);
  for (auto* values : {&weight, &bias, &x}) {
    for (float& value : *values) value = normal(engine);
  }
  const TensorView w{reinterpret_cast<const unsigned char*>(weight.data()), DType::f32, {out, in}};
  const TensorView b{reinterpret_cast<const unsigned char*>(bias.data()), DType::f32, {out}};
  for (const Kernels* kernels : available_kernels()) {
    force_isa(kernels->isa);
    for (const Precision precision : {Precision::float32, Precision::bfloat16, Precision::int8}) {
      const Dense alone(w, &b, Activation::identity, precision, 1);
      const Dense several(w, &b, Activation::identity, precision, 3);
      std::vector<float> expected(700 * out), found(700 * out);
      alone.apply(x.data(), 700, expected.data());
      for (const int64_t rows : {int64_t{1}, int64_t{7}, int64_t{700}}) {
        several.apply(x.data(), rows, found.data());
        CHECK(std::equal(found.begin(), found.begin() + rows * out, expected.begin()));
      }
      const std::vector<int32_t> lengths = {1, 95, 96, 8, 500};
      std::vector<float> largest(lengths.size() * out), wanted(largest.size(), -1e9f);
      size_t row = 0;
      for (size_t s = 0; s < lengths.size(); ++s) {
        for (int32_t t = 0; t < lengths[s]; ++t, ++row) {
          for (size_t c = 0; c < out; ++c) {
            wanted[s * out + c] = std::max(wanted[s * out + c], expected[row * out + c]);
          }
        }
      }
      several.maximum(x.data(), 700, lengths, largest.data());
      CHECK(largest == wanted);
      std::vector<float> broken = x;
      broken[650 * in] = std::numeric_limits<float>::quiet_NaN();
      several.apply(broken.data(), 700, found.data());
      CHECK(std::all_of(found.begin() + 650 * out, found.begin() + 651 * out,
                        [](float value) { return std::isnan(value); }));
      CHECK(std::equal(found.begin() + 651 * out, found.end(), expected.begin() + 651 * out));
      several.maximum(broken.data(), 700, lengths, largest.data());
      CHECK(std::equal(largest.begin(), largest.begin() + 4 * out, wanted.begin()));
      CHECK(std::all_of(largest.begin() + 4 * out, largest.end(),
                        [](float value) { return std::isnan(value); }));
      CHECK_THROWS_AS(several.maximum(x.data(), 699, lengths, largest.data()), Error);
    }
  }
  force_isa("");
}
