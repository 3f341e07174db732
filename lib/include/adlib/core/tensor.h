// adlib/core/tensor.h: the Tensor, a small value that shares its storage.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "adlib/core/device.h"
#include "adlib/core/dtype.h"
#include "adlib/core/error.h"
#include "adlib/core/shape.h"
#include "adlib/core/storage.h"

namespace adlib {

/// A strided view of typed elements. Copies are shallow, as for std::shared_ptr; clone() is deep.
/// A const Tensor does not let its elements be changed through it; a copy of it does.
class Tensor {
 public:
  using Strides = std::array<std::int64_t, Shape::max_rank>;

  /// An undefined tensor: defined() is false, nothing else may be asked of it.
  Tensor() = default;

  /// Uninitialised elements. (…) of any shape
  static Tensor empty(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu);
  static Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu);
  /// Copies `values`, row-major, into a new CPU tensor. Throws when their number is not shape.numel().
  template <class T>
  static Tensor from(std::span<const T> values, const Shape& shape);
  template <class T>
  static Tensor from(std::initializer_list<T> values, const Shape& shape) {
    return from(std::span<const T>(values.begin(), values.size()), shape);
  }
  /// Views bytes that already exist, row-major from `byte_offset`. Throws when the storage is too small or
  /// the offset is not a multiple of the element's size.
  static Tensor wrap(std::shared_ptr<Storage> storage, std::size_t byte_offset, const Shape& shape,
                     DType dtype);

  bool defined() const noexcept { return storage_ != nullptr; }
  explicit operator bool() const noexcept { return defined(); }
  const Shape& shape() const noexcept { return shape_; }
  /// The extent of one dimension; negative counts from the end.
  std::int64_t size(int dim) const { return shape_[dim]; }
  int rank() const noexcept { return shape_.rank(); }
  std::int64_t numel() const noexcept { return shape_.numel(); }
  DType dtype() const noexcept { return dtype_; }
  Device device() const noexcept { return storage_ ? storage_->device() : Device{}; }
  /// Elements (not bytes) between neighbours along one dimension; negative counts from the end.
  std::int64_t stride(int dim) const { return strides_[static_cast<std::size_t>(shape_.normalise(dim))]; }
  /// Row-major without gaps.
  bool is_contiguous() const noexcept;

  /// The elements of a contiguous CPU tensor. Throws on another dtype, another device, or gaps.
  /// Not callable on a temporary: the span would outlive its storage.
  template <class T>
  std::span<T> data() & {
    check_data(dtype_of<std::remove_const_t<T>>);
    return {static_cast<T*>(raw()), static_cast<std::size_t>(numel())};
  }
  template <class T>
  std::span<const T> data() const& {
    check_data(dtype_of<std::remove_const_t<T>>);
    return {static_cast<const T*>(raw()), static_cast<std::size_t>(numel())};
  }
  template <class T>
  std::span<const T> data() const&& = delete;
  /// The single element of a one-element tensor, wherever it lives.
  template <class T>
  T item() const {
    require(numel() == 1, "item: the tensor is ", describe(), ", expected one element");
    const Tensor host = to(Device::cpu).contiguous();
    return host.data<T>()[0];
  }
  /// The address of the first element on its device, for kernels.
  void* raw() noexcept;
  const void* raw() const noexcept { return const_cast<Tensor*>(this)->raw(); }

  /// The same elements under another shape; one extent may be -1. Throws unless contiguous.
  Tensor view(std::initializer_list<std::int64_t> dims) const {
    return view(std::span(dims.begin(), dims.size()));
  }
  Tensor view(std::span<const std::int64_t> dims) const;
  Tensor view(const Shape& shape) const { return view(shape.dims()); }
  /// Elements [begin, end) along `dim`; shares storage.
  Tensor slice(int dim, std::int64_t begin, std::int64_t end) const;
  /// Element `index` along `dim`, which goes away; shares storage.
  Tensor select(int dim, std::int64_t index) const;
  /// Swaps two dimensions; shares storage.
  Tensor transpose(int dim0, int dim1) const;
  /// Repeats extents of 1 (and missing leading ones) to `shape` with stride 0; shares storage. The result is
  /// to be read, not written.
  Tensor expand(const Shape& shape) const;

  /// This tensor if it is contiguous, else a packed copy.
  Tensor contiguous() const;
  /// A packed copy that shares nothing.
  Tensor clone() const;
  /// This tensor if it is there already, else a copy there.
  Tensor to(Device device) const;
  /// This tensor if it has that type already, else a converted copy (to nearest even, float to integer
  /// truncates).
  Tensor to(DType dtype) const;

  /// "(4, 768) f32 on cpu", for messages.
  std::string describe() const;

 private:
  void check_data(DType wanted) const;

  std::shared_ptr<Storage> storage_;
  Shape shape_;
  Strides strides_{};        // in elements; entries past rank() are 0
  std::int64_t offset_ = 0;  // in elements, from storage_->data()
  DType dtype_ = DType::f32;
  // Invariant: offset_ + sum((shape_[i]-1)*strides_[i]) addresses an element inside storage_, or numel() ==
  // 0.
};

/// Throws Error(invalid_argument) "operation: name has shape [7], expected [8]" unless the shapes agree.
void check_shape(const char* operation, const char* name, const Tensor& tensor, const Shape& expected);

template <class T>
Tensor Tensor::from(std::span<const T> values, const Shape& shape) {
  require(static_cast<std::int64_t>(values.size()) == shape.numel(), "Tensor::from: ", values.size(),
          " values for shape ", shape);
  Tensor out = empty(shape, dtype_of<T>);
  std::copy(values.begin(), values.end(), out.data<T>().begin());
  return out;
}

}  // namespace adlib
