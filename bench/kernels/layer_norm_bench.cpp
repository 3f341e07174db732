// layer_norm over GPT-2's width: one row (decoding) and a prompt's rows; its gradient over a batch.
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_layer_norm() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const std::int64_t rows : {1, 8, 128, 512}) {
      const std::int64_t cols = 768;
      add_kernel("layer_norm", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
        const Tensor x = random_tensor({rows, cols}, dtype, 1).to(device);
        const Tensor gamma = random_tensor({cols}, dtype, 2).to(device);
        const Tensor beta = random_tensor({cols}, dtype, 3).to(device);
        const auto run = [=] { return ops::layer_norm(x, gamma, beta, 1e-5f); };
        const auto n = static_cast<double>(x.numel());
        return Task{{.operations = 7 * n, .bytes = 2 * bytes_of(x) + bytes_of(gamma) + bytes_of(beta)},
                    [=] { run(); },
                    [=] {
                      return difference(
                          run(), oracle::layer_norm(doubles(x), doubles(gamma), doubles(beta), 1e-5), 1e-5);
                    }};
      });
    }
    const std::int64_t rows = 512, cols = 768;
    add_kernel("layer_norm_backward", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
      const Tensor x = random_tensor({rows, cols}, dtype, 1).to(device);
      const Tensor gamma = random_tensor({cols}, dtype, 2).to(device);
      const Tensor dy = random_tensor({rows, cols}, dtype, 3).to(device);
      Tensor dx = Tensor::zeros({rows, cols}, dtype, device);  // of the first call, which is checked
      Tensor dgamma = Tensor::zeros({cols}, DType::f32, device), dbeta = dgamma.clone();
      auto run = [=]() mutable { ops::layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, 1e-5f); };
      const auto n = static_cast<double>(x.numel());
      return Task{{.operations = 17 * n, .bytes = 4 * bytes_of(x) + 5 * bytes_of(gamma)}, run, [=]() mutable {
                    run();
                    const auto gradient =
                        oracle::layer_norm_backward(doubles(dy), doubles(x), doubles(gamma), 1e-5);
                    return difference(dx, gradient.x, 2e-5) + difference(dgamma, gradient.gamma, 2e-4) +
                           difference(dbeta, gradient.beta, 2e-4);
                  }};
    });
  }
}

}  // namespace adlib::bench
