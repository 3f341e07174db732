// ops::varlen_attention and its gradients: against double precision, PyTorch, and themselves in other
// company.
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

#include "adlib/core/parallel.h"
#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/error_of.h"
#include "support/oracle.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

namespace {

constexpr std::array float_types = {DType::f32, DType::f16, DType::bf16};

struct Case {
  std::vector<std::int64_t> lengths;  // of the documents
  std::int64_t heads, kv_heads, head_dim, value_dim;
  float softcap = 0;

  std::vector<std::int64_t> offsets() const {
    std::vector<std::int64_t> out{0};
    for (const std::int64_t length : lengths) out.push_back(out.back() + length);
    return out;
  }
  std::int64_t rows() const { return offsets().back(); }
  oracle::VarlenAttention oracle() const {
    return {.offsets = offsets(),
            .heads = static_cast<std::size_t>(heads),
            .kv_heads = static_cast<std::size_t>(kv_heads),
            .head_dim = static_cast<std::size_t>(head_dim),
            .value_dim = static_cast<std::size_t>(value_dim),
            .scale = 1 / std::sqrt(static_cast<double>(head_dim)),
            .softcap = static_cast<double>(softcap)};
  }
};

// All operands of one call, and its results.
struct Run {
  Tensor q, k, v, dout;
  Tensor out, lse, dq, dk, dv;

  Run(const Case& c, DType dtype = DType::f32, Device device = Device::cpu, std::uint32_t seed = 1)
      : q(random_tensor({c.rows(), c.heads, c.head_dim}, dtype, seed, 2).to(device)),
        k(random_tensor({c.rows(), c.kv_heads, c.head_dim}, dtype, seed + 1, 2).to(device)),
        v(random_tensor({c.rows(), c.kv_heads, c.value_dim}, dtype, seed + 2).to(device)),
        dout(random_tensor({c.rows(), c.heads, c.value_dim}, dtype, seed + 3).to(device)) {}

  Run& operator()(const Case& c) {
    ops::AttentionOptions options{.softcap = c.softcap};
    options.lse = &lse;
    out = ops::varlen_attention(q, k, v, c.offsets(), options);
    dq = Tensor::empty(q.shape(), q.dtype(), q.device());
    dk = Tensor::empty(k.shape(), k.dtype(), k.device());
    dv = Tensor::empty(v.shape(), v.dtype(), v.device());
    ops::varlen_attention_backward(dq, dk, dv, dout, q, k, v, out, lse, c.offsets(), options);
    return *this;
  }
};

double norm(std::span<const double> x) {
  double sum = 0;
  for (const double value : x) sum += value * value;
  return std::sqrt(sum);
}
double relative_error(const Tensor& got, const std::vector<double>& want) {
  std::vector<double> error = doubles(got);
  for (std::size_t i = 0; i < error.size(); ++i) error[i] -= want[i];
  return norm(error) / norm(want);
}

}  // namespace

TEST_CASE("varlen attention matches the full matrix of each document", "[ops][attention]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto c = GENERATE(values<Case>({{{1}, 1, 1, 1, 1},
                                        {{5, 0, 64, 1, 130, 65}, 4, 2, 20, 20},
                                        {std::vector<std::int64_t>(40, 3), 2, 2, 64, 64},
                                        {{70, 2}, 3, 1, 33, 8, 1.5f}}));
  CAPTURE(device, dtype, c.lengths, c.heads, c.head_dim);
  const Run run = Run(c, dtype, device)(c);
  std::vector<double> lse;
  const auto out = oracle::varlen_attention(doubles(run.q), doubles(run.k), doubles(run.v), c.oracle(), &lse);
  CHECK(difference(run.out, out, 4e-6) == "");
  CHECK(difference(run.lse, lse, 4e-6) == "");
}

