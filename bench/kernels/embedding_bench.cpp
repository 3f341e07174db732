// embedding: random rows of GPT-2's table, which is larger than any cache.
#include <string>
#include <vector>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

namespace adlib::bench {

using namespace adlib::test;

void add_embedding() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const std::int64_t rows : {1, 32, 512}) {
      const std::int64_t vocabulary = 50257, cols = 768;
      add_kernel("embedding", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
        const Tensor table = random_tensor({vocabulary, cols}, dtype, 1).to(device);
        const Tensor ids = random_ids({rows}, 0, static_cast<std::int32_t>(vocabulary), 2);
        const Tensor there = ids.to(device);
        const auto run = [=] { return ops::embedding(table, there); };
        return Task{{.bytes = 2 * static_cast<double>(rows * cols) * static_cast<double>(size_of(dtype))},
                    [=] { run(); },
                    [=]() -> std::string {
                      const Tensor y = run();
                      std::int64_t row = 0;
                      for (const std::int32_t id : ids.data<std::int32_t>()) {
                        if (!same_bits(y.select(0, row), table.select(0, id))) return concat("row ", row);
                        ++row;
                      }
                      return "";
                    }};
      });
    }
    const std::int64_t rows = 512, vocabulary = 50257, cols = 768;
    add_kernel("embedding_backward", dtype, {{"rows", rows}, {"cols", cols}}, [=](Device device) {
      const Tensor dy = random_tensor({rows, cols}, dtype, 1).to(device);
      const Tensor ids = random_ids({rows}, 0, static_cast<std::int32_t>(vocabulary), 2);
      const Tensor there = ids.to(device);
      Tensor dtable = Tensor::zeros({vocabulary, cols}, DType::f32, device);
      auto run = [=]() mutable { ops::embedding_backward(dtable, dy, there); };
      return Task{{.operations = static_cast<double>(dy.numel()),
                   .bytes = bytes_of(dy) + 2.0 * static_cast<double>(dy.numel()) * sizeof(float)},
                  run,
                  [=]() mutable {
                    run();
                    auto expected = std::vector<double>(static_cast<std::size_t>(vocabulary * cols));
                    const auto values = doubles(dy);
                    const auto width = static_cast<std::size_t>(cols);
                    for (std::size_t i = 0; i < values.size(); ++i) {
                      const auto id = static_cast<std::size_t>(ids.data<std::int32_t>()[i / width]);
                      expected[id * width + i % width] += values[i];
                    }
                    return difference(dtable, expected, 1e-6);
                  }};
    });
  }
}

}  // namespace adlib::bench
