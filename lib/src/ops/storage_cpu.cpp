// Host memory. Storage is aligned to 64 bytes: a cache line, and the widest vector register.
//
// A forward pass allocates and frees the same few large blocks in every layer. Freed ones are kept for the
// next tensor of their size: returned to the system, each would come back as thousands of page faults, which
// at the speed of int8 products take a third of the time.
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <new>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/core/storage.h"
#include "ops/backends.h"

namespace adlib {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t kept_block_min = std::size_t{64} << 10;  // smaller ones malloc keeps itself
constexpr std::size_t kept_block_max = std::size_t{32} << 20;  // unless a MemoryReuse lives
constexpr std::size_t kept_total = std::size_t{64} << 20;      // unless a MemoryReuse lives

std::align_val_t alignment_of(std::size_t bytes) {
  return std::align_val_t{bytes >= huge_page ? huge_page : 64};
}

// Sizes that may be kept come in eight steps a power of two, so that blocks find their next use. What a block
// has more than was asked for is never touched, and so takes no memory.
std::size_t size_class(std::size_t bytes) {
  if (bytes < kept_block_min) return bytes;
  const std::size_t step = std::bit_floor(bytes) / 8;
  return (bytes + step - 1) / step * step;
}

void* allocate_block(std::size_t size) {
  void* data = ::operator new(size, alignment_of(size), std::nothrow);
  // Only whole huge pages: the end of a block must not take 2 MiB for itself. Failure changes nothing.
  if (data != nullptr && size >= huge_page)
    (void)::madvise(data, size / huge_page * huge_page, MADV_HUGEPAGE);
  return data;
}
void free_block(void* data, std::size_t size) { ::operator delete(data, alignment_of(size)); }

struct Block {
  void* data = nullptr;
  std::size_t size = 0;
};

class FreeBlocks {
 public:
  /// A block of at least `size` bytes, at most a quarter larger; null when there is none.
  Block take(std::size_t size) {
    const std::lock_guard lock(mutex_);
    for (auto at = blocks_.lower_bound(size); at != blocks_.end() && at->first <= size + size / 4; ++at) {
      if (at->second.empty()) continue;
      void* data = at->second.back();
      at->second.pop_back();
      total_ -= at->first;
      return {data, at->first};
    }
    return {};
  }
  void give(void* data, std::size_t size) {
    if (!keep(data, size)) free_block(data, size);
  }
  /// Without a limit while `users` is positive; all blocks go back when it falls to 0.
  void reuse(int change) {
    {
      const std::lock_guard lock(mutex_);
      users_ += change;
      if (users_ > 0) return;
    }
    release();
  }
  /// Returns all blocks to the system.
  void release() {
    const std::lock_guard lock(mutex_);
    for (const auto& [size, blocks] : blocks_) {
      for (void* data : blocks) free_block(data, size);
    }
    blocks_.clear();
    total_ = 0;
  }

 private:
  bool keep(void* data, std::size_t size) {
    if (!keeps || size < kept_block_min) return false;
    const std::lock_guard lock(mutex_);
    if (users_ == 0 && (size > kept_block_max || total_ + size > kept_total)) return false;
    try {
      blocks_[size].push_back(data);
    } catch (const std::bad_alloc&) {  // the end of a tensor does not throw
      return false;
    }
    total_ += size;
    return true;
  }

  // A sanitizer must see every block come and go.
#if defined(__SANITIZE_ADDRESS__)
  static constexpr bool keeps = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
  static constexpr bool keeps = false;
#else
  static constexpr bool keeps = true;
#endif
#else
  static constexpr bool keeps = true;
#endif

  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> blocks_;
  std::size_t total_ = 0;
  int users_ = 0;  // of MemoryReuse
};

// Never destroyed: tensors with static lifetime give their blocks back after any destructor of ours.
FreeBlocks& free_blocks() {
  static auto* const blocks = new FreeBlocks;
  return *blocks;
}

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
    Block block;
    // Linux promises more than the machine has and kills the process when it is touched: refuse that at once.
    constexpr std::size_t worth_asking = std::size_t{64} << 20;
    const bool hopeless = bytes > worth_asking && bytes > host_memory().total;
    const std::size_t size = size_class(bytes);
    if (!hopeless) block = free_blocks().take(size);
    if (!hopeless && block.data == nullptr) block = {allocate_block(size), size};
    if (!hopeless && block.data == nullptr) {  // blocks of other sizes may be what is missing
      free_blocks().release();
      block = {allocate_block(size), size};
    }
    if (block.data == nullptr) {
      fail(ErrorCode::out_of_memory, "storage: asked for ", bytes, " bytes on ", device, ", ",
           host_memory().free, " are free; use a smaller batch, a shorter context or a smaller dtype");
    }
    std::shared_ptr<void> owner(block.data, [size = block.size](void* p) { free_blocks().give(p, size); });
    return std::make_shared<Storage>(std::move(owner), block.data, bytes, device);
  }

  void copy(void* to, Device, const void* from, Device, std::size_t bytes) const override {
    if (bytes != 0) std::memcpy(to, from, bytes);
  }

  void clear(void* memory, Device, std::size_t bytes) const override {
    if (bytes != 0) std::memset(memory, 0, bytes);
  }
};

}  // namespace

MemoryReuse::MemoryReuse() { free_blocks().reuse(1); }
MemoryReuse::~MemoryReuse() { free_blocks().reuse(-1); }

const StorageBackend& cpu_storage_backend() {
  static const CpuBackend backend;
  return backend;
}

}  // namespace adlib
