// Device memory. A machine without a driver or a device has a device_count of 0.
#include "adlib/core/deterministic.h"
#include "adlib/core/error.h"
#include "adlib/core/storage.h"
#include "kernels/cuda/runtime.h"
#include "ops/backends.h"
#include "ops/dispatch.h"

namespace adlib {
namespace {

namespace cuda = kernels::cuda;

// Makes a device current for a scope and puts the caller's back.
class CurrentDevice {
 public:
  explicit CurrentDevice(int index) : previous_(cuda::current_device()) { cuda::set_device(index); }
  ~CurrentDevice() { cuda::set_device(previous_); }
  CurrentDevice(const CurrentDevice&) = delete;
  CurrentDevice& operator=(const CurrentDevice&) = delete;

 private:
  int previous_;
};

class CudaBackend final : public StorageBackend {
 public:
  int device_count() const override { return cuda::device_count(); }

  std::shared_ptr<Storage> allocate(std::size_t bytes, Device device) const override {
    if (device.index() < 0 || device.index() >= device_count()) {
      fail(ErrorCode::unsupported, "storage: ", device, " is not on this machine, which has ", device_count(),
           " CUDA devices");
    }
    const CurrentDevice current(device.index());
    void* stream = cuda::default_stream(device.index());
    void* data = cuda::allocate(bytes, stream);
    if (data == nullptr) {
      const cuda::MemoryInfo info = cuda::memory_info();
      fail(ErrorCode::out_of_memory, "storage: asked for ", bytes, " bytes on ", device, ", ", info.free,
           " of ", info.total, " are free; use a smaller batch, a shorter context or a smaller dtype");
    }
    std::shared_ptr<void> owner(data, [stream](void* p) { cuda::release(p, stream); });
    return std::make_shared<Storage>(std::move(owner), data, bytes, device);
  }

  void copy(void* to, Device to_device, const void* from, Device from_device,
            std::size_t bytes) const override {
    const Device device = to_device.type() == Device::Type::cuda ? to_device : from_device;
    const CurrentDevice current(device.index());
    void* stream = cuda::default_stream(device.index());
    if (to_device.type() == Device::Type::cpu) return cuda::copy_bytes(to, from, bytes, stream);
    if (from_device.type() == Device::Type::cuda && from_device != to_device)
      cuda::synchronize(cuda::default_stream(from_device.index()));
    // Whoever reads them on the device comes behind the copy on its stream; the host's bytes, which are
    // pageable, are staged before the call returns. A step of decoding thus waits for nothing but its scores.
    cuda::copy_bytes_async(to, from, bytes, stream);
  }

  void clear(void* memory, Device device, std::size_t bytes) const override {
    const CurrentDevice current(device.index());
    cuda::fill_bytes(memory, 0, bytes, cuda::default_stream(device.index()));
  }
};

}  // namespace

namespace ops {

CudaContext cuda_context(Device device) {
  cuda::set_device(device.index());
  return CudaContext{.stream = cuda::default_stream(device.index()),
                     .device = device.index(),
                     .deterministic = deterministic()};
}

}  // namespace ops

const StorageBackend& cuda_storage_backend() {
  static const CudaBackend backend;
  return backend;
}

}  // namespace adlib
