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
      {"adamw_step",
       [](DType t, Device d) {
         Tensor w = operand({rows, width}, DType::f32, d, 1), mean = zeros({rows, width}, d),
                square = zeros({rows, width}, d);
         Tensor rounded = t == DType::f32 ? Tensor() : Tensor::empty({rows, width}, t, d);
         ops::adamw_step(w, mean, square, rounded, operand({rows, width}, DType::f32, d, 2),
                         {.learning_rate = 0.01, .weight_decay = 0.1, .step = 3, .gradient_scale = 0.5});
         return t == DType::f32 ? std::vector{w, mean, square} : std::vector{w, mean, square, rounded};
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
      {"matmul_packed",
       [](DType t, Device d) {
         const ops::PackedMatrix packed(operand({80, width}, t, d, 2), /*transpose_b=*/true);
         return std::vector{ops::matmul(operand({rows, width}, t, d, 1), packed), packed.unpack()};
       }},
      {"multiply",
       [](DType t, Device d) {
         return std::vector{ops::multiply(operand({rows, width}, t, d, 1), operand({rows, 1}, t, d, 2))};
       }},
      {"quantize",
       [](DType t, Device d) {
         const ops::WeightFormat format = ops::WeightFormat::parse("int4:32");
         const ops::QuantizedMatrix q = ops::quantize(operand({80, width}, t, d, 1), format);
         const ops::PackedMatrix packed(q);
         const Tensor ids = random_ids({rows}, 0, 80).to(d);
         return std::vector{q.codes, q.scales, ops::dequantize(q, t), ops::embedding(packed, ids, t),
                            packed.quantized().codes};
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
      {"sample",
       [](DType t, Device d) {
         std::vector<SampleRow> each(rows);
         for (std::size_t r = 0; r < each.size(); ++r) {
           each[r].do_sample = r != 0, each[r].top_k = r % 2 == 0 ? 0 : 20;
           each[r].top_p = r % 3 == 0 ? 1.0f : 0.9f, each[r].seed = r;
         }
         return std::vector{ops::sample(operand({rows, vocabulary}, t, d, 1), each, {}).to(DType::f32)};
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

// What a product with codes is near to on any device: the CPU rounds a's rows to int8, CUDA to 16 bits.
double distance_to_dequantized(const ops::WeightFormat& format, DType dtype, Device device) {
  const Tensor a = operand({20, width}, dtype, device, 1);
  const ops::QuantizedMatrix q = ops::quantize(operand({80, width}, dtype, device, 2), format);
  const std::vector<double> got = test::doubles(ops::matmul(a, ops::PackedMatrix(q))),
                            want = test::doubles(ops::matmul(a.to(DType::f32), ops::dequantize(q, DType::f32),
                                                             {.transpose_b = true}));
  double error = 0, size = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    size += want[i] * want[i];
  }
  return std::sqrt(error / size);
}

}  // namespace

TEST_CASE("products with codes on every device are those of the numbers that they stand for",
          "[ops][quantize][device][smoke]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  const auto dtype = GENERATE(DType::f32, DType::f16, DType::bf16);
  for (const char* text : {"int8", "int8:64", "int4:32", "int4:128"}) {
    CAPTURE(device, dtype, text);
    const double error = distance_to_dequantized(ops::WeightFormat::parse(text), dtype, device);
    CHECK(error < (device == Device::cpu ? 0.01 : 0.004));
    if (device == Device::cpu) CHECK(error > 0.001);
  }
}

TEST_CASE("tensors begin as zeros and move between devices whatever their type", "[ops][device][smoke]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  const auto dtype = GENERATE(DType::f32, DType::bf16, DType::i8, DType::i64);
  CAPTURE(device, dtype);
  const Tensor zero = Tensor::zeros({3, 5}, dtype, device);
  CHECK(zero.device() == device);
  CHECK(test::doubles(zero) == std::vector<double>(15, 0.0));
  const Tensor x = random_ids({7, 4}, -9, 9).to(dtype), there = x.to(device);
  CHECK(test::same_bits(there.transpose(0, 1).slice(0, 1, 3), x.transpose(0, 1).slice(0, 1, 3)));
  CHECK(test::same_bits(there.clone().to(Device::cpu), x));
  CHECK(Tensor::zeros({0, 2}, dtype, device).numel() == 0);
}

TEST_CASE("every operation on a CUDA device agrees with the CPU", "[ops][smoke][device]") {
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

TEST_CASE("operations on a device give the same bytes again and again", "[ops][device]") {
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
