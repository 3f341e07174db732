#include "kernels/sample.h"

#include "kernels/cuda/launch.h"
#include "kernels/cuda/runtime.h"
#include "kernels/cuda/sample.cuh"
#include "kernels/cuda/temporary.h"

namespace adlib::kernels {

template <class T>
void sample(CudaContext& context, std::int32_t* tokens, const T* scores, const SampleRow* rows,
            const std::int32_t* history, std::int64_t n, std::int64_t vocabulary) {
  using namespace cuda;
  require(vocabulary >= 1 && vocabulary <= 1 << 30, "sample: a vocabulary of ", vocabulary,
          ", expected 1 to 2^30");
  if (n == 0) return;
  const std::int64_t slots = sample_slots<T>(vocabulary);
  const std::int64_t bytes = sample_scratch_bytes + slots * static_cast<std::int64_t>(sizeof(float));
  Launch how{"sample", {static_cast<unsigned>(n)}, {sample_threads}, sample_scratch_bytes};
  if (bytes <= shared_memory(context.device)) {
    how.shared_bytes = static_cast<std::size_t>(bytes);
    launch(context, how, sample_kernel<T, true>, tokens, scores, rows, history, nullptr,
           static_cast<int>(slots), static_cast<int>(vocabulary));
  } else {
    const Temporary<float> work(context, "sample", n * slots);
    launch(context, how, sample_kernel<T, false>, tokens, scores, rows, history, work.data(),
           static_cast<int>(slots), static_cast<int>(vocabulary));
  }
}

template void sample(CudaContext&, std::int32_t*, const float*, const SampleRow*, const std::int32_t*,
                     std::int64_t, std::int64_t);
template void sample(CudaContext&, std::int32_t*, const float16*, const SampleRow*, const std::int32_t*,
                     std::int64_t, std::int64_t);
template void sample(CudaContext&, std::int32_t*, const bfloat16*, const SampleRow*, const std::int32_t*,
                     std::int64_t, std::int64_t);

}  // namespace adlib::kernels
