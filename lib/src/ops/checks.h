// lib/src/ops/checks.h: argument checks that all operations share.
#pragma once

#include <string>

#include "adlib/core/tensor.h"

namespace adlib::ops {

inline void check_defined(const char* operation, const char* name, const Tensor& tensor) {
  require(tensor.defined(), operation, ": ", name, " is undefined");
}

/// Throws Error(device_mismatch), naming both tensors and the call that helps, unless they share a device.
inline void check_same_device(const char* operation, const char* a_name, const Tensor& a, const char* b_name,
                              const Tensor& b) {
  check_defined(operation, a_name, a);
  check_defined(operation, b_name, b);
  if (a.device() == b.device()) return;
  const std::string target = a.device() == Device::cpu ? "Device::cpu"
                             : a.device() == Device::cuda
                                 ? "Device::cuda"
                                 : concat("Device(Device::Type::cuda, ", a.device().index(), ")");
  fail(ErrorCode::device_mismatch, operation, ": ", a_name, " is ", a.describe(), ", ", b_name, " is ",
       b.describe(), "; move ", b_name, " with .to(", target, ")");
}

/// check_same_device, and Error(dtype_mismatch) in the same words unless they share a dtype.
inline void check_same(const char* operation, const char* a_name, const Tensor& a, const char* b_name,
                       const Tensor& b) {
  check_same_device(operation, a_name, a, b_name, b);
  if (a.dtype() == b.dtype()) return;
  fail(ErrorCode::dtype_mismatch, operation, ": ", a_name, " is ", a.describe(), ", ", b_name, " is ",
       b.describe(), "; convert ", b_name, " with .to(DType::", a.dtype(), ")");
}

/// Throws Error(dtype_mismatch) unless the tensor has the dtype.
inline void check_dtype(const char* operation, const char* name, const Tensor& tensor, DType expected) {
  check_defined(operation, name, tensor);
  if (tensor.dtype() == expected) return;
  fail(ErrorCode::dtype_mismatch, operation, ": ", name, " is ", tensor.describe(), ", expected ", expected,
       "; convert it with .to(DType::", expected, ")");
}

/// Throws unless `out` may be written as the result of shape `expected`.
inline void check_out(const char* operation, const Tensor& out, const Shape& expected) {
  check_shape(operation, "out", out, expected);
  require(out.is_contiguous(), operation, ": out ", out.describe(),
          " has gaps, expected a contiguous tensor");
}

/// Throws unless `tensor` may be written to in place: of shape `expected`, without gaps.
inline void check_writable(const char* operation, const char* name, const Tensor& tensor,
                           const Shape& expected) {
  check_defined(operation, name, tensor);
  check_shape(operation, name, tensor, expected);
  require(tensor.is_contiguous(), operation, ": ", name, " ", tensor.describe(),
          " has gaps, expected a contiguous tensor");
}

/// Throws unless the gradient of a parameter may be added to `tensor`; an undefined one is not wanted.
inline void check_gradient(const char* operation, const char* name, const Tensor& tensor,
                           const Shape& expected, Device device) {
  if (!tensor) return;
  check_dtype(operation, name, tensor, DType::f32);
  check_writable(operation, name, tensor, expected);
  if (tensor.device() != device) {
    fail(ErrorCode::device_mismatch, operation, ": ", name, " is ", tensor.describe(),
         ", expected a tensor on ", device);
  }
}

/// Throws where `out`, about to be written, shares memory with an operand that is still to be read.
inline void check_apart(const char* operation, const char* out_name, const Tensor& out, const char* name,
                        const Tensor& operand) {
  const auto end_of = [](const Tensor& tensor) {
    std::int64_t last = 0;  // element
    for (int dim = 0; dim < tensor.rank(); ++dim) last += (tensor.size(dim) - 1) * tensor.stride(dim);
    return static_cast<const char*>(tensor.raw()) +
           (last + 1) * static_cast<std::int64_t>(size_of(tensor.dtype()));
  };
  if (!out || !operand || out.numel() == 0 || operand.numel() == 0) return;
  require(end_of(out) <= operand.raw() || end_of(operand) <= out.raw(), operation, ": ", out_name,
          " shares memory with ", name, "; give it storage of its own");
}

/// A rank of at least `rank`.
inline void check_rank_at_least(const char* operation, const char* name, const Tensor& tensor, int rank) {
  check_defined(operation, name, tensor);
  require(tensor.rank() >= rank, operation, ": ", name, " has shape ", tensor.shape(), ", expected at least ",
          rank, rank == 1 ? " dimension" : " dimensions");
}

/// Exactly `rank` dimensions, whose names are `layout`, e.g. "(N, H, D)".
inline void check_rank(const char* operation, const char* name, const Tensor& tensor, int rank,
                       const char* layout) {
  check_defined(operation, name, tensor);
  require(tensor.rank() == rank, operation, ": ", name, " has shape ", tensor.shape(), ", expected ", layout);
}

/// i32 ids inside a table of `rows`; only those on the host can be looked at.
inline void check_ids(const char* operation, const Tensor& ids, std::int64_t rows) {
  check_dtype(operation, "ids", ids, DType::i32);
  if (ids.device() != Device::cpu) return;
  const Tensor values = ids.contiguous();
  std::size_t i = 0;
  for (const std::int32_t id : values.data<std::int32_t>()) {
    require(id >= 0 && id < rows, operation, ": id ", id, " at position ", i, " is outside [0, ", rows, ")");
    ++i;
  }
}

}  // namespace adlib::ops
