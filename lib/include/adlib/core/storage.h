// adlib/core/storage.h: a block of bytes on a device, and the interface through which a backend provides
// them.
#pragma once

#include <cstddef>
#include <memory>

#include "adlib/core/device.h"

namespace adlib {

/// A block of bytes that tensors share; freed with its last owner.
class Storage {
 public:
  /// Takes `owner`, which keeps [data, data + bytes) alive: an allocation, or a mapped file.
  Storage(std::shared_ptr<void> owner, void* data, std::size_t bytes, Device device)
      : owner_(std::move(owner)), data_(data), bytes_(bytes), device_(device) {}

  void* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }
  Device device() const noexcept { return device_; }

 private:
  std::shared_ptr<void> owner_;
  void* data_;
  std::size_t bytes_;
  Device device_;
};

/// What a backend offers to Tensor. Core names no backend: lib/src/ops/backends.cpp registers those of the
/// build.
class StorageBackend {
 public:
  virtual ~StorageBackend() = default;
  /// How many devices of this backend the machine has now.
  virtual int device_count() const = 0;
  /// Uninitialised bytes, aligned to 64 or better. Throws Error(out_of_memory) naming asked and free bytes.
  virtual std::shared_ptr<Storage> allocate(std::size_t bytes, Device device) const = 0;
  /// Copies between the host and a device of this backend, or within it. When it returns, `from` may change,
  /// and whoever reads `to`, on the host or by what is put on the device from now on, finds the bytes.
  virtual void copy(void* to, Device to_device, const void* from, Device from_device,
                    std::size_t bytes) const = 0;
  /// Sets bytes on a device of this backend to 0, likewise.
  virtual void clear(void* memory, Device device, std::size_t bytes) const = 0;
};

/// While one lives, host memory of freed tensors is kept for the next ones, however much it is, and given
/// back to the system at the end: for loops that allocate the same again and again. Otherwise at most 64 MiB
/// are kept.
class MemoryReuse {
 public:
  MemoryReuse();
  ~MemoryReuse();
  MemoryReuse(const MemoryReuse&) = delete;
  MemoryReuse& operator=(const MemoryReuse&) = delete;
};

/// Makes `backend` (which must outlive the program) the provider of a device type.
void register_storage_backend(Device::Type type, const StorageBackend* backend);
/// The provider for a device type; throws Error(unsupported), naming the CMake option, when this build has
/// none.
const StorageBackend& storage_backend(Device::Type type);
/// True when this build has a backend for `device` and the machine has that device.
bool is_available(Device device);

}  // namespace adlib
