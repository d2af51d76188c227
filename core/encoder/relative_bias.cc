#include "encoder/relative_bias.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "encoder/tensor.h"
#include "kernels/kernels.h"
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

}  // namespace

RelativeBias::RelativeBias(const TensorView& weight, int64_t positions)
    : positions_(std::max<int64_t>(positions, 1)),
      stride_(2 * positions_ - 1 + attention_bias_room) {
  const int64_t buckets = weight.shape[0], heads = weight.shape[1];
  if (buckets < least_buckets || buckets > most_buckets) {
    throw Error(ErrorKind::checkpoint,
                "relative_attention_num_buckets is " + std::to_string(buckets) + ", expected " +
                    std::to_string(least_buckets) + " to " + std::to_string(most_buckets));
  }
  table_ = Aligned<float>(heads * stride_);
  std::fill_n(table_.data(), heads * stride_, 0.0f);
  std::vector<float> row(static_cast<size_t>(heads));
  for (int64_t distance = 1 - positions_; distance < positions_; ++distance) {
    weight.read(bucket(distance, buckets) * heads, heads, row.data());
    for (int64_t head = 0; head < heads; ++head) {
      table_.data()[head * stride_ + positions_ - 1 + distance] = row[static_cast<size_t>(head)];
    }
  }
}

}  // namespace bertie
