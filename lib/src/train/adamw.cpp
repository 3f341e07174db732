#include "adlib/train/adamw.h"

namespace adlib::train {

void validate(const AdamwConfig& config) {
  const auto below_one = [](const char* name, double value) {
    require(value >= 0 && value < 1, "adamw: ", name, " is ", value, ", expected 0 <= ", name, " < 1");
  };
  below_one("beta1", config.beta1);
  below_one("beta2", config.beta2);
  require(config.epsilon > 0, "adamw: epsilon is ", config.epsilon, ", expected more than 0");
  require(config.weight_decay >= 0, "adamw: the weight decay is ", config.weight_decay,
          ", expected at least 0");
}

Adamw::Adamw(const std::vector<Parameter*>& parameters, const AdamwConfig& config)
    : config_((validate(config), config)) {
  for (Parameter* parameter : parameters) {
    const auto zeros = [&] {
      return Tensor::zeros(parameter->master.shape(), DType::f32, parameter->master.device());
    };
    moments_.push_back({parameter, zeros(), zeros()});
  }
}

void Adamw::step(double learning_rate, double gradient_scale) {
  ++steps_;
  for (Moments& moments : moments_) {
    Parameter& parameter = *moments.parameter;
    Tensor rounded = parameter.value.dtype() == DType::f32 ? Tensor() : parameter.value;
    ops::adamw_step(parameter.master, moments.mean, moments.square, rounded, parameter.sum(),
                    {.learning_rate = learning_rate,
                     .beta1 = config_.beta1,
                     .beta2 = config_.beta2,
                     .epsilon = config_.epsilon,
                     .weight_decay = parameter.decays ? config_.weight_decay : 0.0,
                     .step = steps_,
                     .gradient_scale = gradient_scale});
  }
}

std::map<std::string, Tensor> Adamw::state() const {
  std::map<std::string, Tensor> tensors;
  for (const Moments& moments : moments_) {
    tensors[moments.parameter->name + ".exp_avg"] = moments.mean;
    tensors[moments.parameter->name + ".exp_avg_sq"] = moments.square;
  }
  return tensors;
}

void Adamw::restore(const Weights& state, std::int64_t steps) {
  for (Moments& moments : moments_) {
    const std::string& name = moments.parameter->name;
    ops::copy_into(moments.mean, state.take(name + ".exp_avg", moments.mean.shape()));
    ops::copy_into(moments.square, state.take(name + ".exp_avg_sq", moments.square.shape()));
  }
  steps_ = steps;
}

}  // namespace adlib::train
