// Prints a checksum of what each instruction set that this CPU has computes in each precision.
// Builds by different compilers, for different systems, must print the same.
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "force_isa.h"
#include "kernels/kernels.h"
#include "random_encoder.h"
#include "runtime/crc32c.h"

using namespace bertie;

namespace {

uint32_t checksum(const Encoder& encoder, const Input& input) {
  const std::vector<int64_t> layers = {-1};
  std::vector<float> hidden(input.ids.size() * static_cast<size_t>(encoder.config().hidden_size));
  encoder.forward(input.batch(), {layers, {}, {}, hidden.data()});
  return crc32c(reinterpret_cast<const uint8_t*>(hidden.data()), hidden.size() * sizeof(float));
}

}  // namespace

int main() {
  Config config = {.vocab_size = 50,
                   .embedding_size = 40,
                   .hidden_size = 192,
                   .num_attention_heads = 4,
                   .intermediate_size = 520,
                   .max_position_embeddings = 200,
                   .type_vocab_size = 2,
                   .layer_weights = {0, 1},
                   .relative_attention_num_buckets = 8};
  Input input;
  for (const int32_t length : {1, 7, 14, 33, 64, 130}) input.add(length, 3);
  constexpr std::pair<const char*, Precision> named[] = {{"float32", Precision::float32},
                                                         {"bfloat16", Precision::bfloat16},
                                                         {"int8", Precision::int8}};
  constexpr std::pair<const char*, Activation> activations[] = {
      {"gelu", Activation::gelu}, {"gelu_tanh", Activation::gelu_tanh}, {"relu", Activation::relu}};
  const Weights weights(config);
  for (const Kernels* kernels : available_kernels()) {
    force_isa(kernels->isa);
    for (const auto& [precision_name, precision] : named) {
      for (const auto& [activation_name, activation] : activations) {
        config.hidden_act = activation;
        const Encoder encoder(config, weights.map, 2, Recipe{precision, precision, {}});
        std::printf("%s %s %s %08x\n", kernels->isa, precision_name, activation_name,
                    static_cast<unsigned>(checksum(encoder, input)));
      }
    }
  }
}
