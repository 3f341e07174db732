// adlib/train/preference.h: learning from pairs of which one was preferred.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "adlib/train/objective.h"

namespace adlib::train {

/// Σ -log p(target) over each document of a batch. -> (S)
std::vector<double> document_losses(std::span<const float> losses, const TokenBatch& batch);

/// Direct preference optimisation, Rafailov et al. 2023: the mean over pairs of
/// -log σ(β [(log π(c) - log ref(c)) - (log π(r) - log ref(r))]), c the chosen and r the rejected completion.
/// The documents of a batch are chosen and rejected in turn, and batch.examples numbers them.
class DirectPreference : public Objective {
 public:
  /// `reference_losses` are -log ref(completion) by example, under the model that training starts from: they
  /// stand for the frozen reference, which need not stay in memory.
  DirectPreference(double beta, std::vector<double> reference_losses);

  double count(const TokenBatch& batch) const override {
    return static_cast<double>(batch.documents()) / 2.0;
  }
  Totals backward(TrainableDecoder& model, const TokenBatch& batch, double divisor,
                  std::uint64_t seed) const override;
  Totals evaluate(const TrainableDecoder& model, const TokenBatch& batch) const override;

 private:
  // β times how much more the chosen text gained on the reference than the rejected one, for each pair.
  std::vector<double> margins(std::span<const float> losses, const TokenBatch& batch) const;

  double beta_;
  std::vector<double> reference_losses_;
};

}  // namespace adlib::train
