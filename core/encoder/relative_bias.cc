#include "encoder/relative_bias.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "encoder/growing.h"
#include "encoder/tensor.h"
#include "runtime/aligned.h"
#include "runtime/error.h"

namespace bertie {
namespace {

// Distances from this on share a bucket.
constexpr int64_t largest_distance = 128;
// With fewer no distance has a bucket of its own; with more the logarithm has no room to grow.
constexpr int64_t least_buckets = 4, most_buckets = 4 * largest_distance - 1;

// Half of the buckets is for keys before the query, half for those after it; in each, half of those
// are for single distances and the others grow like the distance's logarithm.
int64_t bucket(int64_t distance, int64_t buckets) {
  const int64_t half = buckets / 2, exact = half / 2, magnitude = std::abs(distance);
  const int64_t first = distance > 0 ? half : 0;
  if (magnitude < exact) return first + magnitude;
  const auto single = static_cast<double>(exact);
  const double share = std::log(static_cast<double>(magnitude) / single) /
                       std::log(static_cast<double>(largest_distance) / single);
  const auto grown = static_cast<int64_t>(share * static_cast<double>(half - exact));
  return first + std::min(exact + grown, half - 1);
}

// A head's share of the distance: powers of one number where heads are a power of two; else those
// of the next lower one, and after them every other of twice as many's.
std::vector<double> alibi_slopes(int64_t heads) {
  const auto lower = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(heads)));
  std::vector<double> slopes;
  for (int64_t i = 1; i <= heads; ++i) {
    const auto part = i <= lower ? static_cast<double>(i) : static_cast<double>(i - lower) - 0.5;
    slopes.push_back(std::exp2(-8.0 * part / static_cast<double>(lower)));
  }
  return slopes;
}

}  // namespace

RelativeBias::RelativeBias(const TensorView& weight, int64_t positions)
    : heads_(weight.shape[1]), positions_(positions), buckets_(weight.shape[0]) {
  if (buckets_ < least_buckets || buckets_ > most_buckets) {
    throw Error(ErrorKind::checkpoint,
                "relative_attention_num_buckets is " + std::to_string(buckets_) + ", expected " +
                    std::to_string(least_buckets) + " to " + std::to_string(most_buckets));
  }
  by_bucket_.resize(static_cast<size_t>(buckets_ * heads_));
  weight.read(0, buckets_ * heads_, by_bucket_.data());
}

RelativeBias::RelativeBias(int64_t heads, int64_t positions)
    : heads_(heads), positions_(positions), slopes_(alibi_slopes(heads)) {}

std::shared_ptr<const RelativeBias::Table> RelativeBias::of(int64_t length) const {
  return table_.reach(length, positions_, [&](int64_t reach) { return table(reach); });
}

int64_t RelativeBias::bytes(int64_t longest) const {
  return heads_ * stride(Growing<Table>::rounded(longest, positions_)) *
         static_cast<int64_t>(sizeof(float));
}

RelativeBias::Table RelativeBias::table(int64_t positions) const {
  const int64_t width = stride(positions);
  Table made{positions, width, Aligned<float>(heads_ * width)};
  std::fill_n(made.values.data(), heads_ * width, 0.0f);
  for (int64_t distance = 1 - positions; distance < positions; ++distance) {
    const int64_t row = buckets_ > 0 ? bucket(distance, buckets_) * heads_ : 0;
    for (int64_t head = 0; head < heads_; ++head) {
      const double slope = buckets_ > 0 ? 0.0 : slopes_[static_cast<size_t>(head)];
      made.values.data()[head * width + positions - 1 + distance] =
          buckets_ > 0 ? by_bucket_[static_cast<size_t>(row + head)]
                       : static_cast<float>(-slope * static_cast<double>(std::abs(distance)));
    }
  }
  return made;
}

}  // namespace bertie
