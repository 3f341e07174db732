// sum_rows over the gradients of GPT-2's biases.
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_sum_rows() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const std::int64_t cols : {768, 3072}) {
      const std::int64_t rows = 512;
      add_kernel("sum_rows", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
        const Tensor x = random_tensor({rows, cols}, dtype, 1).to(device);
        Tensor sums = Tensor::zeros({cols}, DType::f32, device);
        auto run = [=]() mutable { ops::sum_rows_into(sums, x); };
        return Task{{.operations = static_cast<double>(x.numel()), .bytes = bytes_of(x)}, run, [=]() mutable {
                      run();
                      std::vector<double> expected(static_cast<std::size_t>(cols));
                      const auto values = doubles(x);
                      for (std::size_t i = 0; i < values.size(); ++i)
                        expected[i % expected.size()] += values[i];
                      return difference(sums, expected, 1e-4);
                    }};
      });
    }
  }
}

}  // namespace adlib::bench
