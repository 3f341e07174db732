#include "adlib/core/storage.h"

#include <array>
#include <atomic>
#include <mutex>

#include "adlib/core/error.h"

namespace adlib {

// Defined in lib/src/ops/backends.cpp. Core asks for it by this name only, so that a static library keeps it.
void register_builtin_backends();

namespace {

constexpr std::size_t device_types = 2;

std::array<std::atomic<const StorageBackend*>, device_types>& table() {
  static std::array<std::atomic<const StorageBackend*>, device_types> backends{};
  return backends;
}

const StorageBackend* find_backend(Device::Type type) {
  static std::once_flag once;
  std::call_once(once, register_builtin_backends);
  return table()[static_cast<std::size_t>(type)].load();
}

}  // namespace

void register_storage_backend(Device::Type type, const StorageBackend* backend) {
  table()[static_cast<std::size_t>(type)].store(backend);
}

const StorageBackend& storage_backend(Device::Type type) {
  const StorageBackend* backend = find_backend(type);
  if (backend == nullptr) {
    fail(ErrorCode::unsupported, "storage: built without CUDA; configure with -DADLIB_CUDA=ON");
  }
  return *backend;
}

bool is_available(Device device) {
  const StorageBackend* backend = find_backend(device.type());
  return backend != nullptr && device.index() >= 0 && device.index() < backend->device_count();
}

std::string to_string(Device device) {
  return device.type() == Device::Type::cpu ? "cpu" : "cuda:" + std::to_string(device.index());
}

Device Device::parse(const std::string& text) {
  if (text == "cpu") return Device::cpu;
  if (text == "cuda") return Device::cuda;
  if (text.size() > 5 && text.size() <= 8 && text.compare(0, 5, "cuda:") == 0 &&
      text.find_first_not_of("0123456789", 5) == std::string::npos) {
    return Device(Type::cuda, std::stoi(text.substr(5)));
  }
  fail(ErrorCode::invalid_argument, "device: '", text, "' is not one of cpu, cuda, cuda:N");
}

}  // namespace adlib
