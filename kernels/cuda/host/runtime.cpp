// The runtime of the emulated device: its memory is the host's, and everything is done at once. Memory begins
// as NaN, so that what nobody wrote shows.
#include "kernels/cuda/runtime.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace adlib::kernels::cuda {

int device_count() { return 1; }
std::string device_name(int) { return "CUDA emulated on the CPU"; }
int multiprocessors(int) { return 4; }
void set_device(int) {}
int current_device() { return 0; }

void* allocate(std::size_t bytes, void*) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 256, bytes == 0 ? 1 : bytes) != 0) return nullptr;
  std::memset(memory, 0xff, bytes);
  return memory;
}
void release(void* memory, void*) { std::free(memory); }
MemoryInfo memory_info() {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return {.free = static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) * page,
          .total = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * page};
}

void copy_bytes(void* to, const void* from, std::size_t bytes, void*) {
  if (bytes > 0) std::memmove(to, from, bytes);
}
void copy_bytes_async(void* to, const void* from, std::size_t bytes, void* stream) {
  copy_bytes(to, from, bytes, stream);
}
void fill_bytes(void* memory, int value, std::size_t bytes, void*) {
  if (bytes > 0) std::memset(memory, value, bytes);
}
void synchronize(void*) {}

}  // namespace adlib::kernels::cuda
