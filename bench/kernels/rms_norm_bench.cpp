// rms_norm over the width of Qwen2 0.5B: one row (decoding) and a prompt's rows.
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_rms_norm() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const std::int64_t rows : {1, 8, 128, 512}) {
      const std::int64_t cols = 896;
      add_kernel("rms_norm", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
        const Tensor x = random_tensor({rows, cols}, dtype, 1).to(device);
        const Tensor gamma = random_tensor({cols}, dtype, 2).to(device);
        const auto run = [=] { return ops::rms_norm(x, gamma, 1e-6f); };
        const auto n = static_cast<double>(x.numel());
        return Task{
            {.operations = 4 * n, .bytes = 2 * bytes_of(x) + bytes_of(gamma)},
            [=] { run(); },
            [=] { return difference(run(), oracle::rms_norm(doubles(x), doubles(gamma), 1e-6), 1e-5); }};
      });
    }
    const std::int64_t rows = 512, cols = 768;
    add_kernel("rms_norm_backward", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
      const Tensor x = random_tensor({rows, cols}, dtype, 1).to(device);
      const Tensor gamma = random_tensor({cols}, dtype, 2).to(device);
      const Tensor dy = random_tensor({rows, cols}, dtype, 3).to(device);
      Tensor dx = Tensor::zeros({rows, cols}, dtype, device);  // of the first call, which is checked
      Tensor dgamma = Tensor::zeros({cols}, DType::f32, device);
      auto run = [=]() mutable { ops::rms_norm_backward(dx, dgamma, dy, x, gamma, 1e-5f); };
      const auto n = static_cast<double>(x.numel());
      return Task{{.operations = 13 * n, .bytes = 4 * bytes_of(x) + 3 * bytes_of(gamma)}, run, [=]() mutable {
                    run();
                    const auto gradient =
                        oracle::rms_norm_backward(doubles(dy), doubles(x), doubles(gamma), 1e-5);
                    return difference(dx, gradient.x, 2e-5) + difference(dgamma, gradient.gamma, 2e-4);
                  }};
    });
  }
}

}  // namespace adlib::bench
