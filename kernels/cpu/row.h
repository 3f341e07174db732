// kernels/cpu/row.h: a row of floats as an Eigen array, for arithmetic element by element.
//
// +, -, * and / round alike in Eigen's packets and in its scalar tails. Its sums, products and exp do not:
// their bits depend on alignment, length and position, so those are written out in vector.h.
#pragma once

#include <Eigen/Core>

namespace adlib::kernels::cpu {

using Row = Eigen::Map<Eigen::ArrayXf>;
using ConstRow = Eigen::Map<const Eigen::ArrayXf>;

}  // namespace adlib::kernels::cpu
