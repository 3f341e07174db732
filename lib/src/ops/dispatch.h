// lib/src/ops/dispatch.h: from a tensor's device and dtype to a kernel; the one place that knows what the
// build has.
#pragma once

#include <cstdint>
#include <utility>

#include "adlib/core/context.h"
#include "adlib/core/parallel.h"
#include "adlib/core/tensor.h"

namespace adlib::ops {

/// The elements of a tensor for a kernel; null for an undefined tensor.
template <class T>
T* ptr(Tensor& tensor) {
  return static_cast<T*>(tensor.raw());
}
template <class T>
const T* ptr(const Tensor& tensor) {
  return static_cast<const T*>(tensor.raw());
}

#ifdef ADLIB_WITH_CUDA
CudaContext cuda_context(Device device);  // storage_cuda.cpp: makes the device current
#endif

/// Calls call(context) with the context of `device`. Throws Error(unsupported) for one that this build has
/// not.
template <class Call>
void dispatch_device([[maybe_unused]] const char* operation, Device device, Call&& call) {
  if (device.type() == Device::Type::cpu) {
    CpuContext context{.threads = num_threads()};
    call(context);
    return;
  }
#ifdef ADLIB_WITH_CUDA
  CudaContext context = cuda_context(device);
  call(context);
#else
  fail(ErrorCode::unsupported, operation, ": built without CUDA; configure with -DADLIB_CUDA=ON");
#endif
}

/// Calls call.operator()<T>(context) for the floating-point storage type T of `dtype`:
///   dispatch("layer_norm", x.device(), x.dtype(), [&]<class T>(auto& ctx) { kernels::layer_norm<T>(ctx, …);
///   });
template <class Call>
void dispatch(const char* operation, Device device, DType dtype, Call&& call) {
  switch (dtype) {
    case DType::f32:
      return dispatch_device(operation, device,
                             [&](auto& context) { call.template operator()<float>(context); });
    case DType::f16:
      return dispatch_device(operation, device,
                             [&](auto& context) { call.template operator()<float16>(context); });
    case DType::bf16:
      return dispatch_device(operation, device,
                             [&](auto& context) { call.template operator()<bfloat16>(context); });
    default:
      fail(ErrorCode::dtype_mismatch, operation, ": ", dtype,
           " is not supported, expected f32, f16 or bf16; convert "
           "with .to(DType::f32)");
  }
}

/// Calls call.operator()<T>() for the C++ type T of any dtype.
template <class Call>
void dispatch_any(DType dtype, Call&& call) {
  switch (dtype) {
    case DType::f32:
      return call.template operator()<float>();
    case DType::f16:
      return call.template operator()<float16>();
    case DType::bf16:
      return call.template operator()<bfloat16>();
    case DType::f64:
      return call.template operator()<double>();
    case DType::i64:
      return call.template operator()<std::int64_t>();
    case DType::i32:
      return call.template operator()<std::int32_t>();
    case DType::i16:
      return call.template operator()<std::int16_t>();
    case DType::i8:
      return call.template operator()<std::int8_t>();
    case DType::u8:
      return call.template operator()<std::uint8_t>();
    case DType::boolean:
      return call.template operator()<bool>();
  }
}

}  // namespace adlib::ops
