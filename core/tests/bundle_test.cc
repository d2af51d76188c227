// Bundles that one machine wrote, on this one: scripts/make_core_fixtures.py has stored them with
// what the scalar kernels of an x86 CPU give for them.
#include <doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "force_isa.h"
#include "kernels/kernels.h"
#include "safetensors.h"

using namespace bertie;

namespace {

struct Stored {
  const char* name;
  Precision precision;
};

constexpr Stored bundles[] = {
    {"float32", Precision::float32}, {"bfloat16", Precision::bfloat16}, {"int8", Precision::int8}};

// How far another ISA may be from the scalar one, absolute; hidden states are of size 1. In the
// lower precisions a sum's last bit could round an input otherwise, which would be far more, but
// doesn't with these.
constexpr double tolerance = 2e-5;

const std::string folder = BERTIE_TEST_DATA;

// tests/data/tiny-bert's, of which the bundles are made.
const Config config = {.vocab_size = 179,
                       .embedding_size = 24,
                       .hidden_size = 24,
                       .num_attention_heads = 3,
                       .intermediate_size = 40,
                       .max_position_embeddings = 64,
                       .type_vocab_size = 2,
                       .layer_weights = {0, 1, 2}};

// As scripts/make_core_fixtures.py makes them.
std::vector<float> hidden_states(const Encoder& encoder) {
  const std::vector<int32_t> lengths = {1, 7, 13, 64};
  std::vector<int32_t> ids, types;
  for (int32_t i = 0; i < 1 + 7 + 13 + 64; ++i) {
    ids.push_back((37 * i + 11) % 179);
    types.push_back(i / 5 % 2);
  }
  std::vector<float> out(ids.size() * 24);
  const std::vector<int64_t> layers = {-1};
  encoder.forward({ids, types, lengths}, {layers, {}, {}, out.data()});
  return out;
}

}  // namespace

TEST_CASE("a bundle gives what it gave where it was written") {
  for (const Stored& stored : bundles) {
    CAPTURE(stored.name);
    const Safetensors weights(folder + "/" + stored.name + ".safetensors");
    const auto expected =
        Safetensors(folder + "/" + stored.name + ".hidden.safetensors").floats("hidden");
    Recipe recipe{stored.precision, stored.precision, {}};
    const std::string smoothing = ".smoothing";
    for (const auto& [name, view] : weights.tensors) {
      if (!name.ends_with(smoothing)) continue;
      recipe.smoothing[name.substr(0, name.size() - smoothing.size())] = weights.floats(name);
    }
    CHECK(recipe.smoothing.empty() == (stored.precision != Precision::int8));
    for (const Kernels* kernels : available_kernels()) {
      const std::string isa = kernels->isa;
      CAPTURE(isa);
      force_isa(kernels->isa);
      const auto hidden = hidden_states(Encoder(config, weights.tensors, 2, recipe));
      REQUIRE(hidden.size() == expected.size());
      double worst = 0;
      for (size_t i = 0; i < hidden.size(); ++i) {
        worst = std::max<double>(worst, std::abs(hidden[i] - expected[i]));
      }
      MESSAGE(isa, worst);
      CHECK(worst <= (isa == "scalar" ? 0 : tolerance));
    }
    force_isa("");
  }
}
