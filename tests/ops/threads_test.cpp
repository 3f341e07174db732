#include <thread>
#include <vector>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("operations called from many threads give the bytes of one", "[ops][threads]") {
  const Tensor a = random_tensor({9, 300}, DType::bf16, 1), b = random_tensor({300, 40}, DType::bf16, 2);
  const Tensor q = random_tensor({1, 4, 9, 16}, DType::f32, 3),
               k = random_tensor({1, 2, 80, 16}, DType::f32, 4);
  const Tensor gamma = random_tensor({300}, DType::bf16, 5);
  const auto run = [&] {
    return std::vector<Tensor>{ops::matmul(a, b, {.activation = ops::Activation::silu}),
                               ops::attention(q, k, k, {.causal = true, .past = 71}),
                               ops::rms_norm(a, gamma, 1e-6f), ops::layer_norm(a, gamma, gamma, 1e-5f),
                               ops::softmax(q)};
  };
  const std::vector<Tensor> alone = run();
  std::vector<std::vector<Tensor>> together(8);
  std::vector<std::thread> threads;
  for (auto& results : together) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) results = run();
    });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& results : together) {
    for (std::size_t i = 0; i < alone.size(); ++i) CHECK(same_bits(results[i], alone[i]));
  }
}
