// The forward pass of one sequence in plain loops and double precision, to test the encoder
// against.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numbers>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "kernels/kernels.h"
#include "random_encoder.h"

namespace bertie {

class PlainEncoder {
 public:
  using Row = std::vector<double>;
  using Rows = std::vector<Row>;

  PlainEncoder(const Config& config, const Weights& weights)
      : config_(completed(config)), weights_(weights) {}

  // Hidden states after so many passes.
  Rows forward(const std::vector<int32_t>& ids, const std::vector<int32_t>& types,
               int64_t passes) const {
    Rows x;
    for (size_t t = 0; t < ids.size(); ++t) x.push_back(embed(ids[t], types[t], t));
    const Rows embeddings = x;
    for (int64_t pass = 0; pass < passes; ++pass) {
      layer_ =
          "encoder.layer." + std::to_string(config_.layer_weights[static_cast<size_t>(pass)]) + ".";
      const AttentionLayer& attention = config_.attention_layers[static_cast<size_t>(pass)];
      const Rows before = x, gathered = attend(attention, norm(x, layer_ + "attention.LayerNorm"));
      leave(x, dense(gathered, layer_ + "attention.output.dense"),
            layer_ + "attention.output.LayerNorm");
      if (has(layer_ + "attention.residual.LayerNorm")) {
        for (size_t t = 0; t < x.size(); ++t) x[t] = sum(before[t], x[t]);
        x = norm(x, layer_ + "attention.residual.LayerNorm");
      }
      const Rows entered = norm(x, layer_ + "intermediate.LayerNorm");
      leave(x, dense(inner(entered), layer_ + "output.dense"), layer_ + "output.LayerNorm");
      if (pass == 0 && config_.convolution.kernel > 0) convolve(embeddings, x);
    }
    return passes == config_.passes() ? norm(x, "encoder.LayerNorm") : x;
  }

 private:
  bool has(const std::string& name) const { return weights_.values.contains(name + ".weight"); }
  const std::vector<float>& tensor(const std::string& name) const {
    return weights_.values.at(name);
  }
  static Row sum(const Row& a, const Row& b) {
    Row c = a;
    for (size_t i = 0; i < c.size(); ++i) c[i] += b[i];
    return c;
  }

