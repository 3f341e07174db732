// kernels/adamw_step.h: one step of AdamW.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// What the options of a step come to, each computed in double and rounded once.
struct AdamwFactors {
  float gradient_scale = 1;
  float decay = 1;            ///< 1 - learning_rate * weight_decay
  float gradient_share1 = 0;  ///< 1 - beta1
  float beta2 = 0;
  float gradient_share2 = 0;   ///< 1 - beta2
  float root_correction2 = 1;  ///< sqrt(1 - beta2^step)
  float epsilon = 0;
  float step_size = 0;  ///< learning_rate / (1 - beta1^step)
};

/// For each element, in float, g = gradient_scale gradient:
///   m += gradient_share1 (g - m),    v = beta2 v + gradient_share2 g^2,
///   w = decay w - step_size m / (sqrt(v) / root_correction2 + epsilon),    rounded = w in T.
/// All are (n); rounded may be null.
template <class T>
void adamw_step(CpuContext&, float* w, float* m, float* v, T* rounded, const float* gradient, std::int64_t n,
                const AdamwFactors& factors);
template <class T>
void adamw_step(CudaContext&, float* w, float* m, float* v, T* rounded, const float* gradient, std::int64_t n,
                const AdamwFactors& factors);

}  // namespace adlib::kernels
