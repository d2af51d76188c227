#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "encoder/linear.h"
#include "encoder/pooling.h"
#include "encoder/tensor.h"
#include "runtime/team.h"
#include "runtime/thread_pool.h"

namespace bertie {

// Sequences one after another, without padding.
struct Batch {
  std::span<const int32_t> ids;       // (tokens)
  std::span<const int32_t> type_ids;  // (tokens)
  std::span<const int32_t> lengths;   // (sequences), tokens in each
};

// BERT's encoder (Devlin et al., arXiv:1810.04805): token ids to the last layer's hidden states.
// A sequence's result is the same to the last bit in any batch, order and number of threads.
class Encoder {
 public:
  // Packs the layers' weights; the embedding tables stay where they are, so whoever owns the
  // tensors keeps them alive as long as the encoder. Throws Error(checkpoint), naming the tensor.
  Encoder(const Config& config, const TensorMap& tensors, int threads, const Recipe& recipe = {});
  ~Encoder();

  // hidden: (tokens, hidden_size). Throws Error(input) for lengths that don't add up and for ids,
  // type ids or positions beyond the tables. Callable from several threads.
  void forward(const Batch& batch, float* hidden) const;

  // The same, but each sequence is pooled by the threads that have just computed it, and its hidden
  // states are not kept.
  void forward(const Batch& batch, const Pooled& pooled) const;

  // The largest magnitude that each product's inputs take in this batch, channel by channel, by the
  // product's name as Recipe::smoothing knows it. Runs on one thread.
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

  Norm read_norm(const TensorMap& tensors, const std::string& name) const;
  Layer read_layer(const TensorMap& tensors, const Recipe& recipe, int64_t index) const;
  void check(const Batch& batch) const;
  std::vector<Group> plan(const Batch& batch) const;
  void run(const Batch& batch, float* hidden, const Pooled& pooled) const;
  std::unique_ptr<Scratch> make_scratch(int64_t tokens, int64_t longest) const;
  std::unique_ptr<Scratch> take_scratch(int64_t tokens, int64_t longest) const;
  void give_back(std::unique_ptr<Scratch> scratch) const;

  void run_group(const Group& group, Scratch& scratch, Team& team, int rank) const;
  void pool_group(const Group& group, const Team& team, int rank) const;
  void embed(const Group& group, int64_t begin, int64_t end, float* row) const;
  void attend(const Group& group, const Layer& layer, Scratch& scratch, Team& team, int rank) const;
  void feed_forward(const Group& group, const Layer& layer, const Product* next, Scratch& scratch,
                    Team& team, int rank) const;
  void prepare(const Product& product, const Rows& rows, Scratch& scratch, const Team& team,
               int rank) const;
  void apply(const Product& product, const Rows& in, Activation activation, const float* residual,
             float* out, const Team& team, int rank) const;
  void normalize(const Norm& norm, const Rows& rows, const Team& team, int rank) const;

  const Config config_;
  const Kernels& kernels_;
  TensorView word_, position_, type_;
  Norm embedding_norm_;
  std::vector<Layer> layers_;
  mutable ThreadPool pool_;
  mutable std::mutex scratch_mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> idle_scratch_;
};

}  // namespace bertie
