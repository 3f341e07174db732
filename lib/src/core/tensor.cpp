#include "adlib/core/tensor.h"

#include <limits>
#include <vector>

namespace adlib {
namespace {

Tensor::Strides row_major_strides(const Shape& shape) {
  Tensor::Strides strides{};
  std::int64_t step = 1;
  for (int dim = shape.rank() - 1; dim >= 0; --dim) {
    strides[static_cast<std::size_t>(dim)] = step;
    step *= std::max<std::int64_t>(shape[dim], 1);
  }
  return strides;
}

std::size_t bytes_for(const char* operation, const Shape& shape, DType dtype) {
  const auto count = static_cast<std::size_t>(shape.numel());
  require(count <= std::numeric_limits<std::size_t>::max() / 2 / size_of(dtype), operation, ": shape ", shape,
          " of ", dtype, " does not fit in memory");
  return count * size_of(dtype);
}

}  // namespace

Tensor Tensor::empty(const Shape& shape, DType dtype, Device device) {
  Tensor out;
  out.storage_ = storage_backend(device.type()).allocate(bytes_for("Tensor::empty", shape, dtype), device);
  out.shape_ = shape;
  out.strides_ = row_major_strides(shape);
  out.dtype_ = dtype;
  return out;
}

Tensor Tensor::zeros(const Shape& shape, DType dtype, Device device) {
  Tensor out = empty(shape, dtype, device);
  storage_backend(device.type()).clear(out.raw(), device, out.storage_->bytes());
  return out;
}

Tensor Tensor::wrap(std::shared_ptr<Storage> storage, std::size_t byte_offset, const Shape& shape,
                    DType dtype) {
  require(storage != nullptr, "Tensor::wrap: no storage");
  const std::size_t bytes = bytes_for("Tensor::wrap", shape, dtype);
  require(byte_offset <= storage->bytes() && bytes <= storage->bytes() - byte_offset, "Tensor::wrap: ", shape,
          " of ", dtype, " at byte ", byte_offset, " needs ", bytes, " bytes of a storage of ",
          storage->bytes());
  const auto address = reinterpret_cast<std::uintptr_t>(storage->data()) + byte_offset;
  require(byte_offset % size_of(dtype) == 0 && address % size_of(dtype) == 0, "Tensor::wrap: byte ",
          byte_offset, " is not aligned for ", dtype);
  Tensor out;
  out.storage_ = std::move(storage);
  out.shape_ = shape;
  out.strides_ = row_major_strides(shape);
  out.offset_ = static_cast<std::int64_t>(byte_offset / size_of(dtype));
  out.dtype_ = dtype;
  return out;
}

bool Tensor::is_contiguous() const noexcept {
  std::int64_t step = 1;
  for (int dim = rank() - 1; dim >= 0; --dim) {
    const auto d = static_cast<std::size_t>(dim);
    const std::int64_t extent = shape_.dims()[d];
    if (extent == 0) return true;
    if (extent != 1 && strides_[d] != step) return false;
    step *= extent;
  }
  return true;
}

void* Tensor::raw() noexcept {
  if (!storage_) return nullptr;
  return static_cast<std::byte*>(storage_->data()) + offset_ * static_cast<std::int64_t>(size_of(dtype_));
}

void Tensor::check_data(DType wanted) const {
  require(defined(), "Tensor::data: the tensor is undefined");
  if (dtype_ != wanted) {
    fail(ErrorCode::dtype_mismatch, "Tensor::data: the tensor is ", describe(), ", asked for ", wanted,
         "; convert with .to(DType::", wanted, ")");
  }
  if (device() != Device::cpu) {
    fail(ErrorCode::device_mismatch, "Tensor::data: the tensor is ", describe(),
         "; move it with .to(Device::cpu)");
  }
  require(is_contiguous(), "Tensor::data: ", describe(), " is a view with gaps; call .contiguous() first");
}

Tensor Tensor::view(std::span<const std::int64_t> dims) const {
  require(is_contiguous(), "Tensor::view: ", describe(), " has gaps; call .contiguous() first");
  std::vector<std::int64_t> wanted(dims.begin(), dims.end());
  std::int64_t known = 1;
  std::int64_t* open = nullptr;
  for (auto& dim : wanted) {
    if (dim == -1 && open == nullptr) {
      open = &dim;
    } else {
      known *= dim;
    }
  }
  if (open != nullptr) {
    require(known > 0 && numel() % known == 0, "Tensor::view: ", numel(), " elements do not divide by ",
            known);
    *open = numel() / known;
  }
  const Shape shape{std::span<const std::int64_t>(wanted)};
  require(shape.numel() == numel(), "Tensor::view: shape ", shape_, " cannot become ", shape);
  Tensor out = *this;
  out.shape_ = shape;
  out.strides_ = row_major_strides(shape);
  return out;
}

Tensor Tensor::slice(int dim, std::int64_t begin, std::int64_t end) const {
  const int d = shape_.normalise(dim);
  require(0 <= begin && begin <= end && end <= shape_[d], "Tensor::slice: [", begin, ", ", end,
          ") is outside dimension ", dim, " of ", shape_);
  Tensor out = *this;
  out.shape_ = shape_.with(d, end - begin);
  out.offset_ += begin * strides_[static_cast<std::size_t>(d)];
  return out;
}

Tensor Tensor::select(int dim, std::int64_t index) const {
  const int d = shape_.normalise(dim);
  require(0 <= index && index < shape_[d], "Tensor::select: index ", index, " is outside dimension ", dim,
          " of ", shape_);
  std::vector<std::int64_t> dims(shape_.dims().begin(), shape_.dims().end());
  dims.erase(dims.begin() + d);
  Tensor out = *this;
  out.offset_ += index * strides_[static_cast<std::size_t>(d)];
  out.shape_ = Shape(std::span<const std::int64_t>(dims));
  std::copy(strides_.begin() + d + 1, strides_.end(), out.strides_.begin() + d);
  out.strides_.back() = 0;
  return out;
}

Tensor Tensor::transpose(int dim0, int dim1) const {
  const int a = shape_.normalise(dim0);
  const int b = shape_.normalise(dim1);
  Tensor out = *this;
  out.shape_ = shape_.with(a, shape_[b]).with(b, shape_[a]);
  std::swap(out.strides_[static_cast<std::size_t>(a)], out.strides_[static_cast<std::size_t>(b)]);
  return out;
}

Tensor Tensor::expand(const Shape& shape) const {
  const int missing = shape.rank() - rank();
  require(missing >= 0, "Tensor::expand: ", shape_, " has more dimensions than ", shape);
  Tensor out = *this;
  out.shape_ = shape;
  out.strides_ = {};
  for (int dim = 0; dim < rank(); ++dim) {
    const std::int64_t extent = shape_[dim];
    const std::int64_t target = shape[dim + missing];
    require(extent == target || extent == 1, "Tensor::expand: ", shape_, " does not broadcast to ", shape);
    if (extent == target) {
      out.strides_[static_cast<std::size_t>(dim + missing)] = strides_[static_cast<std::size_t>(dim)];
    }
  }
  return out;
}

std::string Tensor::describe() const {
  if (!defined()) return "undefined";
  std::string dims = to_string(shape_);
  dims.front() = '(';
  dims.back() = ')';
  return concat(dims, " ", dtype_, " on ", device());
}

void check_shape(const char* operation, const char* name, const Tensor& tensor, const Shape& expected) {
  require(tensor.defined(), operation, ": ", name, " is undefined, expected shape ", expected);
  require(tensor.shape() == expected, operation, ": ", name, " has shape ", tensor.shape(), ", expected ",
          expected);
}

}  // namespace adlib
