#include "kernels/matmul.h"

#include "kernels/cuda/cublaslt.h"
#include "kernels/cuda/gemm.h"

namespace adlib::kernels {
namespace {

// Sums in float of device memory; null when there is none.
class Sums {
 public:
  Sums(const CudaContext& context, std::int64_t count)
      : stream_(context.stream),
        memory_(cuda::allocate(static_cast<std::size_t>(count) * sizeof(float), context.stream)) {}
  ~Sums() {
    if (memory_ != nullptr) cuda::release(memory_, stream_);
  }
  Sums(const Sums&) = delete;
  Sums& operator=(const Sums&) = delete;
  float* data() const { return static_cast<float*>(memory_); }

 private:
  void* stream_;
  void* memory_;
};

// By the library, with its epilogue where that is ours, else with ours behind it.
template <class Out, class T>
bool multiply_by_library(const CudaContext& context, Out* out, const T* a, const T* b,
                         const MatmulShape& shape, const MatmulEpilogue<Out>& epilogue) {
  const cuda::LibraryProduct product{.type = dtype_of<T>,
                                     .out_type = dtype_of<Out>,
                                     .out = out,
                                     .a = a,
                                     .b = b,
                                     .shape = shape,
                                     .bias = epilogue.bias,
                                     .residual = epilogue.residual,
                                     .gelu_tanh = epilogue.activation == Activation::gelu_tanh};
  // The library activates what the residual is already in. Its relu does not keep NaN.
  const bool same = epilogue.multiplier == nullptr &&
                    (epilogue.activation == Activation::none ||
                     (epilogue.activation == Activation::gelu_tanh && epilogue.residual == nullptr));
  if (same && cuda::multiply_by_library(context, product)) return true;
  const bool plain = same && epilogue.bias == nullptr && epilogue.residual == nullptr &&
                     epilogue.activation == Activation::none && std::is_same_v<Out, float>;
  if (plain) return false;  // as was just tried

  const Sums sums(context, shape.m * shape.n);
  if (sums.data() == nullptr) return false;
  cuda::LibraryProduct into_sums = product;
  into_sums.out_type = DType::f32;
  into_sums.out = sums.data();
  into_sums.bias = into_sums.residual = nullptr;
  into_sums.gelu_tanh = false;
  if (!cuda::multiply_by_library(context, into_sums)) return false;
  const std::int64_t chunks = shape.m * ((shape.n + 7) / 8);
  cuda::launch(context, {"matmul", {cuda::blocks_for(chunks, 256, 65536)}, {256}},
               cuda::gemm_finish_kernel<Out>, cuda::gemm_output(out, shape.m, shape.n, epilogue),
               sums.data());
  return true;
}

}  // namespace

template <class Out, class T>
void matmul(CudaContext& context, Out* out, const T* a, const T* b, const MatmulShape& shape,
            const MatmulEpilogue<Out>& epilogue) {
  if (shape.m == 0 || shape.n == 0) return;
  // Few rows are bound by memory: the library is not faster.
  const bool few_rows = shape.m <= cuda::few_rows && !shape.transpose_a;
  if (!context.deterministic && !few_rows && shape.k > 0 &&
      multiply_by_library(context, out, a, b, shape, epilogue))
    return;
  cuda::gemm(context, "matmul", out, a, b, shape, epilogue);
}

template void matmul(CudaContext&, float*, const float*, const float*, const MatmulShape&,
                     const MatmulEpilogue<float>&);
template void matmul(CudaContext&, float16*, const float16*, const float16*, const MatmulShape&,
                     const MatmulEpilogue<float16>&);
template void matmul(CudaContext&, float*, const float16*, const float16*, const MatmulShape&,
                     const MatmulEpilogue<float>&);
template void matmul(CudaContext&, float*, const bfloat16*, const bfloat16*, const MatmulShape&,
                     const MatmulEpilogue<float>&);
template void matmul(CudaContext&, bfloat16*, const bfloat16*, const bfloat16*, const MatmulShape&,
                     const MatmulEpilogue<bfloat16>&);

}  // namespace adlib::kernels
