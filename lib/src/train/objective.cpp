#include "adlib/train/objective.h"

#include <numeric>

namespace adlib::train {
namespace {

Totals totals_of(const std::vector<float>& losses, const TokenBatch& batch) {
  return {.loss = std::accumulate(losses.begin(), losses.end(), 0.0),
          .count = static_cast<double>(batch.counted()),
          .wins = 0,
          .margin = 0};
}

}  // namespace

Totals LanguageModelling::backward(TrainableDecoder& model, const TokenBatch& batch, double divisor,
                                   std::uint64_t seed) const {
  return totals_of(model.backward(batch, static_cast<float>(1.0 / divisor), seed), batch);
}

Totals LanguageModelling::evaluate(const TrainableDecoder& model, const TokenBatch& batch) const {
  return totals_of(model.losses(batch), batch);
}

}  // namespace adlib::train
