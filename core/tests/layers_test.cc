// What layers of other encoders than BERT do otherwise.
#include <doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "encoder/tensor.h"
#include "force_isa.h"
#include "kernels/kernels.h"
#include "layer_kinds.h"
#include "plain_encoder.h"
#include "random_encoder.h"
#include "runtime/error.h"

using namespace bertie;

TEST_CASE("every kind of layer computes what plain loops in double precision do, for every ISA") {
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    const Weights weights(kind.config, kind.parts);
    const PlainEncoder plain(kind.config, weights);
    for (const int32_t length : {1, 13, 40}) {
      Input input;
      input.add(length, 99);
      for (const int64_t layer : {0, 1, 2, 3}) {
        const auto expected = plain.forward(input.ids, input.types, layer);
        for (const Kernels* kernels : available_kernels()) {
          force_isa(kernels->isa);
          CAPTURE(kernels->isa);
          const Encoder encoder(kind.config, weights.map, 2);
          CHECK(difference(run(encoder, input, {layer}), expected) < 1e-5);
        }
      }
    }
  }
  force_isa("");
}

TEST_CASE("lower precisions stay near plain loops for every kind of layer") {
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    const Weights weights(kind.config, kind.parts);
    Input input;
    input.add(40, 99);
    const auto expected = PlainEncoder(kind.config, weights).forward(input.ids, input.types, 3);
    for (const Kernels* kernels : available_kernels()) {
      force_isa(kernels->isa);
      CAPTURE(kernels->isa);
      for (const Precision precision : {Precision::bfloat16, Precision::int8}) {
        const Encoder encoder(kind.config, weights.map, 2, {precision, precision, {}});
        const double found = difference(run(encoder, input), expected);
        CHECK(found > 1e-5);
        CHECK(found < (precision == Precision::bfloat16 ? 0.03 : 0.1));
      }
    }
  }
  force_isa("");
}

