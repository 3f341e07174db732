#include "adlib/train/optimizer.h"

#include <vector>

namespace adlib::train {
namespace {

// The trained parameters that are matrices inside blocks, or the others.
std::vector<Parameter*> select(Parameters& parameters, bool matrices) {
  std::vector<Parameter*> selected;
  for (Parameter& parameter : parameters)
    if (parameter.is_trained() && (parameter.parts > 0) == matrices) selected.push_back(&parameter);
  return selected;
}

std::vector<Parameter*> trained(Parameters& parameters) {
  std::vector<Parameter*> selected = select(parameters, false);
  const std::vector<Parameter*> matrices = select(parameters, true);
  selected.insert(selected.end(), matrices.begin(), matrices.end());
  return selected;
}

}  // namespace

void validate(const OptimizerConfig& config) {
  validate(config.adamw);
  if (config.muon) validate(*config.muon);
}

Optimizer::Optimizer(Parameters& parameters, const OptimizerConfig& config)
    : adamw_(config.muon ? select(parameters, false) : trained(parameters), config.adamw) {
  if (config.muon) muon_.emplace(select(parameters, true), *config.muon);
}

void Optimizer::step(double learning_rate, double gradient_scale) {
  adamw_.step(learning_rate, gradient_scale);
  if (muon_) muon_->step(learning_rate, gradient_scale);
}

std::map<std::string, Tensor> Optimizer::state() const {
  std::map<std::string, Tensor> tensors = adamw_.state();
  if (muon_) tensors.merge(muon_->state());
  return tensors;
}

void Optimizer::restore(const Weights& state, std::int64_t steps) {
  adamw_.restore(state, steps);
  if (muon_) muon_->restore(state);
}

}  // namespace adlib::train
