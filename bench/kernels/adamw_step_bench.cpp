// adamw_step over parameters that no cache holds, alone and with a rounded copy.
#include <cmath>
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_adamw_step() {
  for (const DType narrow : {DType::f32, DType::bf16}) {
    const std::int64_t n = 1 << 24;
    const bool rounds = narrow != DType::f32;
    add_kernel(rounds ? "adamw_step_rounded" : "adamw_step", narrow, {{"n", n}}, [=](Device device) {
      const Tensor gradient = random_tensor({n}, DType::f32, 1).to(device);
      Tensor w = random_tensor({n}, DType::f32, 2).to(device);
      Tensor m = Tensor::zeros({n}, DType::f32, device), v = m.clone();
      Tensor rounded = rounds ? Tensor::zeros({n}, narrow, device) : Tensor();
      const Tensor before = w.clone();
      auto run = [=]() mutable { ops::adamw_step(w, m, v, rounded, gradient, {.weight_decay = 0.1}); };
      const double bytes = 7 * bytes_of(w) + (rounds ? bytes_of(rounded) : 0);
      return Task{{.operations = 14 * static_cast<double>(n), .bytes = bytes}, run, [=]() mutable {
                    run();
                    auto expected = doubles(before);
                    const auto g = doubles(gradient);
                    for (std::size_t i = 0; i < g.size(); ++i) {  // the first step: m / sqrt(v) is g's sign
                      expected[i] *= 1 - 1e-3 * 0.1;
                      expected[i] -= 1e-3 * g[i] / (std::fabs(g[i]) + 1e-8);
                    }
                    const std::string wrong = difference(w, expected, 1e-6);
                    return !rounds || same_bits(rounded, w.to(narrow)) ? wrong : "rounded is not w rounded";
                  }};
    });
  }
}

}  // namespace adlib::bench
