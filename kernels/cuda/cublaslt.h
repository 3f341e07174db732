// kernels/cuda/cublaslt.h: matrix products by NVIDIA's library; matmul.cu decides when. In a build for the
// emulator, host/cublaslt.cpp stands for it, which has none.
#pragma once

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"
#include "kernels/matmul.h"

namespace adlib::kernels::cuda {

/// out = gelu?(a b + residual + bias): what the library can do to a product.
struct LibraryProduct {
  DType type = DType::f32;      ///< of a and b
  DType out_type = DType::f32;  ///< of out, bias and residual
  void* out = nullptr;          ///< (m, n) row-major
  const void* a = nullptr;
  const void* b = nullptr;
  MatmulShape shape;
  const void* bias = nullptr;      ///< (n), or null
  const void* residual = nullptr;  ///< (m, n) row-major, or null; may be `out`
  bool gelu_tanh = false;
};

/// Puts the product on the context's stream, summed in float. False when the library has no way for it.
/// Throws Error(unsupported) with the shapes when the library fails.
bool multiply_by_library(const CudaContext& context, const LibraryProduct& product);

}  // namespace adlib::kernels::cuda
