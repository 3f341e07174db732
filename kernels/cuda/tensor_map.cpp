#include "kernels/cuda/arch/tensor_map.h"

#include <cuda.h>
#include <cuda_runtime_api.h>

#include <cstring>

#include "adlib/core/error.h"

namespace adlib::kernels::cuda {
namespace {

using Encode = decltype(&cuTensorMapEncodeTiled);

// From the driver that is there, so that adlib need not be linked with one.
Encode encode_tiled() {
  static const Encode function = [] {
    void* address = nullptr;
    cudaDriverEntryPointQueryResult found{};
    const cudaError_t status = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &address, 12000,
                                                                cudaEnableDefault, &found);
    if (status != cudaSuccess || found != cudaDriverEntryPointSuccess) {
      fail(ErrorCode::unsupported, "cuda: the driver has no cuTensorMapEncodeTiled, which needs CUDA 12.0");
    }
    return reinterpret_cast<Encode>(address);
  }();
  return function;
}

}  // namespace

TensorMap make_tensor_map(const BoxedTensor& tensor) {
  const auto rank = static_cast<cuuint32_t>(tensor.rank);
  std::array<cuuint64_t, 4> extents{};
  std::array<cuuint64_t, 3> strides{};
  std::array<cuuint32_t, 4> box{}, steps{1, 1, 1, 1};
  for (std::size_t i = 0; i < extents.size(); ++i) extents[i] = tensor.extents[i], box[i] = tensor.box[i];
  for (std::size_t i = 0; i < strides.size(); ++i) strides[i] = tensor.strides[i];
  CUtensorMap map;
  const CUresult status =
      encode_tiled()(&map, tensor.bfloat ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16 : CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
                     rank, const_cast<void*>(tensor.data), extents.data(), strides.data(), box.data(),
                     steps.data(), CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                     CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (status != CUDA_SUCCESS) {
    fail(ErrorCode::unsupported, "cuda: a tensor map of (", extents[0], ", ", extents[1], ", ", extents[2],
         ", ", extents[3], ") with strides of ", strides[0], ", ", strides[1], ", ", strides[2],
         " bytes and a box of ", box[0], " x ", box[1], " failed with driver status ",
         static_cast<int>(status));
  }
  TensorMap out;
  static_assert(sizeof out == sizeof map);
  std::memcpy(&out, &map, sizeof out);
  return out;
}

}  // namespace adlib::kernels::cuda
