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
    const std::int64_t rows = 64, cols = 50257;
    add_kernel("cross_entropy_backward", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
      const Tensor logits = random_tensor({rows, cols}, dtype, 1, 10).to(device);
      const Tensor targets = random_ids({rows}, 0, static_cast<std::int32_t>(cols), 2);
      const Tensor there = targets.to(device), weights = random_tensor({rows}, DType::f32, 3).to(device);
      Tensor dlogits = Tensor::empty({rows, cols}, dtype, device);
      auto run = [=]() mutable { ops::cross_entropy_backward(dlogits, logits, there, weights); };
      const auto n = static_cast<double>(logits.numel());
      return Task{{.operations = n * (exponential + 4), .bytes = 2 * bytes_of(logits)}, run, [=]() mutable {
                    run();
                    const auto width = static_cast<std::size_t>(cols);
                    auto expected = oracle::softmax(doubles(logits), width);
                    const auto factors = doubles(weights);
                    for (std::size_t r = 0; r < factors.size(); ++r) {
                      expected[r * width + static_cast<std::size_t>(targets.data<std::int32_t>()[r])] -= 1;
                      for (std::size_t c = 0; c < width; ++c) expected[r * width + c] *= factors[r];
                    }
                    return difference(dlogits, expected, 1e-6);
                  }};
    });
  }
}

}  // namespace adlib::bench
