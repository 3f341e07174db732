// kernels/cuda/arch/dim3.h: the extents of grids and blocks.
#pragma once

namespace adlib::kernels::cuda {

struct Dim3 {
  unsigned x = 1, y = 1, z = 1;

  constexpr unsigned count() const { return x * y * z; }
};

}  // namespace adlib::kernels::cuda
