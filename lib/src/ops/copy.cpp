#include "kernels/copy.h"

#include <vector>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"
#include "ops/strided.h"

namespace adlib {
namespace ops {

void copy_into(Tensor& out, const Tensor& source) {
  check_same_device("copy_into", "out", out, "source", source);
  check_shape("copy_into", "source", source, out.shape());
  if (out.numel() == 0) return;
  if (out.dtype() == source.dtype() && out.is_contiguous() && source.is_contiguous()) {
    const auto bytes = static_cast<std::size_t>(out.numel()) * size_of(out.dtype());
    storage_backend(out.device().type()).copy(out.raw(), out.device(), source.raw(), source.device(), bytes);
    return;
  }
  const bool flat = out.is_contiguous() && source.is_contiguous();
  const kernels::Extents extents = flat ? extents_of(Shape{out.numel()}) : extents_of(out.shape());
  const kernels::Strides out_strides = flat ? kernels::Strides{1} : strides_of(out);
  const kernels::Strides source_strides = flat ? kernels::Strides{1} : strides_of(source);
  dispatch_device("copy_into", out.device(), [&](auto& ctx) {
    dispatch_any(out.dtype(), [&]<class To>() {
      dispatch_any(source.dtype(), [&]<class From>() {
        kernels::copy<To, From>(ctx, ptr<To>(out), ptr<From>(source), extents, out_strides, source_strides);
      });
    });
  });
}

Tensor concatenate(std::span<const Tensor> parts, int dim) {
  require(!parts.empty(), "concatenate: no tensors");
  check_defined("concatenate", "parts[0]", parts[0]);
  const Tensor& first = parts[0];
  require(first.rank() > 0, "concatenate: parts[0] is a scalar, expected at least 1 dimension");
  const int along = first.shape().normalise(dim);
  std::int64_t total = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string name = concat("parts[", i, "]");
    check_same("concatenate", "parts[0]", first, name.c_str(), parts[i]);
    require(parts[i].rank() == first.rank(), "concatenate: ", name, " has shape ", parts[i].shape(),
            ", expected the rank of parts[0], ", first.shape());
    check_shape("concatenate", name.c_str(), parts[i], first.shape().with(along, parts[i].size(along)));
    total += parts[i].size(along);
  }
  Tensor out = Tensor::empty(first.shape().with(along, total), first.dtype(), first.device());
  std::int64_t begin = 0;
  for (const Tensor& part : parts) {
    Tensor target = out.slice(along, begin, begin + part.size(along));
    copy_into(target, part);
    begin += part.size(along);
  }
  return out;
}

}  // namespace ops

Tensor Tensor::contiguous() const { return is_contiguous() ? *this : clone(); }

Tensor Tensor::clone() const {
  require(defined(), "Tensor::clone: the tensor is undefined");
  Tensor out = empty(shape_, dtype_, device());
  ops::copy_into(out, *this);
  return out;
}

Tensor Tensor::to(Device target) const {
  require(defined(), "Tensor::to: the tensor is undefined");
  if (target == device()) return *this;
  const Tensor packed = contiguous();
  Tensor out = empty(shape_, dtype_, target);
  // Whichever side is not the host knows how to reach it.
  const Device::Type backend = target.type() == Device::Type::cpu ? device().type() : target.type();
  storage_backend(backend).copy(out.raw(), target, packed.raw(), device(),
                                static_cast<std::size_t>(numel()) * size_of(dtype_));
  return out;
}

Tensor Tensor::to(DType target) const {
  require(defined(), "Tensor::to: the tensor is undefined");
  if (target == dtype_) return *this;
  Tensor out = empty(shape_, target, device());
  ops::copy_into(out, *this);
  return out;
}

}  // namespace adlib
