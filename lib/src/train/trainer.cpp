#include "adlib/train/trainer.h"

#include <cmath>
#include <vector>

#include "adlib/core/random.h"

namespace adlib::train {

Trainer::Trainer(TrainableDecoder& model, const Objective& objective, const TrainerOptions& options)
    : model_(model),
      objective_(objective),
      options_(options),
      optimizer_(model.parameters(), options.optimizer) {
  validate(options.schedule);
  require(options.accumulation > 0, "train: ", options.accumulation, " batches a step, expected at least 1");
  require(options.max_gradient_norm >= 0, "train: the largest gradient norm is ", options.max_gradient_norm,
          ", expected at least 0");
}

StepReport Trainer::step(const NextBatch& next) {
  StepReport report{.step = optimizer_.steps() + 1,
                    .totals = {},
                    .gradient_norm = 0,
                    .learning_rate = options_.schedule.rate(optimizer_.steps() + 1),
                    .tokens = 0};
  // All batches first: the loss is the mean over all that they count, however it is spread among them.
  std::vector<TokenBatch> batches;
  double divisor = 0;
  for (std::int64_t i = 0; i < options_.accumulation; ++i) {
    batches.push_back(next());
    divisor += objective_.count(batches.back());
    report.tokens += batches.back().tokens();
  }
  require(divisor > 0, "train: step ", report.step, ": no token of the batch counts");
  model_.parameters().zero_gradients();
  const Philox random(options_.seed, static_cast<std::uint64_t>(report.step));
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const Philox::Block words = random.block(i);
    const std::uint64_t seed = std::uint64_t{words[0]} << 32 | words[1];
    report.totals += objective_.backward(model_, batches[i], divisor, seed);
  }
  report.gradient_norm = model_.parameters().gradient_norm();
  require(std::isfinite(report.totals.loss) && std::isfinite(report.gradient_norm), "train: step ",
          report.step, ": the loss is ", report.totals.mean_loss(), " and the gradient's norm ",
          report.gradient_norm,
          "; the weights were not changed by it. Begin anew with a lower learning rate "
          "or a longer warm-up");
  double scale = 1;
  if (options_.max_gradient_norm > 0)  // as torch.nn.utils.clip_grad_norm_
    scale = std::min(1.0, options_.max_gradient_norm / (report.gradient_norm + 1e-6));
  optimizer_.step(report.learning_rate, scale);
  return report;
}

Totals Trainer::evaluate(const std::function<bool(TokenBatch&)>& next) const {
  Totals totals;
  for (TokenBatch batch; next(batch);) totals += objective_.evaluate(model_, batch);
  return totals;
}

}  // namespace adlib::train
