// ops::matmul_into at GPT-2's widths: decoding (few rows) is bound by reading b, prefill by arithmetic.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "adlib/ops.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

namespace {

// Checks the first and last row against double precision; an error in words, or "".
std::string check(const Tensor& out, const Tensor& a, const Tensor& b, bool transpose_b) {
  const std::int64_t m = a.size(0), k = a.size(1), n = out.size(1);
  const auto b_values = doubles(transpose_b ? b.transpose(0, 1) : b);
  for (const std::int64_t row : {std::int64_t{0}, m - 1}) {
    const auto expected = oracle::matmul(doubles(a.slice(0, row, row + 1)), b_values, 1,
                                         static_cast<std::size_t>(n), static_cast<std::size_t>(k));
    const std::string wrong = difference(out.slice(0, row, row + 1), expected, 4e-7 * static_cast<double>(k));
    if (!wrong.empty()) return "row " + std::to_string(row) + ": " + wrong;
  }
  return "";
}

void matmul(benchmark::State& state, DType dtype, bool transpose_b) {
  const std::int64_t m = state.range(0), k = state.range(1), n = state.range(2);
  const Tensor a = random_tensor({m, k}, dtype, 1);
  const Tensor b = random_tensor(transpose_b ? Shape{n, k} : Shape{k, n}, dtype, 2);
  Tensor out = Tensor::empty({m, n}, dtype);
  const ops::MatmulOptions options{.transpose_b = transpose_b};
  ops::matmul_into(out, a, b, options);
  if (const std::string wrong = check(out, a, b, transpose_b); !wrong.empty()) {
    state.SkipWithError(wrong.c_str());
    return;
  }
  for (auto _ : state) {
    ops::matmul_into(out, a, b, options);
    benchmark::DoNotOptimize(out.raw());
  }
  const auto size = static_cast<double>(size_of(dtype));
  using benchmark::Counter;
  const auto rate = Counter::kIsIterationInvariantRate;
  const auto [md, kd, nd] =
      std::array{static_cast<double>(m), static_cast<double>(k), static_cast<double>(n)};
  state.counters["FLOP/s"] = Counter(2 * md * nd * kd, rate);
  state.counters["B/s"] = Counter(size * (md * kd + kd * nd + md * nd), rate);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"m", "k", "n"});
  for (const int m : {1, 8, 128}) bench->Args({m, 768, 3072});
  bench->Args({1, 768, 50257});  // the head of GPT-2, one token
}

BENCHMARK_CAPTURE(matmul, f32, DType::f32, false)->Apply(shapes);
BENCHMARK_CAPTURE(matmul, f32_transposed, DType::f32, true)->Apply(shapes);
BENCHMARK_CAPTURE(matmul, bf16, DType::bf16, false)->Apply(shapes);
BENCHMARK_CAPTURE(matmul, bf16_transposed, DType::bf16, true)->Apply(shapes);
BENCHMARK_CAPTURE(matmul, f16, DType::f16, false)->Apply(shapes);

}  // namespace
