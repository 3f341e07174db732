#include "kernels/cross_entropy.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

Tensor cross_entropy(const Tensor& logits, const Tensor& targets) {
  check_rank("cross_entropy", "logits", logits, 2, "(N, V)");
  check_same_device("cross_entropy", "logits", logits, "targets", targets);
  check_dtype("cross_entropy", "targets", targets, DType::i32);
  check_shape("cross_entropy", "targets", targets, {logits.size(0)});
  const Tensor classes = targets.contiguous(), source = logits.contiguous();
  if (targets.device() == Device::cpu) {
    const auto values = classes.data<std::int32_t>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      require(values[i] < logits.size(1), "cross_entropy: target ", values[i], " of row ", i,
              " is outside [0, ", logits.size(1), ")");
    }
  }
  Tensor loss = Tensor::empty({logits.size(0)}, DType::f32, logits.device());
  dispatch("cross_entropy", logits.device(), logits.dtype(), [&]<class T>(auto& ctx) {
    kernels::cross_entropy<T>(ctx, ptr<float>(loss), ptr<T>(source), ptr<std::int32_t>(classes),
                              logits.size(0), logits.size(1));
  });
  return loss;
}

}  // namespace adlib::ops
