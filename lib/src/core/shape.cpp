#include "adlib/core/shape.h"

#include <algorithm>
#include <limits>

#include "adlib/core/error.h"

namespace adlib {

Shape::Shape(std::span<const std::int64_t> dims) {
  require(dims.size() <= max_rank, "Shape: rank ", dims.size(), " is over the limit of ", max_rank);
  rank_ = static_cast<int>(dims.size());
  std::copy(dims.begin(), dims.end(), dims_.begin());
  // A zero extent makes the product 0, but the others must still multiply without overflow: strides use them.
  std::int64_t product = 1;
  for (const std::int64_t dim : dims) {
    require(dim >= 0, "Shape: extent ", dim, " in ", *this, " is negative");
    if (dim == 0) continue;
    require(product <= std::numeric_limits<std::int64_t>::max() / dim, "Shape: ", *this,
            " has more elements than 64 bits count");
    product *= dim;
  }
  numel_ = std::count(dims.begin(), dims.end(), 0) > 0 ? 0 : product;
}

int Shape::normalise(int dim) const {
  const int from_front = dim < 0 ? dim + rank_ : dim;
  require(from_front >= 0 && from_front < rank_, "Shape: dimension ", dim, " is out of range for ", *this);
  return from_front;
}

Shape Shape::with(int dim, std::int64_t extent) const {
  auto dims = dims_;
  dims[static_cast<std::size_t>(normalise(dim))] = extent;
  return Shape(std::span<const std::int64_t>(dims.data(), static_cast<std::size_t>(rank_)));
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (const std::int64_t dim : shape.dims()) {
    if (out.size() > 1) out += ", ";
    out += std::to_string(dim);
  }
  return out + "]";
}

}  // namespace adlib
