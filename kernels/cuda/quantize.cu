#include "kernels/quantize.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/quantize.cuh"

namespace adlib::kernels {

template <class T>
void quantize(CudaContext& context, void* codes, bfloat16* scales, const T* w, std::int64_t w_stride,
              bool transpose, const QuantizeShape& shape) {
  if (shape.n == 0 || shape.k == 0) return;
  const cuda::QuantizeSource<T> from{w, transpose ? 1 : w_stride, transpose ? w_stride : 1};
  const auto run = [&](auto scales_kernel, auto codes_kernel) {
    const std::int64_t bytes = shape.n * quantize_row_bytes(shape);
    cuda::launch(context, {"quantize", {cuda::blocks_for(shape.n * quantize_groups(shape), 8, 65536)}, {256}},
                 scales_kernel, scales, from, shape);
    cuda::launch(context, {"quantize", {cuda::blocks_for(bytes, 256, 65536)}, {256}}, codes_kernel,
                 static_cast<std::uint8_t*>(codes), scales, from, shape);
  };
  if (shape.bits == 8) {
    run(cuda::quantize_scales_kernel<T, 8>, cuda::quantize_codes_kernel<T, 8>);
  } else {
    run(cuda::quantize_scales_kernel<T, 4>, cuda::quantize_codes_kernel<T, 4>);
  }
}

template <class T>
void dequantize(CudaContext& context, T* w, const void* codes, const bfloat16* scales,
                const QuantizeShape& shape) {
  if (shape.n == 0 || shape.k == 0) return;
  const auto run = [&](auto kernel) {
    cuda::launch(context, {"dequantize", {cuda::blocks_for(shape.n * shape.k, 256, 65536)}, {256}}, kernel, w,
                 static_cast<const std::uint8_t*>(codes), scales, shape);
  };
  if (shape.bits == 8) {
    run(cuda::dequantize_kernel<T, 8>);
  } else {
    run(cuda::dequantize_kernel<T, 4>);
  }
}

template void quantize(CudaContext&, void*, bfloat16*, const float*, std::int64_t, bool,
                       const QuantizeShape&);
template void quantize(CudaContext&, void*, bfloat16*, const float16*, std::int64_t, bool,
                       const QuantizeShape&);
template void quantize(CudaContext&, void*, bfloat16*, const bfloat16*, std::int64_t, bool,
                       const QuantizeShape&);
template void dequantize(CudaContext&, float*, const void*, const bfloat16*, const QuantizeShape&);
template void dequantize(CudaContext&, float16*, const void*, const bfloat16*, const QuantizeShape&);
template void dequantize(CudaContext&, bfloat16*, const void*, const bfloat16*, const QuantizeShape&);

}  // namespace adlib::kernels
