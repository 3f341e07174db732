// kernels/cuda/arch/tensor_map.h: how a tensor in global memory is cut into the boxes that TMA copies.
#pragma once

#include <array>
#include <cstdint>

namespace adlib::kernels::cuda {

/// A tensor of 16-bit elements and its boxes, the innermost extent first. Strides are in bytes, those of
/// dimensions 1 … rank - 1, and multiples of 16; the innermost stride is one element. Elements outside the
/// tensor are read as zero and not written.
struct BoxedTensor {
  const void* data = nullptr;  ///< aligned to 16
  bool bfloat = true;          ///< bf16, else f16
  int rank = 2;
  std::array<std::uint64_t, 4> extents{};
  std::array<std::uint64_t, 3> strides{};
  std::array<std::uint32_t, 4> box{};  ///< box[0] is 64: rows of 128 bytes, swizzled as wgmma reads them
};

/// What a kernel takes by value as a `const __grid_constant__ TensorMap`: the driver's CUtensorMap, or for
/// the emulator the bytes of a BoxedTensor.
struct alignas(64) TensorMap {
  unsigned char opaque[128];
};
static_assert(sizeof(BoxedTensor) <= sizeof(TensorMap));

/// Throws Error(unsupported) with the extents when the driver refuses.
TensorMap make_tensor_map(const BoxedTensor& tensor);

}  // namespace adlib::kernels::cuda
