// kernels/cuda/runtime.h: the CUDA runtime as far as adlib's tensors need it: devices, streams, memory. In a
// build for the emulator, host/runtime.cpp stands for it.
#pragma once

#include <cstddef>
#include <string>

namespace adlib::kernels::cuda {

/// Devices that can run kernels; 0 without a driver.
int device_count();
/// E.g. "NVIDIA H200", or that it is emulated.
std::string device_name(int device);
/// Multiprocessors of the device.
int multiprocessors(int device);
/// Bytes of shared memory that a block may have.
int shared_memory(int device);
/// Ten times the compute capability: 80 for an A100, 90 for an H100.
int compute_capability(int device);
/// Makes the device current for this thread.
void set_device(int device);
int current_device();

/// The stream that adlib's tensors live on: one for each device, made when first asked for.
void* default_stream(int device);

/// Device memory in the order of a stream: it may be used by what is put on the stream after the call. Null
/// when there is none.
void* allocate(std::size_t bytes, void* stream);
/// Gives it back when what is on the stream is done. The device keeps it for the next allocation of this
/// process.
void release(void* memory, void* stream);
struct MemoryInfo {
  std::size_t free = 0, total = 0;
};
MemoryInfo memory_info();

/// Copies between host and device, or within the device, in the order of the stream; returns when the bytes
/// are there.
void copy_bytes(void* to, const void* from, std::size_t bytes, void* stream);
/// As copy_bytes, without waiting. Host memory must stay as it is until the stream is synchronised.
void copy_bytes_async(void* to, const void* from, std::size_t bytes, void* stream);
/// Sets bytes of device memory in the order of the stream.
void fill_bytes(void* memory, int value, std::size_t bytes, void* stream);
/// Waits for what is on the stream. Throws Error(unsupported) when a kernel on it failed.
void synchronize(void* stream);

}  // namespace adlib::kernels::cuda