TEST_CASE("varlen attention has the bits of ragged attention over a document's pages", "[ops][attention]") {
  const auto dtype = GENERATE(from_range(float_types));
  const Case c{{70, 1, 0, 129, 64}, 6, 2, 20, 12};
  const Run run = Run(c, dtype)(c);
  const auto offsets = c.offsets();
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    const std::int64_t begin = offsets[s - 1], end = offsets[s];
    ops::KeyValuePages pages = ops::KeyValuePages::empty(4, 2, 20, 12, dtype);
    const Tensor table = Tensor::from<std::int32_t>({2, 0, 3}, {1, 3});
    const ops::AttentionSegment segment{.rows = end - begin};
    ops::store_pages(pages, table, {&segment, 1}, run.k.slice(0, begin, end), run.v.slice(0, begin, end));
    Tensor lse;
    const Tensor out =
        ops::ragged_attention(run.q.slice(0, begin, end), pages, table, {&segment, 1}, {.lse = &lse});
    CHECK(same_bits(run.out.slice(0, begin, end), out));
    CHECK(same_bits(run.lse.slice(0, begin, end), lse));
  }
}

TEST_CASE("the gradients of varlen attention are its central differences", "[ops][attention]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto c = GENERATE(values<Case>(
      {{{1}, 1, 1, 2, 3}, {{7, 1, 0, 12}, 4, 2, 5, 5}, {{9, 4}, 3, 1, 4, 7, 1.5f}, {{70}, 2, 1, 3, 2}}));
  CAPTURE(device, c.lengths, c.heads, c.head_dim);
  const Run run = Run(c, DType::f32, device)(c);
  std::vector<double> inputs[3] = {doubles(run.q), doubles(run.k), doubles(run.v)};
  const std::vector<double> dout = doubles(run.dout);
  const auto loss = [&] {
    const auto out = oracle::varlen_attention(inputs[0], inputs[1], inputs[2], c.oracle());
    return std::inner_product(out.begin(), out.end(), dout.begin(), 0.0);
  };
  const Tensor* gradients[3] = {&run.dq, &run.dk, &run.dv};
  for (std::size_t part = 0; part < 3; ++part) {
    std::vector<double> expected(inputs[part].size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      constexpr double step = 1e-5;
      const double before = inputs[part][i];
      inputs[part][i] = before + step;
      const double above = loss();
      inputs[part][i] = before - step;
      expected[i] = (above - loss()) / (2 * step);
      inputs[part][i] = before;
    }
    CAPTURE(part);
    if (norm(expected) < 1e-9) {  // one token: no gradient by the scores
      CHECK(norm(doubles(*gradients[part])) < 1e-6);
    } else {
      CHECK(relative_error(*gradients[part], expected) < 2e-6);
    }
  }
}

TEST_CASE("the gradients of varlen attention match the full matrices on every device", "[ops][attention]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto c = GENERATE(values<Case>({{{1}, 1, 1, 1, 1},
                                        {{63, 64, 65}, 2, 2, 64, 64},
                                        {{200}, 6, 2, 64, 64},
                                        {{5, 130, 1, 17}, 4, 1, 32, 32},
                                        {{129, 12, 13}, 3, 3, 33, 80},
                                        {std::vector<std::int64_t>(50, 2), 2, 1, 80, 31},
                                        {{100, 30}, 4, 2, 24, 40, 1.5f}}));
  CAPTURE(device, dtype, c.lengths, c.heads, c.head_dim);
  const Run run = Run(c, dtype, device)(c);
  const auto want = oracle::varlen_attention_backward(doubles(run.dout), doubles(run.q), doubles(run.k),
                                                      doubles(run.v), doubles(run.out), c.oracle());
  // Elements of magnitude 1 to 10, sums of some hundred terms.
  CHECK(difference(run.dq, want.dq, 1e-5) == "");
  CHECK(difference(run.dk, want.dk, 4e-5) == "");
  CHECK(difference(run.dv, want.dv, 1e-5) == "");
}
