// add and multiply, of two tensors of one shape and with a row that repeats.
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_elementwise() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const bool repeated : {false, true}) {
      for (const bool product : {false, true}) {
        for (const std::int64_t rows : {1, 512}) {
          const std::int64_t cols = 768;
          const std::string name = std::string(product ? "multiply" : "add") + (repeated ? "_row" : "");
          add_kernel(name, dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
            const Tensor a = random_tensor({rows, cols}, dtype, 1).to(device);
            const Tensor b = random_tensor(repeated ? Shape{cols} : Shape{rows, cols}, dtype, 2).to(device);
            const auto run = [=] { return product ? ops::multiply(a, b) : ops::add(a, b); };
            return Task{
                {.operations = static_cast<double>(a.numel()), .bytes = 2 * bytes_of(a) + bytes_of(b)},
                [=] { run(); },
                [=] {
                  auto expected = doubles(a);
                  const auto other = doubles(b);
                  for (std::size_t i = 0; i < expected.size(); ++i) {
                    const double y = other[i % other.size()];
                    expected[i] = product ? expected[i] * y : expected[i] + y;
                  }
                  return difference(run(), expected, 0);
                }};
          });
        }
      }
    }
  }
}

}  // namespace adlib::bench
