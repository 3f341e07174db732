// Moving data: as it lies, transposed, and between types.
#include <string>
#include <utility>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/random.h"

namespace adlib::bench {
namespace {

using namespace adlib::test;

// rows x cols of `from`, written without gaps as `to`.
Task copy_task(const Tensor& source, DType to) {
  Tensor out = Tensor::empty(source.shape(), to, source.device());
  auto run = [=]() mutable { ops::copy_into(out, source); };
  return {{.bytes = bytes_of(source) + bytes_of(out)}, run, [=]() mutable {
            run();
            return difference(out, doubles(source), 0);
          }};
}

}  // namespace

void add_copy() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const auto& [rows, cols] : {std::pair{1, 768}, std::pair{512, 768}, std::pair{3072, 768}}) {
      const Shape shape{rows, cols};
      const Sizes sizes{{"rows", rows}, {"cols", cols}};
      add_kernel("copy", dtype, sizes,
                 [=](Device device) { return copy_task(random_tensor(shape, dtype, 1).to(device), dtype); });
      // As the cache stores keys: (rows, heads, 64) becomes (heads, rows, 64).
      add_kernel("copy_heads", dtype, sizes, [=](Device device) {
        const Tensor source = random_tensor({shape[0], 12, 64}, dtype, 1).to(device);
        return copy_task(source.transpose(0, 1), dtype);
      });
      add_kernel("copy_transposed", dtype, sizes, [=](Device device) {
        return copy_task(random_tensor({shape[1], shape[0]}, dtype, 1).to(device).transpose(0, 1), dtype);
      });
      const DType other = dtype == DType::f32 ? DType::bf16 : DType::f32;
      add_kernel(dtype == DType::f32 ? "convert_to_bf16" : "convert_to_f32", dtype, sizes,
                 [=](Device device) { return copy_task(random_tensor(shape, dtype, 1).to(device), other); });
    }
  }
}

}  // namespace adlib::bench
