// The runtime of the emulated device: its memory is the host's, and everything is done at once. Memory begins
// as NaN, so that what nobody wrote shows.
#include "kernels/cuda/runtime.h"

#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "adlib/core/error.h"
#include "kernels/cuda/arch/tensor_map.h"

namespace adlib::kernels::cuda {

int device_count() { return 1; }
std::string device_name(int) { return "CUDA emulated on the CPU"; }
int multiprocessors(int) { return 4; }
int compute_capability(int) { return 80; }
void* default_stream(int) { return nullptr; }
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
