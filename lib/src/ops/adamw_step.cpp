#include "kernels/adamw_step.h"

#include <cmath>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {
namespace {

void check_options(const AdamwOptions& options) {
  const auto check = [](bool right, const char* name, auto value, const char* expected) {
    require(right, "adamw_step: ", name, " is ", value, ", expected ", expected);
  };
  const auto not_negative = [&](const char* name, double value) {
    check(value >= 0 && std::isfinite(value), name, value, "a number of at least 0");
  };
  not_negative("learning_rate", options.learning_rate);
  not_negative("epsilon", options.epsilon);
  not_negative("weight_decay", options.weight_decay);
  check(options.beta1 >= 0 && options.beta1 < 1, "beta1", options.beta1, "a number in [0, 1)");
  check(options.beta2 >= 0 && options.beta2 < 1, "beta2", options.beta2, "a number in [0, 1)");
  check(options.step >= 1, "step", options.step, "at least 1");
}

kernels::AdamwFactors factors_of(const AdamwOptions& o) {
  const auto step = static_cast<double>(o.step);
  return {.gradient_scale = static_cast<float>(o.gradient_scale),
          .decay = static_cast<float>(1 - o.learning_rate * o.weight_decay),
          .gradient_share1 = static_cast<float>(1 - o.beta1),
          .beta2 = static_cast<float>(o.beta2),
          .gradient_share2 = static_cast<float>(1 - o.beta2),
          .root_correction2 = static_cast<float>(std::sqrt(1 - std::pow(o.beta2, step))),
          .epsilon = static_cast<float>(o.epsilon),
          .step_size = static_cast<float>(o.learning_rate / (1 - std::pow(o.beta1, step)))};
}

}  // namespace

void adamw_step(Tensor& w, Tensor& m, Tensor& v, Tensor& rounded, const Tensor& gradient,
                const AdamwOptions& options) {
  check_dtype("adamw_step", "w", w, DType::f32);
  check_writable("adamw_step", "w", w, w.shape());
  for (const auto& [name, tensor] :
       {std::pair<const char*, const Tensor*>{"m", &m}, {"v", &v}, {"gradient", &gradient}}) {
    check_same("adamw_step", "w", w, name, *tensor);
    check_writable("adamw_step", name, *tensor, w.shape());
    check_apart("adamw_step", "w", w, name, *tensor);
  }
  check_apart("adamw_step", "m", m, "v", v);
  check_apart("adamw_step", "m", m, "gradient", gradient);
  check_apart("adamw_step", "v", v, "gradient", gradient);
  if (rounded) {
    check_same_device("adamw_step", "w", w, "rounded", rounded);
    check_writable("adamw_step", "rounded", rounded, w.shape());
    if (rounded.dtype() != DType::bf16 && rounded.dtype() != DType::f16) {
      fail(ErrorCode::dtype_mismatch, "adamw_step: rounded is ", rounded.describe(),
           ", expected bf16 or f16");
    }
  }
  check_options(options);
  const DType narrow = rounded ? rounded.dtype() : DType::f32;
  dispatch("adamw_step", w.device(), narrow, [&]<class T>(auto& ctx) {
    kernels::adamw_step<T>(ctx, ptr<float>(w), ptr<float>(m), ptr<float>(v), ptr<T>(rounded),
                           ptr<float>(gradient), w.numel(), factors_of(options));
  });
}

}  // namespace adlib::ops
