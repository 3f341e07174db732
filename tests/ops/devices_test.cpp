// Every operation once: on a CUDA device beside the CPU, and again and again.
#include <cmath>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/random.h"

namespace adlib {
namespace {

using test::random_ids;
using test::random_tensor;

// What an operation gives for operands of a dtype on a device.
using Run = std::function<std::vector<Tensor>(DType dtype, Device device)>;

constexpr std::int64_t rows = 70, width = 96, heads = 4, kv_heads = 2, head_dim = 64, vocabulary = 301;
const std::vector<std::int64_t> documents = {0, 1, 34, 70};

Tensor operand(const Shape& shape, DType dtype, Device device, std::uint32_t seed) {
  return random_tensor(shape, dtype, seed).to(device);
}
Tensor zeros(const Shape& shape, Device device) { return Tensor::zeros(shape).to(device); }

const std::map<std::string, Run>& operations() {
  static const std::map<std::string, Run> all = {
      {"activate",
       [](DType t, Device d) {
         return std::vector{ops::activate(operand({rows, width}, t, d, 1), ops::Activation::gelu_tanh)};
       }},
      {"add",
       [](DType t, Device d) {
         return std::vector{ops::add(operand({rows, width}, t, d, 1), operand({width}, t, d, 2))};
       }},
      {"copy",
       [](DType t, Device d) {
         return std::vector{operand({rows, width}, t, d, 1).transpose(0, 1).contiguous()};
       }},
      {"cross_entropy",
       [](DType t, Device d) {
         Tensor dlogits = Tensor::empty({rows, vocabulary}, t, d);
         const Tensor loss = ops::cross_entropy_backward(dlogits, operand({rows, vocabulary}, t, d, 1),
                                                         random_ids({rows}, 0, vocabulary).to(d),
                                                         operand({rows}, DType::f32, d, 2));
         return std::vector{loss, dlogits};
       }},
      {"dropout",
       [](DType t, Device d) {
         return std::vector{ops::dropout(operand({rows, width}, t, d, 1), 0.3f, 7, 3)};
       }},
      {"embedding",
       [](DType t, Device d) {
         const Tensor ids = random_ids({rows}, 0, 20).to(d);
         Tensor dtable = zeros({20, width}, d);
         ops::embedding_backward(dtable, operand({rows, width}, t, d, 2), ids);
         return std::vector{ops::embedding(operand({20, width}, t, d, 1), ids), dtable};
       }},
      {"layer_norm",
       [](DType t, Device d) {
         const Tensor x = operand({rows, width}, t, d, 1), gamma = operand({width}, t, d, 2);
         Tensor dx = Tensor::zeros({rows, width}, t).to(d), dgamma = zeros({width}, d),
                dbeta = zeros({width}, d);
         ops::layer_norm_backward(dx, dgamma, dbeta, operand({rows, width}, t, d, 3), x, gamma, 1e-5f);
         return std::vector{ops::layer_norm(x, gamma, operand({width}, t, d, 4), 1e-5f), dx, dgamma, dbeta};
       }},
      {"matmul",
       [](DType t, Device d) {
         return std::vector{
             ops::matmul(operand({rows, width}, t, d, 1), operand({width, 80}, t, d, 2),
                         {.bias = operand({80}, t, d, 3), .residual = operand({rows, 80}, t, d, 4)}),
             ops::matmul(operand({1, width}, t, d, 1), operand({80, width}, t, d, 2), {.transpose_b = true})};
       }},
      {"multiply",
       [](DType t, Device d) {
         return std::vector{ops::multiply(operand({rows, width}, t, d, 1), operand({rows, 1}, t, d, 2))};
       }},
      {"ragged_attention",
       [](DType t, Device d) {
         ops::KeyValuePages pages = ops::KeyValuePages::empty(6, kv_heads, head_dim, head_dim, t, d);
         const Tensor table = Tensor::from<std::int32_t>({4, 1, 0, 2, 3, 5}, {2, 3}).to(d);
         const std::vector<ops::AttentionSegment> segments = {{.begin = 0, .rows = 69, .sequence = 1},
                                                              {.begin = 69, .rows = 1, .sequence = 0}};
         ops::store_pages(pages, table, segments, operand({rows, kv_heads, head_dim}, t, d, 1),
                          operand({rows, kv_heads, head_dim}, t, d, 2));
         return std::vector{ops::ragged_attention(operand({rows, heads, head_dim}, t, d, 3), pages, table,
                                                  segments, {.causal = true})};
       }},
      {"rms_norm",
       [](DType t, Device d) {
         const Tensor x = operand({rows, width}, t, d, 1), gamma = operand({width}, t, d, 2);
         Tensor dx = Tensor::zeros({rows, width}, t).to(d), dgamma = zeros({width}, d);
         ops::rms_norm_backward(dx, dgamma, operand({rows, width}, t, d, 3), x, gamma, 1e-5f);
         return std::vector{ops::rms_norm(x, gamma, 1e-5f), dx, dgamma};
       }},
      {"rope",
       [](DType t, Device d) {
         return std::vector{ops::rope(
             operand({rows, heads, head_dim}, t, d, 1), random_ids({rows}, 0, 40).to(d),
             operand({40, head_dim / 2}, DType::f32, d, 2), operand({40, head_dim / 2}, DType::f32, d, 3))};
       }},
      {"softmax",
       [](DType t, Device d) {
         const Tensor x = operand({rows, width}, t, d, 1);
         return std::vector{ops::softmax(x), ops::log_softmax(x, 0)};
       }},
      {"sum_rows",
       [](DType t, Device d) {
         Tensor sums = zeros({width}, d);
         ops::sum_rows_into(sums, operand({rows, width}, t, d, 1));
         return std::vector{sums};
       }},
      {"swiglu",
       [](DType t, Device d) {
         const Tensor gate = operand({rows, width}, t, d, 1), up = operand({rows, width}, t, d, 2);
         Tensor dgate = Tensor::empty({rows, width}, t, d), dup = Tensor::empty({rows, width}, t, d);
         ops::swiglu_backward(dgate, dup, operand({rows, width}, t, d, 3), gate, up);
         return std::vector{ops::swiglu(gate, up), dgate, dup};
       }},
      {"varlen_attention",
       [](DType t, Device d) {
         const Tensor q = operand({rows, heads, head_dim}, t, d, 1),
                      k = operand({rows, kv_heads, head_dim}, t, d, 2),
                      v = operand({rows, kv_heads, head_dim}, t, d, 3);
         Tensor lse;
         const Tensor out = ops::varlen_attention(q, k, v, documents, {.causal = true, .lse = &lse});
         Tensor dq = Tensor::empty(q.shape(), t, d), dk = Tensor::empty(k.shape(), t, d),
                dv = Tensor::empty(v.shape(), t, d);
         ops::varlen_attention_backward(dq, dk, dv, operand(q.shape(), t, d, 4), q, k, v, out, lse,
                                        documents);
         return std::vector{out, lse, dq, dk, dv};
       }},
  };
  return all;
}

bool is_supported(const std::string& name, const Run& run, DType dtype, Device device) {
  try {
    run(dtype, device);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::unsupported) throw;
    std::cout << "not run on " << device << ": " << name << ": " << error.what() << '\n';
    return false;
  }
}

}  // namespace

