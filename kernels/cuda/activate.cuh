// kernels/cuda/activate.cuh: the nonlinearities of kernels/activation.h on one float, for the epilogues of
// the matrix products; activation.cuh has those of whole tensors.
#pragma once

#include "kernels/activation.h"
#include "kernels/cuda/arch/math.cuh"

namespace adlib::kernels::cuda {

/// x / (1 + exp(-y)); 0 where exp(-y) overflows.
__device__ __forceinline__ float times_sigmoid(float x, float y) { return divide_fast(x, 1.0f + expf(-y)); }

/// f(x).
__device__ __forceinline__ float activate(float x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu_tanh:  // 0.5 x (1 + tanh u) without its cancellation; 2 sqrt(2/pi) = 1.5957691
      return times_sigmoid(x, 1.5957691216057308f * x * fmaf(0.044715f * x, x, 1.0f));
    case Activation::gelu_erf:
      return 0.5f * x * erfcf(x * -0.70710678118654752f);
    case Activation::silu:
      return times_sigmoid(x, x);
    case Activation::relu:
      return x < 0.0f ? 0.0f : x;
  }
  return x;
}

}  // namespace adlib::kernels::cuda
