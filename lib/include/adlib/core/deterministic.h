// adlib/core/deterministic.h: the same bytes whatever else is computed.
#pragma once

namespace adlib {

/// Whether operations on CUDA devices sum in one order that depends on nothing but their own shapes and
/// types, so that a request's text does not depend on its batch: the last set_deterministic(), else the
/// environment variable ADLIB_DETERMINISTIC (0 or 1), else true. Where it is false, products of matrices may
/// take whatever algorithm is fastest for the shape: results agree within rounding. On the CPU the order is
/// always fixed. Throws Error(invalid_argument) when the variable is neither 0 nor 1.
bool deterministic();
/// For the whole process.
void set_deterministic(bool on);

}  // namespace adlib
