// dropout on the residual branch of GPT-2.
#include <cmath>
#include <string>
#include <vector>

#include "adlib/core/random.h"
#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_dropout() {
  // Of Philox for one element: ten rounds of two products, four exclusive ors and two shifts make four.
  constexpr double philox = 20;
  for (const DType dtype : {DType::f32, DType::bf16}) {
    const std::int64_t rows = 512, cols = 768;
    add_kernel("dropout", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
      const Tensor x = random_tensor({rows, cols}, dtype, 1).to(device);
      const Tensor residual = random_tensor({rows, cols}, dtype, 2).to(device);
      const auto run = [=] { return ops::dropout(x, 0.125f, 3, 4, residual); };
      const auto n = static_cast<double>(x.numel());
      return Task{{.operations = (philox + 3) * n, .bytes = 3 * bytes_of(x)},
                  [=] { run(); },
                  [=] {
                    auto expected = doubles(residual);
                    const auto values = doubles(x);
                    const Philox random(3, 4);
                    for (std::size_t i = 0; i < values.size(); ++i) {
                      const bool falls = random.block(i / 4)[i % 4] < std::llround(0.125 * 0x1p32);
                      expected[i] += falls ? 0 : values[i] / (1 - 0.125);
                    }
                    return difference(run(), expected, 1e-6);
                  }};
    });
  }
}

}  // namespace adlib::bench
