// adlib/train/objective.h: what training minimises.
#pragma once

#include <cstdint>

#include "adlib/train/token_batch.h"
#include "adlib/train/trainable_decoder.h"

namespace adlib::train {

/// Sums over batches.
struct Totals {
  double loss = 0;
  double count = 0;   ///< of what the loss is a mean over: tokens, or pairs
  double wins = 0;    ///< preference: pairs whose chosen text gained more than the rejected one
  double margin = 0;  ///< preference: Σ β (gain of the chosen - gain of the rejected)

  double mean_loss() const { return loss / count; }
  Totals& operator+=(const Totals& other) {
    loss += other.loss, count += other.count, wins += other.wins, margin += other.margin;
    return *this;
  }
};

class Objective {
 public:
  virtual ~Objective() = default;
  /// How much of `batch` the loss is a mean over.
  virtual double count(const TokenBatch& batch) const = 0;
  /// Adds the gradients of Σ loss / divisor to the model's.
  virtual Totals backward(TrainableDecoder& model, const TokenBatch& batch, double divisor,
                          std::uint64_t seed) const = 0;
  virtual Totals evaluate(const TrainableDecoder& model, const TokenBatch& batch) const = 0;
};

/// The mean of -log p(target) over the tokens that count.
class LanguageModelling : public Objective {
 public:
  double count(const TokenBatch& batch) const override { return static_cast<double>(batch.counted()); }
  Totals backward(TrainableDecoder& model, const TokenBatch& batch, double divisor,
                  std::uint64_t seed) const override;
  Totals evaluate(const TrainableDecoder& model, const TokenBatch& batch) const override;
};

}  // namespace adlib::train