  static double activated(Activation activation, double x) {
    switch (activation) {
      case Activation::gelu:
        return x * 0.5 * std::erfc(-x / std::sqrt(2.0));
      case Activation::gelu_tanh:
        return x * 0.5 *
               (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
      case Activation::relu:
        return std::max(x, 0.0);
      case Activation::tanh:
        return std::tanh(x);
      case Activation::silu:
        return x / (1 + std::exp(-x));
      case Activation::identity:
        break;
    }
    return x;
  }

  Row dense(const Row& x, const std::string& name) const {
    const auto& weight = tensor(name + ".weight");
    Row y(weight.size() / x.size());
    const bool biased = weights_.values.contains(name + ".bias");
    for (size_t o = 0; o < y.size(); ++o) {
      y[o] = biased ? tensor(name + ".bias")[o] : 0.0;
      for (size_t i = 0; i < x.size(); ++i) y[o] += weight[o * x.size() + i] * x[i];
    }
    return y;
  }
  Rows dense(const Rows& x, const std::string& name) const {
    Rows y;
    for (const Row& row : x) y.push_back(dense(row, name));
    return y;
  }

  // Parts of a row that are as wide as the gain, each by itself; as they are where there is none.
  Row norm(Row x, const std::string& name) const {
    if (!has(name)) return x;
    const auto& gain = tensor(name + ".weight");
    const size_t size = gain.size();
    const bool biased = weights_.values.contains(name + ".bias");
    const bool whole = config_.query_key_norm == QueryKeyNorm::all &&
                       name.find("attention.self") != std::string::npos;
    const bool shifts = config_.norm == NormKind::layer_norm || whole;
    for (size_t start = 0; start < x.size(); start += size) {
      double mean = 0, squares = 0;
      for (size_t i = 0; i < size && shifts; ++i) mean += x[start + i] / static_cast<double>(size);
      for (size_t i = 0; i < size; ++i) squares += std::pow(x[start + i] - mean, 2);
      const double deviation = std::sqrt(squares / static_cast<double>(size) +
                                         static_cast<double>(config_.layer_norm_eps));
      for (size_t i = 0; i < size; ++i) {
        x[start + i] =
            (x[start + i] - mean) / deviation * static_cast<double>(gain[i] + config_.norm_offset) +
            (biased ? static_cast<double>(tensor(name + ".bias")[i]) : 0.0);
      }
    }
    return x;
  }
  Rows norm(const Rows& x, const std::string& name) const {
    Rows y;
    for (const Row& row : x) y.push_back(norm(row, name));
    return y;
  }

  Row embed(int32_t id, int32_t type, size_t place) const {
    const auto width = static_cast<size_t>(config_.embedding_size);
    Row x(width);
    const auto add = [&](const std::string& name, size_t row, double scale = 1.0) {
      const auto& table = tensor("embeddings." + name + "_embeddings.weight");
      for (size_t i = 0; i < width; ++i) x[i] += table[row * width + i] * scale;
    };
    add("word", static_cast<size_t>(id), config_.embedding_scale);
    if (config_.type_vocab_size > 0) {
      add("token_type", static_cast<size_t>(config_.type_vocab_size > 1 ? type : 0));
    }
    if (has("embeddings.position_embeddings")) add("position", place);
    const std::string projection = "embeddings.projection";
    if (config_.projection_first && has(projection)) x = dense(x, projection);
    x = norm(x, "embeddings.LayerNorm");
    return !config_.projection_first && has(projection) ? dense(x, projection) : x;
  }

  void leave(Rows& x, const Rows& block, const std::string& name) const {
    for (size_t t = 0; t < x.size(); ++t) {
      x[t] = config_.norm_place == NormPlace::around ? sum(x[t], norm(block[t], name))
                                                     : norm(sum(x[t], block[t]), name);
    }
  }

  void turn(const Rotary& rotary, size_t length, size_t place, Row& x) const {
    const size_t pairs = rotary.inverse_frequencies.size(), size = head_size();
    const auto dims = 2.0 * static_cast<double>(pairs);
    for (size_t head = 0; head < x.size(); head += size) {
      for (size_t i = 0; i < pairs; ++i) {
        float frequency = rotary.inverse_frequencies[i];
        const auto trained = static_cast<size_t>(rotary.trained_length);
        if (trained > 0 && length > trained) {
          const double grown =
              rotary.factor * static_cast<double>(length) / static_cast<double>(trained);
          const double base =
              rotary.base * std::pow(grown - (rotary.factor - 1), dims / (dims - 2));
          frequency = static_cast<float>(std::pow(base, -2.0 * static_cast<double>(i) / dims));
        }
        const double angle = static_cast<float>(place) * frequency;
        const double cos = std::cos(angle) * static_cast<double>(rotary.attention_factor);
        const double sin = std::sin(angle) * static_cast<double>(rotary.attention_factor);
        double& a = x[head + (rotary.interleaved ? 2 * i : i)];
        double& b = x[head + (rotary.interleaved ? 2 * i + 1 : i + pairs)];
        const double first = a * cos - b * sin;
        b = b * cos + a * sin;
        a = first;
      }
    }
  }

  // What the score of query i and key j gains by their distance, before it is scaled.
  double distance_score(const Row& query, const Row& key, int64_t distance) const {
    const Disentangled& d = config_.disentangled;
    if (d.span == 0) return 0.0;
    const auto row =
        static_cast<size_t>(d.rows[static_cast<size_t>(distance + config_.positions() - 1)]);
    const auto width = static_cast<size_t>(config_.hidden_size);
    const auto& table = tensor("relative_embeddings.weight");
    Row relative(table.begin() + static_cast<int64_t>(row * width),
                 table.begin() + static_cast<int64_t>((row + 1) * width));
    relative = norm(relative, "relative_embeddings.LayerNorm");
    const std::string own = layer_ + "attention.self.";
    const std::string start = own + (has(own + "position_key") ? "position_" : "");
    double score = 0;
    if (d.content_to_position) score += product(query, dense(relative, start + "key"));
    if (d.position_to_content) score += product(key, dense(relative, start + "query"));
    return score;
  }
  // Of the current head.
  double product(const Row& a, const Row& b, size_t b_head) const {
    double score = 0;
    for (size_t i = 0; i < head_size(); ++i) {
      score += a[head_ * head_size() + i] * b[b_head * head_size() + i];
    }
    return score;
  }
  double product(const Row& a, const Row& b) const { return product(a, b, head_); }

  double slope() const {
    const auto heads = static_cast<double>(config_.num_attention_heads);
    const double lower = std::exp2(std::floor(std::log2(heads)));
    const auto number = static_cast<double>(head_ + 1);
    if (number <= lower) return std::exp2(-8 * number / lower);
    return std::exp2(-8 * (2 * (number - lower) - 1) / (2 * lower));
  }

  size_t head_size() const { return static_cast<size_t>(config_.head_size); }

  Rows attend(const AttentionLayer& attention, const Rows& x) const {
    const std::string own = layer_ + "attention.self.";
    Rows query = norm(dense(x, own + "query"), own + "query.LayerNorm");
    Rows key = norm(dense(x, own + "key"), own + "key.LayerNorm");
    const Rows value = dense(x, own + "value");
    const size_t length = x.size();
    if (attention.rotary >= 0) {
      const Rotary& rotary = config_.rotary[static_cast<size_t>(attention.rotary)];
      for (size_t t = 0; t < length; ++t) turn(rotary, length, t, query[t]);
      for (size_t t = 0; t < length; ++t) turn(rotary, length, t, key[t]);
    }
    Rows gathered(length, Row(static_cast<size_t>(config_.query_width())));
    const auto heads = static_cast<size_t>(config_.num_attention_heads);
    for (head_ = 0; head_ < heads; ++head_) {
      const size_t shared = head_ / (heads / static_cast<size_t>(config_.num_key_value_heads));
      for (size_t i = 0; i < length; ++i) {
        Row weights(length);
        double total = 0;
        for (size_t j = 0; j < length; ++j) {
          const auto distance = static_cast<int64_t>(i) - static_cast<int64_t>(j);
          if (attention.left >= 0 && distance > attention.left) continue;
          if (attention.right >= 0 && -distance > attention.right) continue;
          double score = product(query[i], key[j], shared);
          score += distance_score(query[i], key[j], distance);
          score *= static_cast<double>(config_.attention_scale);
          if (config_.alibi) score -= slope() * static_cast<double>(std::abs(distance));
          total += weights[j] = std::exp(score);
        }
        for (size_t j = 0; j < length; ++j) {
          for (size_t d = 0; d < head_size(); ++d) {
            gathered[i][head_ * head_size() + d] +=
                weights[j] / total * value[j][shared * head_size() + d];
          }
        }
      }
    }
    return gathered;
  }

  Rows inner(const Rows& x) const {
    const bool gated = has(layer_ + "intermediate.gate");
    Rows y = dense(x, layer_ + "intermediate.dense");
    for (size_t t = 0; t < y.size(); ++t) {
      const Row gate = gated ? dense(x[t], layer_ + "intermediate.gate") : y[t];
      for (size_t i = 0; i < gate.size(); ++i) {
        y[t][i] = activated(config_.hidden_act, gate[i]) * (gated ? y[t][i] : 1.0);
      }
    }
    return y;
  }

  void convolve(const Rows& embeddings, Rows& x) const {
    const auto length = static_cast<int64_t>(x.size()), kernel = config_.convolution.kernel;
    const auto& weight = tensor("convolution.weight");
    for (int64_t t = 0; t < length; ++t) {
      Row& to = x[static_cast<size_t>(t)];
      for (size_t out = 0; out < to.size(); ++out) {
        double added = tensor("convolution.bias")[out];
        for (int64_t k = 0; k < kernel; ++k) {
          const int64_t from = t + k - kernel / 2;
          if (from < 0 || from >= length) continue;
          for (size_t in = 0; in < to.size(); ++in) {
            added += weight[(out * to.size() + in) * static_cast<size_t>(kernel) +
                            static_cast<size_t>(k)] *
                     embeddings[static_cast<size_t>(from)][in];
          }
        }
        to[out] += activated(config_.convolution.activation, added);
      }
    }
    x = norm(x, "convolution.LayerNorm");
  }

  const Config config_;
  const Weights& weights_;
  mutable std::string layer_;
  mutable size_t head_ = 0;
};

}  // namespace bertie
