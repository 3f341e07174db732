// squared_norm over a gradient of GPT-2's MLP and over one that no cache holds.
#include <cmath>
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_squared_norm() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const std::int64_t n : {768 * 3072, 1 << 25}) {
      add_kernel("squared_norm", dtype, {{"n", n}}, [=](Device device) {
        const Tensor x = random_tensor({n}, dtype, 1).to(device);
        const auto run = [=] { return ops::squared_norm(x); };
        return Task{
            {.operations = 2 * static_cast<double>(n), .bytes = bytes_of(x)},
            [=] { run(); },
            [=]() -> std::string {
              double expected = 0;
              for (const double value : doubles(x)) expected += value * value;
              const double got = run();
              return std::fabs(got - expected) < 1e-10 * expected ? "" : concat(got, ", expected ", expected);
            }};
      });
    }
  }
}

}  // namespace adlib::bench
