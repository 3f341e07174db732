// kernels/rope.h: rotary position embedding.
#pragma once

#include <cstdint>

#include "adlib/core/context.h"
#include "adlib/core/dtype.h"

namespace adlib::kernels {

/// Extents and strides (in elements) of one call.
struct RopeShape {
  std::int64_t rows = 0;         ///< N
  std::int64_t heads = 0;        ///< H
  std::int64_t head_dim = 0;     ///< D
  std::int64_t rotary_dim = 0;   ///< R, even, <= D
  std::int64_t row_stride = 0;   ///< of x
  std::int64_t head_stride = 0;  ///< of x
  bool interleaved = false;      ///< pairs (2i, 2i+1) instead of (i, i + R/2)
  bool inverse = false;          ///< by the opposite angle: the gradient of the same call without it
};

/// y[n,h,a] = x[a] cos - x[b] sin, y[n,h,b] = x[b] cos + x[a] sin for each pair (a, b) with the angle i of
/// row positions[n]; elements from R on pass through. x: strided; y: (N, H, D) row-major; positions: (N),
/// each inside the tables; cos, sin: (P, R/2).
template <class T>
void rope(CpuContext&, T* y, const T* x, const std::int32_t* positions, const float* cos, const float* sin,
          const RopeShape& shape);
template <class T>
void rope(CudaContext&, T* y, const T* x, const std::int32_t* positions, const float* cos, const float* sin,
          const RopeShape& shape);

}  // namespace adlib::kernels
