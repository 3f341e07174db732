#include "adlib/train/optimizer.h"

#include <vector>

namespace adlib::train {
namespace {

// The trained parameters for which `wanted` holds.
template <class Wanted>
std::vector<Parameter*> select(Parameters& parameters, Wanted&& wanted) {
  std::vector<Parameter*> selected;
  for (Parameter& parameter : parameters)
    if (parameter.is_trained() && wanted(parameter)) selected.push_back(&parameter);
  return selected;
}

bool is_block_matrix(const Parameter& parameter) { return parameter.parts > 0; }

}  // namespace

void validate(const OptimizerConfig& config) {
  validate(config.adamw);
  if (config.muon) validate(*config.muon);
}

Optimizer::Optimizer(Parameters& parameters, const OptimizerConfig& config)
    : adamw_(select(parameters, [&](const Parameter& p) { return !config.muon || !is_block_matrix(p); }),
             config.adamw) {
  if (config.muon) muon_.emplace(select(parameters, is_block_matrix), *config.muon);
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
