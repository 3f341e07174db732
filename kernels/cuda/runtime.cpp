#include "kernels/cuda/runtime.h"

#include <cuda_runtime_api.h>

#include <cstdint>
#include <map>
#include <mutex>

#include "adlib/core/error.h"

namespace adlib::kernels::cuda {
namespace {

cudaStream_t as_stream(void* stream) { return static_cast<cudaStream_t>(stream); }

void check(cudaError_t status, const char* what, std::size_t bytes = 0) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // forget it, so that the next call does not report it again
  fail(ErrorCode::unsupported, "cuda: ", what, bytes > 0 ? concat(" of ", bytes, " bytes") : "",
       " failed: ", cudaGetErrorString(status));
}

}  // namespace

int device_count() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  cudaGetLastError();
  return 0;
}

std::string device_name(int device) {
  cudaDeviceProp properties{};
  check(cudaGetDeviceProperties(&properties, device), "cudaGetDeviceProperties");
  return properties.name;
}

int multiprocessors(int device) {
  int count = 0;
  check(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device), "cudaDeviceGetAttribute");
  return count;
}

int shared_memory(int device) {
  int bytes = 0;
  check(cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
        "cudaDeviceGetAttribute");
  return bytes;
}

int compute_capability(int device) {
  int major = 0, minor = 0;
  check(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device), "cudaDeviceGetAttribute");
  check(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device), "cudaDeviceGetAttribute");
  return 10 * major + minor;
}

void* default_stream(int device) {
  static std::mutex mutex;
  static std::map<int, cudaStream_t> streams;  // never destroyed: the driver may be gone before them
  const std::scoped_lock lock(mutex);
  cudaStream_t& stream = streams[device];
  if (stream == nullptr) {
    const int before = current_device();
    set_device(device);
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    // Memory given back stays with the process: the next step of a loop asks for the same.
    cudaMemPool_t pool{};
    check(cudaDeviceGetDefaultMemPool(&pool, device), "cudaDeviceGetDefaultMemPool");
    std::uint64_t keep = ~std::uint64_t{0};
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
    set_device(before);
  }
  return stream;
}

void set_device(int device) { check(cudaSetDevice(device), "cudaSetDevice"); }

int current_device() {
  int device = 0;
  check(cudaGetDevice(&device), "cudaGetDevice");
  return device;
}

void* allocate(std::size_t bytes, void* stream) {
  void* memory = nullptr;
  const cudaError_t status = cudaMallocAsync(&memory, bytes == 0 ? 1 : bytes, as_stream(stream));
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();
    return nullptr;
  }
  check(status, "cudaMallocAsync", bytes);
  return memory;
}

void release(void* memory, void* stream) { cudaFreeAsync(memory, as_stream(stream)); }

MemoryInfo memory_info() {
  MemoryInfo info;
  check(cudaMemGetInfo(&info.free, &info.total), "cudaMemGetInfo");
  return info;
}

void copy_bytes(void* to, const void* from, std::size_t bytes, void* stream) {
  if (bytes == 0) return;
  copy_bytes_async(to, from, bytes, stream);
  synchronize(stream);
}

void copy_bytes_async(void* to, const void* from, std::size_t bytes, void* stream) {
  if (bytes == 0) return;
  // cudaMemcpyDefault tells host from device by the addresses.
  check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, as_stream(stream)), "cudaMemcpyAsync", bytes);
}

void fill_bytes(void* memory, int value, std::size_t bytes, void* stream) {
  if (bytes > 0) check(cudaMemsetAsync(memory, value, bytes, as_stream(stream)), "cudaMemsetAsync", bytes);
}

void synchronize(void* stream) { check(cudaStreamSynchronize(as_stream(stream)), "cudaStreamSynchronize"); }

}  // namespace adlib::kernels::cuda
