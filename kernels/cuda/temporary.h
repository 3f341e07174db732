// kernels/cuda/temporary.h: device memory for the length of a launcher.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/error.h"
#include "kernels/cuda/runtime.h"

namespace adlib::kernels::cuda {

/// `count` elements of device memory. Given back in the order of the stream, so that the kernels launched
/// meanwhile may still be using it. Throws Error(out_of_memory) when there is none.
template <class T>
class Temporary {
 public:
  Temporary(const CudaContext& context, const char* operation, std::int64_t count)
      : stream_(context.stream),
        memory_(allocate(static_cast<std::size_t>(count) * sizeof(T), context.stream)) {
    if (memory_ == nullptr)
      fail(ErrorCode::out_of_memory, operation, ": no memory for ", count, " temporary elements of ",
           sizeof(T), " bytes, ", memory_info().free, " bytes are free; use a smaller batch");
  }
  ~Temporary() { release(memory_, stream_); }
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;

  T* data() const { return static_cast<T*>(memory_); }

 private:
  void* stream_;
  void* memory_;
};

}  // namespace adlib::kernels::cuda
