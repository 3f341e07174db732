// bench/matmul_check.h: products compared with a double-precision loop before a clock starts.
#pragma once

#include <cstdint>
#include <string>

#include "adlib/ops.h"

namespace adlib::bench {

/// "" if the first and the last row of out = a·b, at the first and the last 64 columns, are within rounding
/// plus `slack`, else what is wrong. a (M, K), b (K, N).
std::string check_matmul(const Tensor& out, const Tensor& a, const Tensor& b, double slack = 0);
/// The same for a packed b, made from `b` in `packed.format()`: with the error that rounding a costs.
std::string check_matmul(const Tensor& out, const Tensor& a, const Tensor& b,
                         const ops::PackedMatrix& packed);

}  // namespace adlib::bench
