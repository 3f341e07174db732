#include "adlib/train/preference.h"

#include <cmath>
#include <numeric>

namespace adlib::train {
namespace {

// log(1 + exp(-z)) without overflow.
double minus_log_sigmoid(double z) { return std::max(-z, 0.0) + std::log1p(std::exp(-std::abs(z))); }
double sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }

Totals totals_of(const std::vector<double>& margins) {
  Totals totals;
  for (const double margin : margins) {
    totals.loss += minus_log_sigmoid(margin);
    totals.count += 1;
    totals.wins += margin > 0 ? 1 : 0;
    totals.margin += margin;
  }
  return totals;
}

}  // namespace

std::vector<double> document_losses(std::span<const float> losses, const TokenBatch& batch) {
  std::vector<double> sums;
  for (std::size_t s = 1; s < batch.offsets.size(); ++s) {
    sums.push_back(
        std::accumulate(losses.begin() + batch.offsets[s - 1], losses.begin() + batch.offsets[s], 0.0));
  }
  return sums;
}

DirectPreference::DirectPreference(double beta, std::vector<double> reference_losses)
    : beta_(beta), reference_losses_(std::move(reference_losses)) {
  require(beta > 0, "preference: beta is ", beta, ", expected more than 0");
}

std::vector<double> DirectPreference::margins(std::span<const float> losses, const TokenBatch& batch) const {
  require(batch.documents() % 2 == 0 && std::ssize(batch.examples) == batch.documents(),
          "preference: ", batch.documents(), " documents with ", batch.examples.size(),
          " numbers, expected pairs of both");
  const std::vector<double> sums = document_losses(losses, batch);
  // How much likelier a text became than it was under the reference.
  const auto gain = [&](std::size_t document) {
    const std::int64_t example = batch.examples[document];
    require(example >= 0 && example < std::ssize(reference_losses_), "preference: example ", example,
            " has no reference; there are ", reference_losses_.size());
    return reference_losses_[static_cast<std::size_t>(example)] - sums[document];
  };
  std::vector<double> out;
  for (std::size_t s = 0; s + 1 < sums.size(); s += 2) out.push_back(beta_ * (gain(s) - gain(s + 1)));
  return out;
}

Totals DirectPreference::backward(TrainableDecoder& model, const TokenBatch& batch, double divisor,
                                  std::uint64_t seed) const {
  // With dropout the reference is still the model without it, as in Rafailov et al.'s own code.
  std::vector<double> seen;
  const auto gradient = [&](std::span<const float> losses) {
    seen = margins(losses, batch);
    std::vector<float> by_token(losses.size(), 0.0f);
    for (std::size_t s = 0; s < 2 * seen.size(); ++s) {
      // By the loss of a chosen token: β σ(-margin); by that of a rejected one the same with the other sign.
      const double slope = beta_ * sigmoid(-seen[s / 2]) / divisor;
      for (std::int64_t i = batch.offsets[s]; i < batch.offsets[s + 1]; ++i)
        by_token[static_cast<std::size_t>(i)] = static_cast<float>(s % 2 == 0 ? slope : -slope);
    }
    return by_token;
  };
  model.backward(batch, gradient, seed);
  return totals_of(seen);
}

Totals DirectPreference::evaluate(const TrainableDecoder& model, const TokenBatch& batch) const {
  return totals_of(margins(model.losses(batch), batch));
}

}  // namespace adlib::train
