// Host memory. Storage is aligned to 64 bytes: a cache line, and the widest vector register.
#include <sys/sysinfo.h>

#include <cstring>
#include <new>

#include "adlib/core/error.h"
#include "adlib/core/storage.h"
#include "ops/backends.h"

namespace adlib {
namespace {

constexpr std::align_val_t alignment{64};

struct HostMemory {
  std::size_t total = 0;  // with swap
  std::size_t free = 0;
};

HostMemory host_memory() {
  struct sysinfo info = {};
  if (::sysinfo(&info) != 0) return {};
  const auto unit = static_cast<std::size_t>(info.mem_unit);
  return {(info.totalram + info.totalswap) * unit, (info.freeram + info.bufferram + info.freeswap) * unit};
}

class CpuBackend final : public StorageBackend {
 public:
  int device_count() const override { return 1; }

  std::shared_ptr<Storage> allocate(std::size_t bytes, Device device) const override {
    void* data = nullptr;
    // Linux promises more than the machine has and kills the process when it is touched: refuse that at once.
    constexpr std::size_t worth_asking = std::size_t{64} << 20;
    const bool hopeless = bytes > worth_asking && bytes > host_memory().total;
    if (!hopeless) data = ::operator new(bytes, alignment, std::nothrow);
    if (data == nullptr) {
      fail(ErrorCode::out_of_memory, "storage: asked for ", bytes, " bytes on ", device, ", ",
           host_memory().free, " are free; use a smaller batch, a shorter context or a smaller dtype");
    }
    std::shared_ptr<void> owner(data, [](void* p) { ::operator delete(p, alignment); });
    return std::make_shared<Storage>(std::move(owner), data, bytes, device);
  }

  void copy(void* to, Device, const void* from, Device, std::size_t bytes) const override {
    if (bytes != 0) std::memcpy(to, from, bytes);
  }
};

}  // namespace

const StorageBackend& cpu_storage_backend() {
  static const CpuBackend backend;
  return backend;
}

}  // namespace adlib
