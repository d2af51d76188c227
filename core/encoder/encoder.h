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
#include "encoder/relative_bias.h"
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

  const Config& config() const { return config_; }
  const Kernels& kernels() const { return kernels_; }
  int threads() const { return pool_.size(); }

 private:
  struct Norm {
    Aligned<float> gain, bias;
  };
  // A product with its place among the products whose inputs are observed.
  struct Product {
    Linear linear;
    size_t index = 0;
  };
  struct Layer {
    Product query_key_value;   // hidden → 3 × hidden
    Product attention_output;  // hidden → hidden
    Norm attention_norm;
    Product up;    // hidden → intermediate
    Product down;  // intermediate → hidden
    Norm output_norm;
  };
  struct Group;    // some whole sequences of a batch
  struct Scratch;  // what one group needs while it passes through

  struct Rows;  // rows of float32 and what a product reads of them

  void read_embeddings(const TensorMap& tensors);
  void read_layers(const TensorMap& tensors, const Recipe& recipe);
  Norm read_norm(const TensorMap& tensors, const std::string& name, int64_t size) const;
  Product read_product(const TensorMap& tensors, const Recipe& recipe, Precision precision,
                       size_t index, int64_t in, int64_t out,
                       const std::vector<std::string>& names) const;
  Layer read_layer(const TensorMap& tensors, const Recipe& recipe, int64_t number,
                   size_t first_product) const;

  bool reads_types() const { return config_.type_vocab_size > 1; }
  void check(const Batch& batch) const;
  std::vector<int64_t> check(const Batch& batch, const Result& result) const;
  std::vector<Group> plan(const Batch& batch) const;
  std::unique_ptr<Scratch> make_scratch(int64_t tokens, int64_t longest) const;
  std::unique_ptr<Scratch> take_scratch(int64_t tokens, int64_t longest) const;
  void give_back(std::unique_ptr<Scratch> scratch) const;

  void run_group(const Group& group, Scratch& scratch, Team& team, int rank) const;
  void embed(const Group& group, Scratch& scratch, Team& team, int rank) const;
  void add_embeddings(const Group& group, int64_t begin, int64_t end, float* row,
                      float* sums) const;
  void attend(const Group& group, const Layer& layer, Scratch& scratch, Team& team, int rank) const;
  void feed_forward(const Group& group, const Layer& layer, const Product* next, Scratch& scratch,
                    Team& team, int rank) const;
  void keep(const Group& group, int64_t pass, const Team& team, int rank) const;
  void prepare(const Product& product, const Rows& rows, Scratch& scratch, const Team& team,
               int rank) const;
  void apply(const Linear& linear, const Rows& in, Activation activation, const float* residual,
             float* out, const Team& team, int rank) const;
  void normalize(const Norm& norm, const Rows& rows, const Team& team, int rank) const;

  const Config config_;
  const Kernels& kernels_;
  TensorView word_, position_, type_;
  Norm embedding_norm_;
  Linear projection_;  // embedding_size → hidden_size; without weights where there is none
  RelativeBias relative_bias_;
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
