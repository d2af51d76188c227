#include "encoder/config.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/error.h"

namespace bertie {
namespace {

[[noreturn]] void fail(const std::string& message) { throw Error(ErrorKind::checkpoint, message); }

// A size that is larger is a mistake, and their products must stay numbers.
constexpr int64_t largest_size = (int64_t{1} << 31) - 1;

void check_size(const char* name, int64_t value, int64_t least) {
  if (value >= least && value <= largest_size) return;
  fail(std::string(name) + " is " + std::to_string(value) + ", expected " + std::to_string(least) +
       " to " + std::to_string(largest_size));
}

void check_positions(const Config& config) {
  check_size("position_padding", config.position_padding, -1);
  if (config.position_padding >= config.max_position_embeddings) {
    fail("the padding token's position, " + std::to_string(config.position_padding) +
         ", is outside the table of max_position_embeddings " +
         std::to_string(config.max_position_embeddings));
  }
  if (config.alibi && config.relative_attention_num_buckets > 0) {
    fail("alibi stands beside relative_attention_num_buckets " +
         std::to_string(config.relative_attention_num_buckets) + ", expected one of them");
  }
}

void check_heads(const Config& config) {
  const int64_t heads = config.num_attention_heads, keys = config.num_key_value_heads;
  if (keys > heads || heads % keys != 0) {
    fail("num_attention_heads " + std::to_string(heads) +
         " is not a multiple of num_key_value_heads " + std::to_string(keys));
  }
  if (config.head_size > largest_size / heads) {
    fail("num_attention_heads " + std::to_string(heads) + " times head_size " +
         std::to_string(config.head_size) + " is more than " + std::to_string(largest_size));
  }
}

void check_rotary(const Rotary& rotary, int64_t head_size) {
  const auto& frequencies = rotary.inverse_frequencies;
  const auto turned = 2 * static_cast<int64_t>(frequencies.size());
  if (turned < 2 || turned > head_size) {
    fail("rotary turns " + std::to_string(turned) + " of the " + std::to_string(head_size) +
         " dimensions of a head, expected 2 to all of them");
  }
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(frequencies.begin(), frequencies.end(), finite) ||
      !finite(rotary.attention_factor)) {
    fail("rotary has inverse frequencies or an attention factor that aren't finite");
  }
  if (rotary.trained_length == 0) return;
  const bool grows = finite(rotary.base) && rotary.base > 0 && finite(rotary.factor) &&
                     rotary.factor >= 1 && rotary.trained_length > 0;
  if (!grows || turned == 2) {
    fail("dynamic rotary has base " + std::to_string(rotary.base) + ", factor " +
         std::to_string(rotary.factor) + ", trained length " +
         std::to_string(rotary.trained_length) + " and " + std::to_string(turned) +
         " dimensions, expected a base above 0, a factor of at least 1, a length of at least 1 and"
         " 4 dimensions or more");
  }
}

void check_attention_layers(const Config& config) {
  const auto& layers = config.attention_layers;
  if (static_cast<int64_t>(layers.size()) != config.passes()) {
    fail("attention_layers has " + std::to_string(layers.size()) + " entries, expected one for" +
         " each of " + std::to_string(config.passes()) + " passes");
  }
  const auto kinds = static_cast<int64_t>(config.rotary.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    const auto& [rotary, left, right] = layers[i];
    const std::string name = "attention_layers[" + std::to_string(i) + "]";
    if (rotary < -1 || rotary >= kinds) {
      fail(name + " has rotary " + std::to_string(rotary) + ", of which there are " +
           std::to_string(kinds));
    }
    if (std::min(left, right) < -1 || std::max(left, right) > largest_size) {
      fail(name + " sees " + std::to_string(left) + " tokens before a query and " +
           std::to_string(right) + " after it, expected 0 or more");
    }
  }
}

void check_disentangled(const Config& config) {
  const auto& [span, rows, content_to_position, position_to_content] = config.disentangled;
  if (span == 0) return;
  check_size("disentangled span", span, 1);
  const int64_t expected = 2 * config.positions() - 1;
  if (static_cast<int64_t>(rows.size()) != expected) {
    fail("disentangled has rows for " + std::to_string(rows.size()) + " distances, expected " +
         std::to_string(expected) + " for " + std::to_string(config.positions()) + " positions");
  }
  for (const int32_t row : rows) {
    if (row < 0 || row >= 2 * span) {
      fail("disentangled has a row " + std::to_string(row) + ", expected 0 to " +
           std::to_string(2 * span - 1) + " for span " + std::to_string(span));
    }
  }
  if (config.num_key_value_heads != config.num_attention_heads) {
    fail("disentangled attention has num_key_value_heads " +
         std::to_string(config.num_key_value_heads) + ", expected as many as heads, " +
         std::to_string(config.num_attention_heads));
  }
}

void check_convolution(int64_t kernel) {
  if (kernel == 0) return;
  check_size("convolution kernel", kernel, 1);
  if (kernel % 2 == 0) {
    fail("convolution kernel is " + std::to_string(kernel) + ", expected an odd number");
  }
}

}  // namespace

Config completed(Config config) {
  check_size("hidden_size", config.hidden_size, 1);
  check_size("num_attention_heads", config.num_attention_heads, 1);
  if (config.layer_weights.empty()) fail("layer_weights is empty, expected a layer or more");
  if (config.num_key_value_heads == 0) config.num_key_value_heads = config.num_attention_heads;
  if (config.head_size == 0) config.head_size = config.hidden_size / config.num_attention_heads;
  if (config.attention_layers.empty()) config.attention_layers.resize(config.layer_weights.size());
  check_size("vocab_size", config.vocab_size, 1);
  check_size("embedding_size", config.embedding_size, 1);
  check_size("intermediate_size", config.intermediate_size, 1);
  check_size("max_position_embeddings", config.max_position_embeddings, 1);
  check_size("type_vocab_size", config.type_vocab_size, 0);
  check_size("num_key_value_heads", config.num_key_value_heads, 1);
  check_size("head_size", config.head_size, 1);
  if (config.attention_scale == 0.0f) {
    config.attention_scale = 1.0f / __builtin_sqrtf(static_cast<float>(config.head_size));
  }
  check_positions(config);
  check_heads(config);
  for (const Rotary& rotary : config.rotary) check_rotary(rotary, config.head_size);
  check_attention_layers(config);
  check_disentangled(config);
  check_convolution(config.convolution.kernel);
  return config;
}

}  // namespace bertie
