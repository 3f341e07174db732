// Attention of one sequence: a whole prompt (arithmetic) or one new token (reading the cache).
#include <cmath>
#include <string>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/oracle.h"
#include "support/random.h"

namespace adlib::bench {
namespace {

using namespace adlib::test;

constexpr std::int64_t head_dim = 64;

struct Sequence {
  std::int64_t rows, keys, heads, kv_heads;
};

// The last query, which sees every key, in double precision. out, q: (1, H, rows, D)
std::string check(const Tensor& out, const Tensor& q, const Tensor& keys, const Tensor& values) {
  const std::int64_t last = q.size(2) - 1;
  const oracle::Attention shape{.heads = static_cast<std::size_t>(q.size(1)),
                                .kv_heads = static_cast<std::size_t>(keys.size(1)),
                                .keys = static_cast<std::size_t>(keys.size(2)),
                                .head_dim = head_dim,
                                .value_dim = head_dim,
                                .scale = 1 / std::sqrt(static_cast<double>(head_dim))};
  const auto expected = oracle::attention(doubles(q.slice(2, last, last + 1)), doubles(keys), doubles(values),
                                          shape, oracle::no_mask);
  return difference(out.slice(2, last, last + 1), expected, 4e-6);
}

Work work_of(const Tensor& q, const Tensor& keys) {
  // A causal row i sees position + i + 1 keys: two products of head_dim and one exponential for each.
  const auto rows = static_cast<double>(q.size(2)), heads = static_cast<double>(q.size(1)),
             first = static_cast<double>(keys.size(2) - q.size(2));
  const double pairs = heads * (rows * first + rows * (rows + 1) / 2);
  return {.operations = pairs * (4 * head_dim + exponential), .bytes = 2 * bytes_of(keys) + 2 * bytes_of(q)};
}

}  // namespace

void add_attention() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const Sequence s : {Sequence{1, 128, 12, 12}, Sequence{1, 1024, 12, 12}, Sequence{64, 1024, 12, 12},
                             Sequence{128, 128, 12, 12}, Sequence{512, 512, 12, 12},
                             Sequence{1024, 1024, 12, 12}, Sequence{1, 1024, 14, 2},
                             Sequence{512, 512, 14, 2}}) {  // GPT-2 124M; grouped heads as in Qwen2 0.5B
      const Sizes sizes{{"rows", s.rows}, {"keys", s.keys}, {"heads", s.heads}, {"kv_heads", s.kv_heads}};
      add_kernel("attention", dtype, sizes, [=](Device device) {
        const Tensor q = random_tensor({1, s.heads, s.rows, head_dim}, dtype, 1).to(device);
        const Tensor keys = random_tensor({1, s.kv_heads, s.keys, head_dim}, dtype, 2).to(device);
        const Tensor values = random_tensor({1, s.kv_heads, s.keys, head_dim}, dtype, 3).to(device);
        const auto run = [=] {
          return ops::attention(q, keys, values, {.causal = true, .past = s.keys - s.rows});
        };
        return Task{work_of(q, keys), [=] { run(); }, [=] { return check(run(), q, keys, values); }};
      });
    }
  }
}

}  // namespace adlib::bench
