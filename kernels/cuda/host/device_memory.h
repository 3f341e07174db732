// kernels/cuda/host/device_memory.h: memory of the emulated device is out of the host's reach, as on a real
// one: outside kernels and copies, touching it is a segmentation fault.
#pragma once

namespace adlib::kernels::cuda::host {

/// While one lives, device memory may be touched.
class DeviceAccess {
 public:
  DeviceAccess();
  ~DeviceAccess();
  DeviceAccess(const DeviceAccess&) = delete;
  DeviceAccess& operator=(const DeviceAccess&) = delete;
};

}  // namespace adlib::kernels::cuda::host
