// lib/src/ops/activation.h: the public name of an activation as the kernels know it.
#pragma once

#include "adlib/ops.h"
#include "kernels/activation.h"

namespace adlib::ops {

/// Throws Error(invalid_argument) for a value outside the enumeration.
kernels::Activation to_kernel(const char* operation, Activation activation);

}  // namespace adlib::ops
