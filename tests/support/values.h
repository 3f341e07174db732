// tests/support/values.h: what the tests of operations go over.
#pragma once

#include <array>
#include <limits>

#include "adlib/ops.h"

namespace adlib::test {

inline constexpr std::array float_types = {DType::f32, DType::f16, DType::bf16};
inline constexpr std::array activations = {ops::Activation::none, ops::Activation::gelu_tanh,
                                           ops::Activation::gelu_erf, ops::Activation::silu,
                                           ops::Activation::relu};
inline constexpr float infinity = std::numeric_limits<float>::infinity();
inline constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

}  // namespace adlib::test
