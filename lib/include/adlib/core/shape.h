// adlib/core/shape.h: the extents of a tensor.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <string>

namespace adlib {

/// Up to Shape::max_rank non-negative extents, stored in place. A scalar has rank 0 and one element.
class Shape {
 public:
  static constexpr int max_rank = 8;

  Shape() = default;
  /// Throws Error(invalid_argument) for a negative extent, a rank over max_rank, or an element count over
  /// 2^63.
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const std::int64_t> dims);

  int rank() const noexcept { return rank_; }
  /// The extent of dimension `dim`; negative counts from the end. Throws when out of range.
  std::int64_t operator[](int dim) const { return dims_[static_cast<std::size_t>(normalise(dim))]; }
  /// The product of the extents; 1 for a scalar.
  std::int64_t numel() const noexcept { return numel_; }
  std::span<const std::int64_t> dims() const noexcept {
    return {dims_.data(), static_cast<std::size_t>(rank_)};
  }
  /// `dim` counted from the front, in [0, rank). Throws when out of range.
  int normalise(int dim) const;
  /// A copy with the extent of `dim` replaced.
  Shape with(int dim, std::int64_t extent) const;

  friend bool operator==(const Shape& a, const Shape& b) noexcept {
    return a.rank_ == b.rank_ && a.dims_ == b.dims_;
  }

 private:
  std::array<std::int64_t, max_rank> dims_{};  // unused entries stay 0, so that == can compare whole arrays
  std::int64_t numel_ = 1;
  int rank_ = 0;
};

/// "[2, 768]"; "[]" for a scalar.
std::string to_string(const Shape& shape);
inline std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << to_string(shape); }

}  // namespace adlib
