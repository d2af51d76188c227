#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "encoder/linear.h"
#include "encoder/pooling.h"
#include "encoder/position_tables.h"
#include "encoder/relative_bias.h"
#include "encoder/rotary.h"
#include "encoder/tensor.h"
#include "kernels/kernels.h"
#include "runtime/aligned.h"
#include "runtime/per_process.h"
#include "runtime/team.h"
#include "runtime/thread_pool.h"

namespace bertie {

// Sequences one after another, without padding.
struct Batch {
  std::span<const int32_t> ids;       // (tokens)
  std::span<const int32_t> type_ids;  // (tokens), ignored where the model has fewer than two types
  std::span<const int32_t> lengths;   // (sequences), tokens in each
  // (sequences), how many of them, the first ones, the others attend to; or empty: to all.
  std::span<const int32_t> attended = {};
};

// BERT's encoder (Devlin et al., arXiv:1810.04805) and its kin, which differ in what Config says:
// token ids to hidden states. A sequence's result is the same to the last bit in any batch, order
// and number of threads.
class Encoder {
 public:
  // Packs the layers' weights; the embedding tables stay where they are, so whoever owns the
  // tensors keeps them alive as long as the encoder. Throws Error(checkpoint), naming the tensor.
  Encoder(const Config& config, const TensorMap& tensors, int threads, const Recipe& recipe = {});
  ~Encoder();

  // Runs as many layers as the result needs, and keeps what it asks for. Throws Error(input) for
  // lengths that don't add up, for ids, type ids or positions beyond the tables, for layers that
  // there aren't. Callable from several threads.
  void forward(const Batch& batch, const Result& result) const;

  // The largest magnitude that each product's inputs take in this batch, channel by channel, by the
  // product's name as Recipe::smoothing knows it. Where passes share weights, that of all of them.
  // Runs on one thread.
  std::map<std::string, std::vector<float>> observe(const Batch& batch) const;

  // The most bytes that a pass takes, or leaves for the next one, beside the weights and what goes
  // in and comes out, if no sequence is longer than that.
  int64_t memory(int64_t longest) const;

  const Config& config() const { return config_; }
  const Kernels& kernels() const { return kernels_; }
  int threads() const { return pool_.size(); }

 private:
  // Without gain: there is none, and rows stay as they are.
  struct Norm {
    NormKind kind = NormKind::layer_norm;
    Aligned<float> gain, bias;
    bool exists() const { return gain.size() > 0; }
  };
  // A product with its place among the products whose inputs are observed.
  struct Product {
    Linear linear;
    size_t index = 0;
  };
  // Of its norms it has those that Config::norm_place says, and those that its file has.
  struct Layer {
    Norm before_attention;
    Product query_key_value;    // hidden → heads, key-value heads and again, each of head_size
    Norm query_norm, key_norm;  // over all heads, or over one
    PositionTables positions;   // what DeBERTa's queries and keys are compared with, too
    Product attention_output;   // heads of head_size → hidden
    Norm after_attention;
    Norm after_residual;  // Jina's: one more, of the sum of that and what attention read
    Norm before_feed_forward;
    Product up;    // hidden → intermediate, gated or not
    Product down;  // intermediate → hidden
    Norm after_feed_forward;
  };
  struct Group;    // some whole sequences of a batch
  struct Scratch;  // what one group needs while it passes through
  struct Block;    // rows of a group that pass through products together
  struct Buffers;  // what one block needs
  struct Rows;     // rows of float32 and what a product reads of them

  void read_embeddings(const TensorMap& tensors);
  void read_relative_embeddings(const TensorMap& tensors);
  void read_convolution(const TensorMap& tensors);
  void read_layers(const TensorMap& tensors, const Recipe& recipe);
  Norm read_norm(const TensorMap& tensors, const std::string& name, int64_t size,
                 NormKind kind) const;
  Norm read_norm_if_there(const TensorMap& tensors, const std::string& name, int64_t size) const;
  PositionTables read_positions(const TensorMap& tensors, const Recipe& recipe,
                                const std::string& own, size_t product) const;
  Layer read_layer(const TensorMap& tensors, const Recipe& recipe, int64_t number,
                   size_t first_product) const;

  bool reads_types() const { return config_.type_vocab_size > 1; }
  bool learns_positions() const { return !position_.shape.empty(); }
  void check(const Batch& batch) const;
  std::vector<int64_t> check(const Batch& batch, const Result& result) const;
  std::vector<Group> plan(const Batch& batch) const;
  Buffers make_buffers(int64_t rows, int threads) const;
  std::unique_ptr<Scratch> make_scratch(int64_t tokens, int64_t longest) const;
  std::unique_ptr<Scratch> take_scratch(int64_t tokens, int64_t longest) const;
  void give_back(Group& group, std::unique_ptr<Scratch> scratch) const;
  void measure_distances(Group& group) const;

  void run_group(const Group& group, Scratch& scratch, Team& team, int rank) const;
  void embed(const Block& block) const;
  void add_embeddings(const Block& block, int64_t begin, int64_t end, float* row,
                      float* sums) const;
  void project(const Block& block, int64_t pass) const;
  void turn(const Block& block, int64_t pass) const;
  void attend(const Group& group, int64_t pass, Scratch& scratch, const Team& team, int rank) const;
  void leave_attention(const Block& block, int64_t pass) const;
  void feed_forward(const Block& block, int64_t pass) const;
  void convolve(const Block& block, int64_t first, int64_t count) const;
  void keep(const Group& group, int64_t pass, const Team& team, int rank) const;

  const Layer& layer(int64_t pass) const { return *passes_[static_cast<size_t>(pass - 1)]; }
  const AttentionLayer& attention(int64_t pass) const {
    return config_.attention_layers[static_cast<size_t>(pass - 1)];
  }
  RelativePositions relative_positions(const Layer& layer, int64_t head) const;
  Rows input(const Block& block, const Norm& norm, int64_t first, int64_t count) const;
  void enter(const Block& block, const Norm& norm, const Product& product, int64_t first,
             int64_t count) const;
  void prepare(const Block& block, const Product& product, const Rows& rows) const;
  void apply(const Block& block, const Linear& linear, const Rows& in, Activation activation,
             const float* residual, float* out) const;
  void add_to_hidden(const Block& block, const Product& product, const Rows& in, const Norm& norm,
                     const Norm& another, int64_t first) const;
  void normalize(const Norm& norm, const float* x, int64_t rows, float* out) const;

  const Config config_;
  const Kernels& kernels_;
  TensorView word_, position_, type_;
  Norm embedding_norm_;
  Linear projection_;  // embedding_size → hidden_size; without weights where there is none
  std::vector<std::unique_ptr<RotaryTable>> rotary_;  // by Config::rotary
  std::unique_ptr<RelativeBias> relative_bias_;       // null where distances count for nothing
  Aligned<float> relative_embeddings_;                // (2 × span, hidden_size), DeBERTa's
  Linear convolution_;  // kernel × hidden_size → hidden_size; without weights where there is none
  Norm convolution_norm_, final_norm_;
  std::vector<std::string> products_;  // names of the layers' products, by Product::index
  std::vector<Layer> layers_;          // each once, though several passes use it
  std::vector<const Layer*> passes_;
  mutable ThreadPool pool_;
  struct Idle {
    std::mutex mutex;
    std::vector<std::unique_ptr<Scratch>> scratch;
  };
  PerProcess<Idle> idle_;
};

}  // namespace bertie