TEST_CASE("a sequence has the same bits in any batch, with any threads, for every kind of layer") {
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    const Weights weights(kind.config, kind.parts);
    for (const Kernels* kernels : available_kernels()) {
      force_isa(kernels->isa);
      CAPTURE(kernels->isa);
      for (const Precision precision : all_precisions) {
        const Recipe recipe{precision, precision, {}};
        const Encoder one(kind.config, weights.map, 1, recipe),
            two(kind.config, weights.map, 2, recipe), five(kind.config, weights.map, 5, recipe);
        const int32_t lengths[] = {1, 13, 64};
        std::vector<std::vector<float>> expected;
        for (const int32_t length : lengths) {
          Input alone;
          alone.add(length, 99);
          expected.push_back(run(one, alone, {-1, 1}));
        }
        for (const int before : {0, 1, 20}) {
          Input mixed;
          for (int i = 0; i < before; ++i) mixed.add(1 + i * 7 % 60, static_cast<unsigned>(i));
          std::vector<size_t> starts;
          for (const int32_t length : lengths) {
            starts.push_back(mixed.ids.size() * 48);
            mixed.add(length, 99);
            for (int i = 0; i < 3; ++i) mixed.add(5, static_cast<unsigned>(i));
          }
          for (const Encoder* encoder : {&one, &two, &five}) {
            const auto hidden = run(*encoder, mixed, {-1, 1});
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

TEST_CASE("norms, a gate and distances change no product's name, and inputs are observed normed") {
  const Kind& kind = kinds().front();
  const Weights weights(kind.config, kind.parts);
  const Encoder encoder(kind.config, weights.map, 2);
  Input input;
  input.add(30, 2);
  const auto peaks = encoder.observe(input.batch());
  CHECK(peaks.size() == 12);
  for (const char* layer : {"encoder.layer.0.", "encoder.layer.1.", "encoder.layer.2."}) {
    const auto channels = [&](const char* name) {
      return peaks.at(std::string(layer) + name).size();
    };
    CHECK(channels("attention.self") == 24);
    CHECK(channels("attention.output.dense") == 24);
    CHECK(channels("intermediate.dense") == 24);
    CHECK(channels("output.dense") == 40);
  }
  // What a norm gives is at most its gain times the root of the width.
  const auto& gain = weights.values.at("encoder.layer.1.intermediate.LayerNorm.weight");
  const auto& found = peaks.at("encoder.layer.1.intermediate.dense");
  for (size_t i = 0; i < gain.size(); ++i) {
    CHECK(found[i] > 0);
    CHECK(found[i] <= std::abs(gain[i]) * std::sqrt(24.0f) * 1.0001f);
  }
}

TEST_CASE("weights that are bytes or bfloat16 already give what rounding them at load gives") {
  for (const Kind& kind : kinds()) {
    CAPTURE(kind.name);
    Weights weights(kind.config, kind.parts);
    const auto powers = [](int64_t count) {
      std::vector<float> factors;
      for (int64_t i = 0; i < count; ++i) factors.push_back(i % 3 == 0 ? 2.0f : 0.75f);
      return factors;
    };
    const std::map<std::string, std::vector<float>> smoothing = {
        {"encoder.layer.0.attention.self", powers(24)},
        {"encoder.layer.1.intermediate.dense", powers(24)},
        {"encoder.layer.1.output.dense", powers(40)}};
    const Recipe bytes_recipe{Precision::int8, Precision::int8, smoothing};
    const Recipe half_recipe{Precision::bfloat16, Precision::bfloat16, {}};
    Input input;
    for (int i = 0; i < 6; ++i) input.add(1 + i * 9, static_cast<unsigned>(i));
    const auto from_bytes = run(Encoder(kind.config, weights.map, 2, bytes_recipe), input);
    const auto from_halves = run(Encoder(kind.config, weights.map, 2, half_recipe), input);
    std::map<std::string, QuantizedWeight> quantized;
    std::map<std::string, std::vector<uint16_t>> halves;
    TensorMap of_bytes = weights.map, of_halves = weights.map;
    for (const auto& [name, view] : TensorMap(weights.map)) {
      if (name.rfind("encoder.layer.", 0) != 0 || view.shape.size() != 2) continue;
      if (name.find("position_") != std::string::npos) continue;  // no product of the recipe's
      std::string product = name.substr(0, name.find(".weight"));
      if (const auto self = name.find(".self"); self != std::string::npos) {
        product = name.substr(0, self + 5);
      }
      if (const auto gate = product.find(".gate"); gate != std::string::npos) {
        product.replace(gate, 5, ".dense");
      }
      const auto found = smoothing.find(product);
      const int64_t out = view.shape[0], in = view.shape[1];
      auto& own = quantized[name];
      own = {weights.values[name], in, found == smoothing.end() ? nullptr : &found->second};
      of_bytes[name] = {
          reinterpret_cast<const unsigned char*>(own.bytes.data()), DType::i8, {out, in}};
      of_bytes[name + "_scale"] = {
          reinterpret_cast<const unsigned char*>(own.scales.data()), DType::f32, {out}};
      for (const float value : weights.values[name]) {
        uint32_t word;
        std::memcpy(&word, &value, sizeof word);
        halves[name].push_back(static_cast<uint16_t>((word + 0x7fffu + (word >> 16 & 1u)) >> 16));
      }
      of_halves[name] = {
          reinterpret_cast<const unsigned char*>(halves[name].data()), DType::bf16, {out, in}};
    }
    CHECK(run(Encoder(kind.config, of_bytes, 2, bytes_recipe), input) == from_bytes);
    CHECK(run(Encoder(kind.config, of_halves, 2, half_recipe), input) == from_halves);
  }
}

TEST_CASE("what layers can't be is refused, with what was expected") {
  const auto refusal = [](size_t kind, const std::function<void(Config&)>& change) -> std::string {
    const Weights weights(kinds()[kind].config, kinds()[kind].parts);
    Config config = kinds()[kind].config;
    change(config);
    try {
      const Encoder encoder(config, weights.map, 1);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::checkpoint);
      return error.what();
    }
    return "";
  };
  const auto refused = [&](size_t kind, const std::function<void(Config&)>& change,
                           const std::string& part) {
    const std::string message = refusal(kind, change);
    CAPTURE(message);
    CHECK(message.find(part) != std::string::npos);
  };
  CHECK(refusal(0, [](Config&) {}).empty());
  refused(
      1, [](Config& c) { c.num_key_value_heads = 3; },
      "num_attention_heads 4 is not a multiple of num_key_value_heads 3");
  refused(1, [](Config& c) { c.num_key_value_heads = 8; }, "is not a multiple of");
  refused(
      1, [](Config& c) { c.num_key_value_heads = 4; },
      "encoder.layer.0.attention.self.key.weight is (20, 24), expected (40, 24)");
  refused(1, [](Config& c) { c.head_size = -1; }, "head_size is -1, expected 1 to");
  refused(1, [](Config& c) { c.head_size = int64_t{1} << 30; }, "times head_size 1073741824");
  refused(1, [](Config& c) { c.head_size = 4; }, "rotary turns 6 of the 4 dimensions");
  refused(0, [](Config& c) { c.rotary[0].inverse_frequencies.clear(); }, "rotary turns 0 of");
  refused(0, [](Config& c) { c.rotary[1].attention_factor = NAN; }, "aren't finite");
  refused(
      0, [](Config& c) { c.attention_layers.pop_back(); },
      "attention_layers has 2 entries, expected one for each of 3 passes");
  refused(
      0, [](Config& c) { c.attention_layers[1].rotary = 2; },
      "attention_layers[1] has rotary 2, of which there are 2");
  refused(
      0, [](Config& c) { c.attention_layers[1].left = -2; },
      "attention_layers[1] sees -2 tokens before a query and 5 after it, expected 0 or more");
  refused(5, [](Config& c) { c.rotary[0].trained_length = -1; }, "trained length -1");
  refused(5, [](Config& c) { c.rotary[0].inverse_frequencies = {1.0f}; }, "4 dimensions or more");
  refused(
      2, [](Config& c) { c.disentangled.rows.pop_back(); },
      "rows for 126 distances, expected 127 for 64 positions");
  refused(
      2, [](Config& c) { c.disentangled.rows[3] = 18; }, "a row 18, expected 0 to 17 for span 9");
  refused(2, [](Config& c) { c.disentangled.rows[3] = -1; }, "a row -1");
  refused(2, [](Config& c) { c.disentangled.span = int64_t{1} << 40; }, "disentangled span is");
  refused(2, [](Config& c) { c.num_key_value_heads = 1; }, "expected as many as heads, 3");
  refused(2, [](Config& c) { c.convolution.kernel = 4; }, "kernel is 4, expected an odd number");
  refused(
      2, [](Config& c) { c.convolution.kernel = 5; },
      "convolution.weight is (24, 24, 3), expected (24, 24, 5)");
  refused(4, [](Config& c) { c.relative_attention_num_buckets = 8; }, "alibi stands beside");
  refused(4, [](Config& c) { c.layer_weights.clear(); }, "layer_weights is empty");
  refused(4, [](Config& c) { c.norm = NormKind::rms_norm; }, "but an RMS norm has none");
  refused(
      4,
      [](Config& c) {
        c.norm_place = NormPlace::around;
        c.hidden_size = 0;
      },
      "hidden_size is 0");
}
