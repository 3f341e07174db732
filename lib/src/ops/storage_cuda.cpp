// Device memory through the CUDA runtime. A machine without a driver or a device has a device_count of 0.
#include <cuda_runtime_api.h>

#include "adlib/core/error.h"
#include "adlib/core/storage.h"
#include "ops/backends.h"
#include "ops/dispatch.h"

namespace adlib {
namespace {

void check(cudaError_t status, const char* what, std::size_t bytes) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // forget it, so that the next call does not report it again
  fail(ErrorCode::unsupported, "storage: ", what, " of ", bytes,
       " bytes failed: ", cudaGetErrorString(status));
}

// Makes a device current for a scope and puts the caller's back.
class CurrentDevice {
 public:
  explicit CurrentDevice(int index) {
    check(cudaGetDevice(&previous_), "cudaGetDevice", 0);
    check(cudaSetDevice(index), "cudaSetDevice", 0);
  }
  ~CurrentDevice() { cudaSetDevice(previous_); }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int previous_ = 0;
};

class CudaBackend final : public StorageBackend {
 public:
  int device_count() const override {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) {
      cudaGetLastError();
      return 0;
    }
    return count;
  }

  std::shared_ptr<Storage> allocate(std::size_t bytes, Device device) const override {
    if (device.index() < 0 || device.index() >= device_count()) {
      fail(ErrorCode::unsupported, "storage: ", device, " is not on this machine, which has ", device_count(),
           " CUDA devices");
    }
    const CurrentDevice current(device.index());
    void* data = nullptr;
    const cudaError_t status = cudaMalloc(&data, bytes == 0 ? 1 : bytes);
    if (status == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      std::size_t free = 0, total = 0;
      cudaMemGetInfo(&free, &total);
      fail(ErrorCode::out_of_memory, "storage: asked for ", bytes, " bytes on ", device, ", ", free, " of ",
           total, " are free; use a smaller batch, a shorter context or a smaller dtype");
    }
    check(status, "cudaMalloc", bytes);
    std::shared_ptr<void> owner(data, [](void* p) { cudaFree(p); });
    return std::make_shared<Storage>(std::move(owner), data, bytes, device);
  }

  void copy(void* to, Device to_device, const void* from, Device from_device,
            std::size_t bytes) const override {
    if (bytes == 0) return;
    const Device device = to_device.type() == Device::Type::cuda ? to_device : from_device;
    const CurrentDevice current(device.index());
    // cudaMemcpyDefault tells host from device by the addresses; the call returns when host memory is done
    // with, and the stream is waited for because device-to-device copies return early.
    check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "cudaMemcpy", bytes);
    check(cudaStreamSynchronize(nullptr), "cudaStreamSynchronize", bytes);
  }
};

}  // namespace

namespace ops {

CudaContext cuda_context(Device device) {
  check(cudaSetDevice(device.index()), "cudaSetDevice", 0);
  return CudaContext{.stream = nullptr, .device = device.index()};
}

}  // namespace ops

const StorageBackend& cuda_storage_backend() {
  static const CudaBackend backend;
  return backend;
}

}  // namespace adlib
