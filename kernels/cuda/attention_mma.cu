#include "kernels/cuda/attention_mma.cuh"

namespace adlib::kernels::cuda {
namespace {

template <class T, class Page, int D>
void launch_mma(const CudaContext& context, const AttentionShape& shape, const AttentionCall<T>& call) {
  constexpr const char* operation = "attention";
  if (shape.few) {
    launch(context, {operation, shape.grid, {32}, Ring<Page, D, 1>::bytes},
           attention_mma_kernel<T, Page, D, 1, true>, call);
  } else if (shape.split) {
    launch(context, {operation, shape.grid, {128}, Ring<Page, D, 4>::bytes},
           attention_mma_kernel<T, Page, D, 4, true>, call);
  } else {
    launch(context, {operation, shape.grid, {128}, Ring<Page, D, 4>::bytes},
           attention_mma_kernel<T, Page, D, 4, false>, call);
  }
}

}  // namespace

template <class T>
void launch_attention_mma(const CudaContext& context, const AttentionShape& shape,
                          const AttentionCall<T>& call) {
  const bool narrow = call.pages.head_dim <= 64 && call.pages.value_dim <= 64;
  if (call.pages.dtype == DType::i8) {
    return narrow ? launch_mma<T, std::int8_t, 64>(context, shape, call)
                  : launch_mma<T, std::int8_t, 128>(context, shape, call);
  }
  return narrow ? launch_mma<T, T, 64>(context, shape, call) : launch_mma<T, T, 128>(context, shape, call);
}

template void launch_attention_mma(const CudaContext&, const AttentionShape&, const AttentionCall<float16>&);
template void launch_attention_mma(const CudaContext&, const AttentionShape&, const AttentionCall<bfloat16>&);

}  // namespace adlib::kernels::cuda