TEST_CASE("every operation on a CUDA device agrees with the CPU", "[ops][smoke]") {
  if (!is_available(Device::cuda)) {
    std::cout << "SKIPPED: no CUDA device\n";
    return;
  }
  const auto dtype = GENERATE(DType::f32, DType::f16, DType::bf16);
  // Rounding to the dtype happens at the same places, except inside attention, whose weights meet the values
  // rounded.
  const double unit = dtype == DType::f32 ? 4e-6 : dtype == DType::f16 ? 0x1p-9 : 0x1p-6;
  for (const auto& [name, run] : operations()) {
    CAPTURE(name, dtype);
    if (!is_supported(name, run, dtype, Device::cuda)) continue;
    const std::vector<Tensor> expected = run(dtype, Device::cpu), got = run(dtype, Device::cuda);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i);
      CHECK(got[i].device() == Device::cuda);
      const std::vector<double> want = test::doubles(expected[i]);
      double greatest = 0;
      for (double x : want) greatest = std::max(greatest, std::abs(x));
      CHECK(test::difference(got[i], want, unit * (1 + greatest)) == "");
    }
  }
}

TEST_CASE("operations on a device give the same bytes again and again", "[ops]") {
  if (!is_available(Device::cuda)) {
    std::cout << "SKIPPED: no CUDA device\n";
    return;
  }
  const char* wanted = std::getenv("ADLIB_SOAK");
  const int repeats = wanted != nullptr ? std::atoi(wanted) : 1;
  const auto dtype = GENERATE(DType::f32, DType::bf16);
  for (const auto& [name, run] : operations()) {
    CAPTURE(name, dtype);
    if (!is_supported(name, run, dtype, Device::cuda)) continue;
    const std::vector<Tensor> first = run(dtype, Device::cuda);
    for (int repeat = 0; repeat < repeats; ++repeat) {
      const std::vector<Tensor> again = run(dtype, Device::cuda);
      for (std::size_t i = 0; i < again.size(); ++i)
        REQUIRE(test::same_bits(again[i].to(Device::cpu), first[i].to(Device::cpu)));
    }
  }
}

}  // namespace adlib
