// ops::ragged_attention on one sequence: a whole prompt (arithmetic) or one new token (reading the cache).
#include <benchmark/benchmark.h>

#include <cmath>
#include <string>

#include "adlib/ops.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

namespace {

constexpr std::int64_t head_dim = 64;

// Checks the last query, which sees every key, against double precision; an error in words, or "".
std::string check(const Tensor& out, const Tensor& q, const Tensor& keys, const Tensor& values) {
  const std::int64_t last = q.size(0) - 1;
  oracle::Attention shape{.heads = static_cast<std::size_t>(q.size(1)),
                          .kv_heads = static_cast<std::size_t>(keys.size(0)),
                          .keys = static_cast<std::size_t>(keys.size(1)),
                          .head_dim = head_dim,
                          .value_dim = head_dim,
                          .scale = 1 / std::sqrt(static_cast<double>(head_dim))};
  const auto expected =
      oracle::attention(doubles(q.select(0, last)), doubles(keys), doubles(values), shape, oracle::no_mask);
  return difference(out.select(0, last), expected, 4e-6);
}

void attention(benchmark::State& state, DType dtype) {
  const std::int64_t rows = state.range(0), keys_count = state.range(1), heads = state.range(2),
                     kv_heads = state.range(3);
  const Tensor q = random_tensor({rows, heads, head_dim}, dtype, 1);
  const Tensor keys = random_tensor({kv_heads, keys_count, head_dim}, dtype, 2);
  const Tensor values = random_tensor({kv_heads, keys_count, head_dim}, dtype, 3);
  const ops::AttentionSegment segment{
      .begin = 0, .rows = rows, .position = keys_count - rows, .keys = keys, .values = values};
  if (const std::string wrong = check(ops::ragged_attention(q, {&segment, 1}), q, keys, values);
      !wrong.empty()) {
    state.SkipWithError(wrong.c_str());
    return;
  }
  for (auto _ : state) {
    const Tensor out = ops::ragged_attention(q, {&segment, 1});
    benchmark::DoNotOptimize(out.raw());
  }
  // A causal row i reads position + i + 1 keys: two products of head_dim for each.
  const auto row_count = static_cast<double>(rows), first = static_cast<double>(keys_count - rows);
  const double pairs = row_count * first + row_count * (row_count + 1) / 2;
  const auto cache =
      2.0 * static_cast<double>(kv_heads * keys_count * head_dim) * static_cast<double>(size_of(dtype));
  using benchmark::Counter;
  state.counters["FLOP/s"] =
      Counter(4 * pairs * head_dim * static_cast<double>(heads), Counter::kIsIterationInvariantRate);
  state.counters["B/s"] = Counter(cache, Counter::kIsIterationInvariantRate);
}

void shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"rows", "keys", "heads", "kv_heads"});
  for (const int heads : {12, 14}) {  // GPT-2 124M; Qwen2 0.5B
    const int kv_heads = heads == 12 ? 12 : 2;
    bench->Args({1, 1024, heads, kv_heads})
        ->Args({64, 1024, heads, kv_heads})
        ->Args({1024, 1024, heads, kv_heads});
  }
}

BENCHMARK_CAPTURE(attention, f32, DType::f32)->Apply(shapes);
BENCHMARK_CAPTURE(attention, bf16, DType::bf16)->Apply(shapes);

}  // namespace
