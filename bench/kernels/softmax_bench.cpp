// softmax and log_softmax over the scores of attention and of GPT-2's vocabulary.
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_softmax() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const bool logarithm : {false, true}) {
      for (const auto& [rows, cols] : {std::pair{1, 50257}, std::pair{8, 50257}, std::pair{512, 512}}) {
        const Shape shape{rows, cols};
        add_kernel(logarithm ? "log_softmax" : "softmax", dtype, {{"rows", rows}, {"cols", cols}},
                   [=](Device device) {
                     const Tensor x = random_tensor(shape, dtype, 1, 10).to(device);
                     const auto run = [=] { return logarithm ? ops::log_softmax(x) : ops::softmax(x); };
                     const auto n = static_cast<double>(x.numel());
                     return Task{{.operations = n * (exponential + 3), .bytes = 2 * bytes_of(x)},
                                 [=] { run(); },
                                 [=] {
                                   const auto width = static_cast<std::size_t>(shape[-1]);
                                   // log_softmax rounds x - max - log sum twice, at magnitudes up to 30.
                                   return difference(run(), oracle::softmax(doubles(x), width, logarithm),
                                                     logarithm ? 1e-5 : 1e-7);
                                 }};
                   });
      }
    }
  }
}

}  // namespace adlib::bench
