#include "kernels/cross_entropy.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

namespace {

// The targets, contiguous, after all checks.
Tensor classes_of(const char* operation, const Tensor& logits, const Tensor& targets) {
  check_rank(operation, "logits", logits, 2, "(N, V)");
  check_same_device(operation, "logits", logits, "targets", targets);
  check_dtype(operation, "targets", targets, DType::i32);
  check_shape(operation, "targets", targets, {logits.size(0)});
  const Tensor classes = targets.contiguous();
  if (targets.device() == Device::cpu) {
    const auto values = classes.data<std::int32_t>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      require(values[i] < logits.size(1), operation, ": target ", values[i], " of row ", i,
              " is outside [0, ", logits.size(1), ")");
    }
  }
  return classes;
}

}  // namespace

Tensor cross_entropy(const Tensor& logits, const Tensor& targets) {
  const Tensor classes = classes_of("cross_entropy", logits, targets), source = logits.contiguous();
  Tensor loss = Tensor::empty({logits.size(0)}, DType::f32, logits.device());
  dispatch("cross_entropy", logits.device(), logits.dtype(), [&]<class T>(auto& ctx) {
    kernels::cross_entropy<T>(ctx, ptr<float>(loss), ptr<T>(source), ptr<std::int32_t>(classes),
                              logits.size(0), logits.size(1));
  });
  return loss;
}

Tensor cross_entropy_backward(Tensor& dlogits, const Tensor& logits, const Tensor& targets,
                              const Tensor& weights) {
  constexpr const char* name = "cross_entropy_backward";
  const Tensor classes = classes_of(name, logits, targets), source = logits.contiguous();
  check_same_device(name, "logits", logits, "weights", weights);
  check_dtype(name, "weights", weights, DType::f32);
  check_shape(name, "weights", weights, {logits.size(0)});
  check_same_device(name, "logits", logits, "dlogits", dlogits);
  check_writable(name, "dlogits", dlogits, logits.shape());
  const bool in_place = dlogits.raw() == source.raw() && dlogits.dtype() == source.dtype();
  if (!in_place) check_apart(name, "dlogits", dlogits, "logits", source);
  const Tensor scales = weights.contiguous();
  Tensor losses = Tensor::empty({logits.size(0)}, DType::f32, logits.device());
  dispatch(name, logits.device(), logits.dtype(), [&]<class T>(auto& ctx) {
    dispatch(name, logits.device(), dlogits.dtype(), [&]<class D>(auto&) {
      kernels::cross_entropy_backward<T, D>(ctx, ptr<float>(losses), ptr<D>(dlogits), ptr<T>(source),
                                            ptr<std::int32_t>(classes), ptr<float>(scales), logits.size(0),
                                            logits.size(1));
    });
  });
  return losses;
}

}  // namespace adlib::ops
