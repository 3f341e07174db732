// cross_entropy over GPT-2's vocabulary, a loss for each token.
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_cross_entropy() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const std::int64_t rows : {1, 64}) {
      const std::int64_t cols = 50257;
      add_kernel("cross_entropy", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
        const Tensor logits = random_tensor({rows, cols}, dtype, 1, 10).to(device);
        const Tensor targets = random_ids({rows}, 0, static_cast<std::int32_t>(cols), 2);
        const Tensor there = targets.to(device);
        const auto run = [=] { return ops::cross_entropy(logits, there); };
        const auto n = static_cast<double>(logits.numel());
        return Task{{.operations = n * (exponential + 3), .bytes = bytes_of(logits)},
                    [=] { run(); },
                    [=] {
                      const auto width = static_cast<std::size_t>(cols);
                      const auto all = oracle::softmax(doubles(logits), width, true);
                      std::vector<double> expected;
                      for (const std::int32_t target : targets.data<std::int32_t>()) {
                        expected.push_back(-all[expected.size() * width + static_cast<std::size_t>(target)]);
                      }
                      return difference(run(), expected, 1e-4);
                    }};
      });
    }
  }
}

}  // namespace adlib::bench
