// The runtime of the emulated device: everything is done at once. Memory begins as NaN, so that what nobody
// wrote shows, and is out of the host's reach as on a real device.
#include "kernels/cuda/runtime.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <vector>

#include "adlib/core/error.h"
#include "kernels/cuda/arch/tensor_map.h"
#include "kernels/cuda/host/device_memory.h"
#include "kernels/cuda/host/emulator.h"
#include "kernels/cuda/host/sanitizer.h"

namespace adlib::kernels::cuda {

#ifdef ADLIB_ADDRESS_SANITIZER
// Plain memory, so that accesses outside of an allocation show.
host::DeviceAccess::DeviceAccess() = default;
host::DeviceAccess::~DeviceAccess() = default;

void* allocate(std::size_t bytes, void*) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 256, std::max<std::size_t>(bytes, 1)) != 0) return nullptr;
  return std::memset(memory, 0xff, bytes);
}
void release(void* memory, void*) { std::free(memory); }
#else
namespace {

// One range of addresses, of which the first `used_` bytes are given out or were once.
class Arena {
 public:
  void* allocate(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const std::size_t size = std::bit_ceil(std::max<std::size_t>(bytes, 256));
    auto& free = free_[size];
    std::byte* memory = nullptr;
    if (!free.empty()) {
      memory = free.back();
      free.pop_back();
    } else {
      if (base_ == nullptr || size > most - used_) return nullptr;
      memory = base_ + used_;
      used_ += size;
      if (users_ > 0) protect(memory, size, PROT_READ | PROT_WRITE);
    }
    sizes_[memory] = size;
    if (users_ == 0) protect(memory, size, PROT_READ | PROT_WRITE);
    std::memset(memory, 0xff, bytes);
    if (users_ == 0) protect(memory, size, PROT_NONE);
    return memory;
  }
  void release(void* memory) {
    const std::lock_guard lock(mutex_);
    const auto found = sizes_.find(static_cast<std::byte*>(memory));
    free_[found->second].push_back(found->first);
    sizes_.erase(found);
  }
  void open() {
    const std::lock_guard lock(mutex_);
    if (users_++ == 0) protect(base_, used_, PROT_READ | PROT_WRITE);
  }
  void close() {
    const std::lock_guard lock(mutex_);
    if (--users_ == 0) protect(base_, used_, PROT_NONE);
  }

 private:
  static constexpr std::size_t most = std::size_t{64} << 30;  // of addresses

  // Of whole pages: neighbours of a small allocation go with it.
  void protect(std::byte* begin, std::size_t bytes, int access) {
    if (base_ == nullptr || bytes == 0) return;
    static const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t first = static_cast<std::size_t>(begin - base_) / page * page,
                      end = (static_cast<std::size_t>(begin - base_) + bytes + page - 1) / page * page;
    if (::mprotect(base_ + first, end - first, access) != 0) std::abort();
  }

  static std::byte* reserve() {
    void* memory = ::mmap(nullptr, most, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? nullptr : static_cast<std::byte*>(memory);
  }

  std::mutex mutex_;
  std::byte* base_ = reserve();
  std::size_t used_ = 0;
  int users_ = 0;
  std::map<std::byte*, std::size_t> sizes_;               // of what is given out
  std::map<std::size_t, std::vector<std::byte*> > free_;  // by size
};

// Never destroyed: tensors with static lifetime give their memory back after any destructor of ours.
Arena& arena() {
  static auto* const value = new Arena;
  return *value;
}

}  // namespace

host::DeviceAccess::DeviceAccess() { arena().open(); }
host::DeviceAccess::~DeviceAccess() { arena().close(); }

void* allocate(std::size_t bytes, void*) { return arena().allocate(bytes); }
void release(void* memory, void*) { arena().release(memory); }
#endif

int& host::capability() {
  static int value = [] {
    const char* wanted = std::getenv("ADLIB_CUDA_HOST_CAPABILITY");
    return wanted != nullptr ? std::atoi(wanted) : 80;
  }();
  return value;
}

int device_count() { return 1; }
std::string device_name(int) { return "CUDA emulated on the CPU"; }
int multiprocessors(int) { return 4; }
int shared_memory(int) { return 227 << 10; }
int compute_capability(int) { return host::capability(); }
void* default_stream(int) { return nullptr; }
void set_device(int) {}
int current_device() { return 0; }

MemoryInfo memory_info() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return {.free = static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) * page,
          .total = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * page};
}

void copy_bytes(void* to, const void* from, std::size_t bytes, void*) {
  const host::DeviceAccess access;
  if (bytes > 0) std::memmove(to, from, bytes);
}
void copy_bytes_async(void* to, const void* from, std::size_t bytes, void* stream) {
  copy_bytes(to, from, bytes, stream);
}
void fill_bytes(void* memory, int value, std::size_t bytes, void*) {
  const host::DeviceAccess access;
  if (bytes > 0) std::memset(memory, value, bytes);
}
void synchronize(void*) {}

TensorMap make_tensor_map(const BoxedTensor& tensor) {
  require(tensor.rank >= 2 && tensor.rank <= 4, "cuda: a tensor map of rank ", tensor.rank);
  require(reinterpret_cast<std::uintptr_t>(tensor.data) % 16 == 0, "cuda: a tensor map of unaligned data");
  require(tensor.box[0] == 64, "cuda: a tensor map with rows of ", tensor.box[0], " elements, expected 64");
  for (int d = 1; d < tensor.rank; ++d) {
    const auto i = static_cast<std::size_t>(d);
    require(tensor.strides[i - 1] % 16 == 0, "cuda: a tensor map with a stride of ", tensor.strides[i - 1],
            " bytes");
    require(tensor.box[i] >= 1 && tensor.box[i] <= 256, "cuda: a tensor map with a box of ", tensor.box[i],
            " rows");
  }
  TensorMap out{};
  std::memcpy(&out, &tensor, sizeof tensor);
  return out;
}

}  // namespace adlib::kernels::cuda
