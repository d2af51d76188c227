#include "encoder/encoder.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "random.h"
#include "runtime/error.h"

using namespace bertie;

namespace {

const Config small = {.vocab_size = 50,
                      .hidden_size = 24,
                      .num_hidden_layers = 2,
                      .num_attention_heads = 3,
                      .intermediate_size = 40,
                      .max_position_embeddings = 64,
                      .type_vocab_size = 2};

// Random weights under the canonical names, owned here.
struct Weights {
  std::map<std::string, std::vector<float>> values;
  TensorMap map;
  unsigned seed = 1;

  explicit Weights(const Config& c) {
    const int64_t h = c.hidden_size;
    add("embeddings.word_embeddings.weight", {c.vocab_size, h});
    add("embeddings.position_embeddings.weight", {c.max_position_embeddings, h});
    add("embeddings.token_type_embeddings.weight", {c.type_vocab_size, h});
    norm("embeddings.LayerNorm", h);
    for (int64_t i = 0; i < c.num_hidden_layers; ++i) {
      const std::string layer = "encoder.layer." + std::to_string(i) + ".";
      for (const char* part : {"query", "key", "value"})
        dense(layer + "attention.self." + part, h, h);
      dense(layer + "attention.output.dense", h, h);
      norm(layer + "attention.output.LayerNorm", h);
      dense(layer + "intermediate.dense", h, c.intermediate_size);
      dense(layer + "output.dense", c.intermediate_size, h);
      norm(layer + "output.LayerNorm", h);
    }
  }
  void dense(const std::string& name, int64_t in, int64_t out) {
    add(name + ".weight", {out, in});
    add(name + ".bias", {out});
  }
  void norm(const std::string& name, int64_t size) {
    add(name + ".weight", {size});
    add(name + ".bias", {size});
  }
  void add(const std::string& name, std::vector<int64_t> shape) {
    int64_t count = 1;
    for (const int64_t size : shape) count *= size;
    auto& data = values[name] = random_floats(count, seed++, 0.3f);
    map[name] = {reinterpret_cast<const unsigned char*>(data.data()), DType::f32, std::move(shape)};
  }
};

struct Input {
  std::vector<int32_t> ids, types, lengths;
  void add(int32_t length, unsigned seed) {
    std::mt19937 engine(seed);
    for (int32_t i = 0; i < length; ++i) {
      ids.push_back(static_cast<int32_t>(engine() % 50));
      types.push_back(static_cast<int32_t>(engine() % 2));
    }
    lengths.push_back(length);
  }
  Batch batch() const { return {ids, types, lengths}; }
};

std::vector<float> run(const Encoder& encoder, const Input& input) {
  std::vector<float> hidden(input.ids.size() * static_cast<size_t>(encoder.config().hidden_size));
  encoder.forward(input.batch(), hidden.data());
  return hidden;
}

std::string message_of(const Encoder& encoder, const Input& input) {
  try {
    run(encoder, input);
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
  const Weights weights(small);
  for (const Kernels* kernels : available_kernels()) {
    setenv("BERTIE_ISA", kernels->isa, 1);
    CAPTURE(kernels->isa);
    for (const Precision precision : {Precision::float32, Precision::bfloat16, Precision::int8}) {
      const Recipe recipe{precision, precision, {}};
      const Encoder one(small, weights.map, 1, recipe), two(small, weights.map, 2, recipe),
          five(small, weights.map, 5, recipe);
      for (const int32_t length : {1, 13, 64}) {
        Input alone;
        alone.add(length, 99);
        const auto expected = run(one, alone);
        for (const int before : {0, 1, 40}) {
          Input mixed;
          for (int i = 0; i < before; ++i) mixed.add(1 + i * 7 % 60, static_cast<unsigned>(i));
          const size_t at = mixed.ids.size() * 24;
          mixed.add(length, 99);
          for (int i = 0; i < 9; ++i) mixed.add(5, static_cast<unsigned>(i));
          for (const Encoder* encoder : {&one, &two, &five}) {
            const auto hidden = run(*encoder, mixed);
            CHECK(std::memcmp(hidden.data() + at, expected.data(),
                              expected.size() * sizeof(float)) == 0);
          }
        }
      }
    }
  }
  unsetenv("BERTIE_ISA");
}

TEST_CASE("the ISAs agree with the scalar one") {
  const Weights weights(small);
  Input input;
  for (int i = 0; i < 20; ++i) input.add(1 + i * 3, static_cast<unsigned>(i));
  setenv("BERTIE_ISA", "scalar", 1);
  const auto expected = run(Encoder(small, weights.map, 2), input);
  for (const Kernels* kernels : available_kernels()) {
    setenv("BERTIE_ISA", kernels->isa, 1);
    const auto hidden = run(Encoder(small, weights.map, 2), input);
    double worst = 0;
    for (size_t i = 0; i < hidden.size(); ++i) {
      worst = std::max<double>(worst, std::abs(hidden[i] - expected[i]));
    }
    CAPTURE(kernels->isa);
    CHECK(worst < 2e-5);
  }
  unsetenv("BERTIE_ISA");
}

TEST_CASE("lower precisions stay near float32") {
  const Weights weights(small);
  Input input;
  for (int i = 0; i < 20; ++i) input.add(1 + i * 3, static_cast<unsigned>(i));
  for (const Kernels* kernels : available_kernels()) {
    setenv("BERTIE_ISA", kernels->isa, 1);
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
  unsetenv("BERTIE_ISA");
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

TEST_CASE("an empty batch gives nothing") {
  const Weights weights(small);
  CHECK(run(Encoder(small, weights.map, 2), Input()).empty());
}
