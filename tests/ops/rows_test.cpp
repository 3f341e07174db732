// What works on rows: the same bits for a row alone, among others, and on any number of threads.
#include <functional>
#include <string>
#include <vector>

#include "adlib/core/parallel.h"
#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("a row has the same bits alone, among others and on two threads", "[ops][rows]") {
  const auto dtype = GENERATE(DType::f32, DType::bf16);
  // Enough for several tasks that do not end with a row of eight.
  const std::int64_t rows = 101, cols = 517;
  const Tensor x = random_tensor({rows, cols}, dtype, 1, 4), other = random_tensor({rows, cols}, dtype, 2),
               gamma = random_tensor({cols}, dtype, 3), beta = random_tensor({cols}, dtype, 4);
  const Tensor fused = random_tensor({rows, 2 * cols}, dtype, 5);
  const Tensor ids = random_ids({rows}, 0, rows, 6), targets = random_ids({rows}, -5, cols, 7);
  const Tensor heads = random_tensor({rows, 11, 48}, dtype, 8),
               cos = random_tensor({rows, 20}, DType::f32, 9),
               sin = random_tensor({rows, 20}, DType::f32, 10);
  struct Operation {
    std::string name;
    std::function<Tensor(std::int64_t, std::int64_t)> run;  // on rows [begin, end)
  };
  const auto cut = [](const Tensor& t, std::int64_t begin, std::int64_t end) {
    return t.slice(0, begin, end);
  };
  std::vector<Operation> operations = {
      {"layer_norm", [&](auto b, auto e) { return ops::layer_norm(cut(x, b, e), gamma, beta, 1e-5f); }},
      {"layer_norm without beta",
       [&](auto b, auto e) { return ops::layer_norm(cut(x, b, e), gamma, {}, 1e-5f); }},
      {"rms_norm", [&](auto b, auto e) { return ops::rms_norm(cut(x, b, e), gamma, 1e-5f); }},
      {"softmax", [&](auto b, auto e) { return ops::softmax(cut(x, b, e)); }},
      {"log_softmax", [&](auto b, auto e) { return ops::log_softmax(cut(x, b, e)); }},
      {"cross_entropy", [&](auto b, auto e) { return ops::cross_entropy(cut(x, b, e), cut(targets, b, e)); }},
      {"add", [&](auto b, auto e) { return ops::add(cut(x, b, e), cut(other, b, e)); }},
      {"add, strided",
       [&](auto b, auto e) {
         return ops::add(cut(fused, b, e).slice(1, 0, cols), cut(fused, b, e).slice(1, cols, 2 * cols));
       }},
      {"multiply, broadcast", [&](auto b, auto e) { return ops::multiply(cut(x, b, e), gamma); }},
      {"swiglu",
       [&](auto b, auto e) {
         return ops::swiglu(cut(fused, b, e).slice(1, 0, cols), cut(fused, b, e).slice(1, cols, 2 * cols));
       }},
      {"embedding", [&](auto b, auto e) { return ops::embedding(x, cut(ids, b, e)); }},
      {"rope", [&](auto b, auto e) { return ops::rope(cut(heads, b, e), cut(ids, b, e), cos, sin); }},
      {"rope, interleaved",
       [&](auto b, auto e) {
         return ops::rope(cut(heads, b, e), cut(ids, b, e), cos, sin, ops::RopeLayout::interleaved);
       }},
  };
  for (const auto activation : {ops::Activation::gelu_tanh, ops::Activation::gelu_erf, ops::Activation::silu,
                                ops::Activation::relu, ops::Activation::none}) {
    operations.push_back(
        {concat("activation ", static_cast<int>(activation)),
         [&x, cut, activation](auto b, auto e) { return ops::activate(cut(x, b, e), activation); }});
  }
  for (const Operation& operation : operations) {
    CAPTURE(operation.name, dtype);
    set_num_threads(1);
    const Tensor whole = operation.run(0, rows);
    for (const std::int64_t row : {0, 1, 30, 31, 32, 63, 100}) {
      CAPTURE(row);
      CHECK(same_bits(operation.run(row, row + 1), whole.slice(0, row, row + 1)));
    }
    for (const int threads : {2, 3}) {
      set_num_threads(threads);
      CHECK(same_bits(operation.run(0, rows), whole));
    }
    set_num_threads(0);
  }
}

TEST_CASE("a softmax along another dimension has the same bits on two threads", "[ops][rows]") {
  const Tensor x = random_tensor({7, 130, 41}, DType::f32, 1, 4);
  set_num_threads(1);
  const Tensor alone = ops::softmax(x, 1);
  set_num_threads(2);
  CHECK(same_bits(ops::softmax(x, 1), alone));
  set_num_threads(0);
  const Tensor turned = ops::softmax(x.transpose(1, 2).contiguous(), 2).transpose(1, 2);
  CHECK(same_bits(turned, alone));
}
