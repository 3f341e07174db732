// ops::varlen_attention and its gradients: against double precision, PyTorch, and themselves in other
// company.
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "adlib/core/parallel.h"
#include "adlib/io/safetensors.h"
#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/error_of.h"
#include "support/files.h"
#include "support/oracle.h"
#include "support/random.h"
#include "support/values.h"

using namespace adlib;
using namespace adlib::test;

namespace {

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

// What an element loses where weights are rounded to a half type before they are multiplied, as on CUDA: half
// a unit of each. `magnitude`: of what the element sums.
double of_rounded_weights(Device device, DType dtype, double magnitude) {
  if (device == Device::cpu || dtype == DType::f32) return 0;
  return magnitude * (dtype == DType::bf16 ? 0x1p-8 : 0x1p-11);
}

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

TEST_CASE("varlen attention matches the full matrix of each document", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto c = GENERATE(values<Case>({{{1}, 1, 1, 1, 1},
                                        {{5, 0, 64, 1, 130, 65}, 4, 2, 20, 20},
                                        {std::vector<std::int64_t>(40, 3), 2, 2, 64, 64},
                                        {{70, 2}, 3, 1, 33, 8, 1.5f}}));
  CAPTURE(device, dtype, c.lengths, c.heads, c.head_dim);
  if (is_emulated(device) && c.rows() > 120) return;
  const Run run = Run(c, dtype, device)(c);
  std::vector<double> lse;
  const auto out = oracle::varlen_attention(doubles(run.q), doubles(run.k), doubles(run.v), c.oracle(), &lse);
  CHECK(difference(run.out, out, 4e-6 + of_rounded_weights(device, dtype, 1)) == "");
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

TEST_CASE("the gradients of varlen attention are its central differences", "[ops][attention][device]") {
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

TEST_CASE("the gradients of varlen attention match the full matrices on every device",
          "[ops][attention][device]") {
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
  if (is_emulated(device) && c.rows() > 160) return;
  const Run run = Run(c, dtype, device)(c);
  const auto want = oracle::varlen_attention_backward(doubles(run.dout), doubles(run.q), doubles(run.k),
                                                      doubles(run.v), doubles(run.out), c.oracle());
  // Elements of magnitude 1 to 10, sums of some hundred terms.
  const double slack = of_rounded_weights(device, dtype, 10);
  CHECK(difference(run.dq, want.dq, 1e-5 + slack) == "");
  CHECK(difference(run.dk, want.dk, 4e-5 + slack) == "");
  CHECK(difference(run.dv, want.dv, 1e-5 + slack) == "");
}

TEST_CASE("the gradients of varlen attention match PyTorch's autograd", "[ops][attention][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const auto file = io::SafetensorsFile::open(data_dir() / "ops" / "varlen_attention.safetensors");
  // As in make_varlen_attention.py.
  const std::vector<std::pair<std::string, Case>> cases = {{"grouped", {{65, 3}, 2, 1, 64, 64}},
                                                           {"softcap", {{5, 1, 30}, 4, 2, 32, 32, 1.5f}},
                                                           {"odd", {{70}, 3, 3, 7, 5}}};
  for (const auto& [name, c] : cases) {
    CAPTURE(name);
    const Run run = Run(c, DType::f32, device)(c);
    CHECK(relative_error(run.dq, doubles(file.tensor(name + ".dq"))) < 2e-6);
    CHECK(relative_error(run.dk, doubles(file.tensor(name + ".dk"))) < 2e-6);
    CHECK(relative_error(run.dv, doubles(file.tensor(name + ".dv"))) < 2e-6);
  }
}

TEST_CASE("varlen attention has the same bits for any number of threads", "[ops][attention][threads]") {
  const auto dtype = GENERATE(DType::f32, DType::bf16);
  const auto c = GENERATE(values<Case>({{{150}, 6, 2, 64, 64}, {{20, 1, 0, 70, 9, 64, 3}, 4, 4, 20, 12}}));
  set_num_threads(1);
  const Run alone = Run(c, dtype)(c);
  for (const int threads : {2, 3}) {
    set_num_threads(threads);
    const Run run = Run(c, dtype)(c);
    CHECK(same_bits(run.out, alone.out));
    CHECK(same_bits(run.lse, alone.lse));
    CHECK(same_bits(run.dq, alone.dq));
    CHECK(same_bits(run.dk, alone.dk));
    CHECK(same_bits(run.dv, alone.dv));
  }
  set_num_threads(0);
}

TEST_CASE("a document's attention and gradients do not depend on its neighbours",
          "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const auto dtype = GENERATE(from_range(float_types));
  const auto [heads, kv_heads, dim] = GENERATE(table<int, int, int>({{4, 4, 64}, {6, 2, 20}}));
  // More pages than are attended at once, so that runs of documents begin at several of them.
  const Case all{is_emulated(device) ? std::vector<std::int64_t>{70, 1, 0, 65}
                                     : std::vector<std::int64_t>{70, 1, 0, 130, 64, 700, 65, 3, 500},
                 heads, kv_heads, dim, dim};
  const Run packed = Run(all, dtype, device)(all);
  const auto offsets = all.offsets();
  for (std::size_t s = 1; s < offsets.size(); ++s) {
    const Case one{{offsets[s] - offsets[s - 1]}, heads, kv_heads, dim, dim};
    const auto document = [&](const Tensor& x) { return x.slice(0, offsets[s - 1], offsets[s]); };
    Run alone(one, dtype, device);
    alone.q = document(packed.q), alone.k = document(packed.k), alone.v = document(packed.v);
    alone.dout = document(packed.dout);
    alone(one);
    CAPTURE(dtype, heads, s);
    CHECK(same_bits(alone.out, document(packed.out)));
    CHECK(same_bits(alone.lse, document(packed.lse)));
    CHECK(same_bits(alone.dq, document(packed.dq)));
    CHECK(same_bits(alone.dk, document(packed.dk)));
    CHECK(same_bits(alone.dv, document(packed.dv)));
  }
}

TEST_CASE("varlen attention reads and writes parts of fused tensors in place", "[ops][attention]") {
  const auto dtype = GENERATE(from_range(float_types));
  const Case c{{70, 9}, 4, 2, 33, 33};
  const Run whole = Run(c, dtype)(c);
  const Tensor parts[] = {whole.q, whole.k, whole.v};
  const Tensor fused = ops::concatenate(parts, 1);  // (N, H + 2 Hkv, D)
  Tensor gradients = Tensor::zeros(fused.shape(), dtype);
  const auto q = [](const Tensor& x) { return x.slice(1, 0, 4); };
  const auto k = [](const Tensor& x) { return x.slice(1, 4, 6); };
  const auto v = [](const Tensor& x) { return x.slice(1, 6, 8); };
  Tensor lse;
  const Tensor out = ops::varlen_attention(q(fused), k(fused), v(fused), c.offsets(), {.lse = &lse});
  CHECK(same_bits(out, whole.out));
  Tensor dq = q(gradients), dk = k(gradients), dv = v(gradients);
  // Rows with gaps are inputs, too.
  const auto gaps = [](const Tensor& x) { return x.transpose(1, 2).contiguous().transpose(1, 2); };
  ops::varlen_attention_backward(dq, dk, dv, gaps(whole.dout), q(fused), k(fused), gaps(v(fused)), gaps(out),
                                 lse, c.offsets());
  const Tensor expected[] = {whole.dq, whole.dk, whole.dv};
  CHECK(same_bits(gradients, ops::concatenate(expected, 1)));
}

TEST_CASE("NaN and infinity stay in their document, and are not lost there", "[ops][attention]") {
  const float poison =
      GENERATE(std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity());
  const int operand = GENERATE(0, 1, 2, 3);
  const Case c{{70, 66, 3}, 2, 1, 20, 20};
  const Run clean = Run(c)(c);
  Run run(c);
  Tensor* operands[] = {&run.q, &run.k, &run.v, &run.dout};
  const std::int64_t row = 75;  // of the second document, early in its first block
  Tensor at_row = operands[operand]->slice(0, row, row + 1);
  at_row.data<float>()[0] = poison;
  run(c);
  CAPTURE(poison, operand);
  const Tensor* gradients[] = {&run.dq, &run.dk, &run.dv};
  const Tensor* expected[] = {&clean.dq, &clean.dk, &clean.dv};
  bool found = false;
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(same_bits(gradients[i]->slice(0, 0, 70), expected[i]->slice(0, 0, 70)));
    CHECK(same_bits(gradients[i]->slice(0, 136, 139), expected[i]->slice(0, 136, 139)));
    for (const double x : doubles(gradients[i]->slice(0, 70, 136))) found = found || !std::isfinite(x);
  }
  CHECK(found);
}

TEST_CASE("varlen attention of no rows gives none", "[ops][attention]") {
  const auto c = GENERATE(values<Case>({{{}, 2, 1, 4, 4}, {{0, 0}, 2, 1, 4, 4}}));
  const Run run = Run(c)(c);
  CHECK(run.out.shape() == Shape{0, 2, 4});
  CHECK(run.lse.shape() == Shape{0, 2});
}

TEST_CASE("varlen attention says what is wrong with its arguments", "[ops][attention]") {
  const Case c{{4, 3}, 4, 2, 8, 6};
  Run run = Run(c)(c);
  const auto forward = [&](std::vector<std::int64_t> offsets, const ops::AttentionOptions& options = {}) {
    return error_of([&] { ops::varlen_attention(run.q, run.k, run.v, offsets, options); });
  };
  CHECK(forward({}) ==
        "invalid_argument: varlen_attention: offsets go nowhere, expected from 0 to the 7 rows");
  CHECK(forward({0, 6}) ==
        "invalid_argument: varlen_attention: offsets go from 0 to 6, expected from 0 to the 7 rows");
  CHECK(forward({0, 5, 4, 7}) ==
        "invalid_argument: varlen_attention: offsets[2] is 4 after 5; they must not fall");
  CHECK(forward({0, 7}, {.past = 1}) ==
        "invalid_argument: varlen_attention: options.past is 1; a document's first query stands at its first "
        "key");
  CHECK(forward({0, 7}, {.mask = Tensor::zeros({7, 7})}) ==
        "invalid_argument: varlen_attention: options.mask is set; use attention for masks");
  const auto backward = [&] {
    return error_of([&] {
      ops::varlen_attention_backward(run.dq, run.dk, run.dv, run.dout, run.q, run.k, run.v, run.out, run.lse,
                                     c.offsets());
    });
  };
  CHECK(backward() == "no error");
  run.dk = Tensor::empty({7, 4, 8});
  CHECK(backward() ==
        "invalid_argument: varlen_attention_backward: dk has shape [7, 4, 8], expected [7, 2, 8]");
  run.dk = Tensor::empty({7, 8, 2}).transpose(1, 2);
  CHECK(backward() ==
        "invalid_argument: varlen_attention_backward: dk (7, 2, 8) f32 on cpu has gaps within its rows, "
        "expected an "
        "innermost stride of 1");
  run.dk = Tensor::empty({7, 2, 8}, DType::bf16);
  CHECK(backward() ==
        "dtype_mismatch: varlen_attention_backward: k is (7, 2, 8) f32 on cpu, dk is (7, 2, 8) bf16 on cpu; "
        "convert dk "
        "with .to(DType::f32)");
}
