// kernels/cpu/activate.h: the nonlinearities on floats, shared by activation.cpp and the epilogue of
// matmul.cpp.
#pragma once

#include <cstdint>

#include "kernels/activation.h"

namespace adlib::kernels::cpu {

/// x[i] = f(x[i]) for i < n. An element's result does not depend on where it stands.
void activate(float* x, std::int64_t n, Activation activation);
/// dx[i] = dy[i] f'(x[i]) for i < n. f' of relu is 0 at 0; dx may be dy or x.
void activate_backward(float* dx, const float* dy, const float* x, std::int64_t n, Activation activation);

}  // namespace adlib::kernels::cpu
