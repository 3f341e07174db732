#include "kernels/elementwise.h"

#include <algorithm>

#include "kernels/cuda/elementwise.cuh"
#include "kernels/cuda/grid.h"

namespace adlib::kernels {
namespace {

// Two operands' layout with the fewest dimensions: those of extent 1 are left out, and a dimension is joined
// with the one inside it where both operands walk the two at one stride.
struct Layout {
  Extents extents;
  Strides a{}, b{};
};

Layout join_dimensions(const Extents& extents, const Strides& a, const Strides& b) {
  Layout out;
  for (int dim = 0; dim < extents.rank; ++dim) {
    const auto d = static_cast<std::size_t>(dim);
    const std::int64_t extent = extents.dims[d];
    if (extent == 1) continue;
    const auto last = static_cast<std::size_t>(out.extents.rank) - 1;
    if (out.extents.rank > 0 && out.a[last] == extent * a[d] && out.b[last] == extent * b[d]) {
      out.extents.dims[last] *= extent;
      out.a[last] = a[d];
      out.b[last] = b[d];
    } else {
      out.extents.dims[last + 1] = extent;
      out.a[last + 1] = a[d];
      out.b[last + 1] = b[d];
      ++out.extents.rank;
    }
  }
  return out;
}

template <class Op, class T>
void binary(CudaContext& context, const char* name, T* y, const T* a, const T* b, const Extents& extents,
            const Strides& a_strides, const Strides& b_strides) {
  std::int64_t n = 1;
  for (int dim = 0; dim < extents.rank; ++dim) n *= extents.dims[static_cast<std::size_t>(dim)];
  if (n == 0) return;
  const Layout layout = join_dimensions(extents, a_strides, b_strides);
  const int rank = layout.extents.rank;
  const auto inner = static_cast<std::size_t>(std::max(rank - 1, 0));
  const auto is_row = [&](const Strides& strides) {
    return rank == 0 || strides[inner] == 0 || strides[inner] == 1;
  };
  if (rank > 2 || !is_row(layout.a) || !is_row(layout.b)) {
    cuda::launch(context, {name, cuda::flat_grid(context, n, 256), {256}}, cuda::binary_strided_kernel<T, Op>,
                 y, a, b, n, layout.extents, layout.a, layout.b);
    return;
  }
  const std::int64_t cols = rank == 0 ? 1 : layout.extents.dims[inner], rows = n / cols;
  const auto operand = [&](const T* data, const Strides& strides) {
    return cuda::RowOperand<T>{data, rank == 2 ? strides[0] : 0, rank > 0 && strides[inner] == 0};
  };
  const cuda::RowOperand<T> left = operand(a, layout.a), right = operand(b, layout.b);
  const auto aligned = [&](const T* data, std::int64_t stride, bool one) {
    return one || cuda::is_aligned(data, rows == 1 ? 0 : cols, stride);
  };
  const std::int64_t groups = cuda::groups_in<T>(cols);
  const cuda::Launch how{
      name,
      rows == 1 ? cuda::flat_grid(context, groups, 128) : cuda::rows_grid(context, rows, groups, 128),
      {128}};
  if (aligned(y, 0, false) && aligned(a, left.row_stride, left.one) &&
      aligned(b, right.row_stride, right.one))
    cuda::launch(context, how, cuda::binary_rows_kernel<T, Op, true>, y, left, right, rows, cols);
  else
    cuda::launch(context, how, cuda::binary_rows_kernel<T, Op, false>, y, left, right, rows, cols);
}

}  // namespace

template <class T>
void add(CudaContext& context, T* y, const T* a, const T* b, const Extents& extents, const Strides& a_strides,
         const Strides& b_strides) {
  binary<cuda::Add>(context, "add", y, a, b, extents, a_strides, b_strides);
}

template <class T>
void multiply(CudaContext& context, T* y, const T* a, const T* b, const Extents& extents,
              const Strides& a_strides, const Strides& b_strides) {
  binary<cuda::Multiply>(context, "multiply", y, a, b, extents, a_strides, b_strides);
}

template void add(CudaContext&, float*, const float*, const float*, const Extents&, const Strides&,
                  const Strides&);
template void add(CudaContext&, float16*, const float16*, const float16*, const Extents&, const Strides&,
                  const Strides&);
template void add(CudaContext&, bfloat16*, const bfloat16*, const bfloat16*, const Extents&, const Strides&,
                  const Strides&);
template void multiply(CudaContext&, float*, const float*, const float*, const Extents&, const Strides&,
                       const Strides&);
template void multiply(CudaContext&, float16*, const float16*, const float16*, const Extents&, const Strides&,
                       const Strides&);
template void multiply(CudaContext&, bfloat16*, const bfloat16*, const bfloat16*, const Extents&,
                       const Strides&, const Strides&);

}  // namespace adlib::kernels
