// lib/src/ops/epilogue.h: the options of a product as its kernels take them.
#pragma once

#include <cstdint>

#include "adlib/ops.h"
#include "kernels/matmul.h"
#include "ops/activation.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

/// Throws unless the options fit a result of shape `result` with the device and dtype of `like`, which the
/// caller knows as `name`.
inline void check_epilogue(const char* name, const Tensor& like, const MatmulOptions& options,
                           const Shape& result) {
  if (options.bias) {
    check_same("matmul", name, like, "bias", options.bias);
    check_shape("matmul", "bias", options.bias, {result[-1]});
  }
  if (options.multiplier) {
    check_same("matmul", name, like, "multiplier", options.multiplier);
    check_shape("matmul", "multiplier", options.multiplier, result);
  }
  if (options.residual) {
    check_same("matmul", name, like, "residual", options.residual);
    check_shape("matmul", "residual", options.residual, result);
  }
}

/// Keeps what the kernels' pointers point to.
class Epilogue {
 public:
  explicit Epilogue(const MatmulOptions& options)
      : bias_(options.bias ? options.bias.contiguous() : Tensor()),
        multiplier_(options.multiplier ? options.multiplier.contiguous() : Tensor()),
        residual_(options.residual ? options.residual.contiguous() : Tensor()),
        activation_(to_kernel("matmul", options.activation)) {}

  /// For a result that begins `offset` elements into the whole.
  template <class T>
  kernels::MatmulEpilogue<T> at(std::int64_t offset) const {
    return {ptr<T>(bias_), activation_, multiplier_ ? ptr<T>(multiplier_) + offset : nullptr,
            residual_ ? ptr<T>(residual_) + offset : nullptr};
  }

 private:
  Tensor bias_, multiplier_, residual_;
  kernels::Activation activation_;
};

}  // namespace adlib::ops
