// Texts so long that threads share their rows: minutes where a CPU is emulated.
#include <doctest.h>

#include <cstdint>
#include <cstring>

#include "encoder/config.h"
#include "encoder/encoder.h"
#include "kernels/kernels.h"
#include "layer_kinds.h"
#include "plain_encoder.h"
#include "random_encoder.h"

using namespace bertie;

TEST_CASE("a long text, whose rows threads share, is as plain loops have it, with any threads") {
  for (Kind kind : kinds()) {
    CAPTURE(kind.name);
    constexpr int32_t length = 1100;
    kind.config.max_position_embeddings = length;
    Disentangled& places = kind.config.disentangled;
    if (places.span > 0) places.rows = distance_rows(length, places.span);
    const Weights weights(kind.config, kind.parts);
    Input alone, mixed;
    alone.add(length, 99);
    mixed.add(30, 1);
    mixed.add(length, 99);
    for (unsigned i = 0; i < 30; ++i) mixed.add(9, i);
    // The loops take seconds where every score has a product of its own.
    if (places.span == 0) {
      const auto expected = PlainEncoder(kind.config, weights).forward(alone.ids, alone.types, 3);
      CHECK(difference(run(Encoder(kind.config, weights.map, 2), alone), expected) < 1e-5);
    }
    for (const Precision precision : all_precisions) {
      const Recipe recipe{precision, precision, {}};
      const auto expected = run(Encoder(kind.config, weights.map, 1, recipe), alone, {-1, 0, 2});
      for (const int threads : {2, 5}) {
        const Encoder encoder(kind.config, weights.map, threads, recipe);
        CHECK(run(encoder, alone, {-1, 0, 2}) == expected);
        const auto together = run(encoder, mixed, {-1, 0, 2});
        CHECK(std::memcmp(together.data() + 30 * 72, expected.data(),
                          expected.size() * sizeof(float)) == 0);
        CHECK(encoder.observe(alone.batch()) ==
              Encoder(kind.config, weights.map, 1, recipe).observe(alone.batch()));
      }
    }
  }
}
