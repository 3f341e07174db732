// Matrix products at GPT-2's widths. Few rows (decoding) are bound by reading b, many (prefill, training) by
// arithmetic.
#include <array>
#include <string>
#include <vector>

#include "bench/matmul_check.h"
#include "kernels/kernel_bench.h"
#include "support/random.h"

namespace adlib::bench {
namespace {

using namespace adlib::test;

Work work_of(const Tensor& a, const Tensor& b, std::int64_t n) {
  const auto m = static_cast<double>(a.size(0)), k = static_cast<double>(a.size(1)),
             columns = static_cast<double>(n);
  return {.operations = 2 * m * k * columns,
          .bytes = bytes_of(a) + bytes_of(b) + m * columns * static_cast<double>(size_of(a.dtype())),
          .peak = a.dtype()};
}

struct Operands {
  std::int64_t m, k, n;
};

Sizes sizes_of(const Operands& s) { return {{"m", s.m}, {"k", s.k}, {"n", s.n}}; }

}  // namespace

// b as a tensor, which is packed in each call. NN: (k, n); NT: (n, k), the layout of torch.nn.Linear.
void add_matmul() {
  for (const DType dtype : {DType::f32, DType::bf16, DType::f16}) {
    for (const bool transpose_b : {false, true}) {
      for (const Operands s : {Operands{1, 768, 3072}, Operands{8, 768, 3072}, Operands{128, 768, 3072}}) {
        add_kernel(transpose_b ? "matmul_nt" : "matmul_nn", dtype, sizes_of(s), [=](Device device) {
          const Tensor a = random_tensor({s.m, s.k}, dtype, 1).to(device);
          const Tensor b =
              random_tensor(transpose_b ? Shape{s.n, s.k} : Shape{s.k, s.n}, dtype, 2).to(device);
          const ops::MatmulOptions options{.transpose_b = transpose_b};
          Tensor out = Tensor::empty({s.m, s.n}, dtype, device);
          auto run = [=]() mutable { ops::matmul_into(out, a, b, options); };
          return Task{work_of(a, b, s.n), run, [=]() mutable {
                        run();
                        return check_matmul(out, a, transpose_b ? b.transpose(0, 1) : b);
                      }};
        });
      }
    }
  }
}

// The products of a training step over 512 tokens, for widths 256 and 768: y = x·W (NN), dx = dy·Wᵀ (NT), and
// dW = xᵀ·dy (TN), which sums over the tokens.
void add_matmul_training() {
  constexpr std::int64_t tokens = 512;
  struct Layer {
    std::int64_t in, out;
  };
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const Layer layer :
         {Layer{256, 256}, Layer{256, 1024}, Layer{768, 768}, Layer{768, 3072}, Layer{768, 50257}}) {
      const auto add = [&](const char* name, const Operands& s, bool transpose_a, bool transpose_b) {
        add_kernel(name, dtype, sizes_of(s), [=](Device device) {
          Tensor a = random_tensor(transpose_a ? Shape{s.k, s.m} : Shape{s.m, s.k}, dtype, 1).to(device);
          if (transpose_a) a = a.transpose(0, 1);
          Tensor b = random_tensor(transpose_b ? Shape{s.n, s.k} : Shape{s.k, s.n}, dtype, 2).to(device);
          if (transpose_b) b = b.transpose(0, 1);
          Tensor out = Tensor::empty({s.m, s.n}, dtype, device);
          auto run = [=]() mutable { ops::matmul_into(out, a, b); };
          return Task{work_of(a, b, s.n), run, [=]() mutable {
                        run();
                        return check_matmul(out, a, b);
                      }};
        });
      };
      add("matmul_train_y", {tokens, layer.in, layer.out}, false, false);
      add("matmul_train_dx", {tokens, layer.out, layer.in}, false, true);
      add("matmul_train_dw", {layer.in, tokens, layer.out}, true, false);
    }
  }
}

// b laid out once, as a decoder holds its weights: GPT-2's four products at each number of rows, and the
// head. "dtype" is how b is stored; a is f32, but bf16 beside a b named bf16_bf16.
void add_matmul_packed() {
  std::vector<Operands> shapes;
  for (const std::int64_t m : {1, 2, 4, 8, 16, 32, 128, 512}) shapes.push_back({m, 768, 3072});
  for (const std::int64_t m : {1, 8, 32, 128, 512}) shapes.push_back({m, 3072, 768});
  for (const std::int64_t m : {1, 8, 128}) shapes.push_back({m, 768, 2304});
  for (const std::int64_t m : {1, 8, 128}) shapes.push_back({m, 768, 768});
  for (const std::int64_t m : {1, 8, 32}) shapes.push_back({m, 768, 50257});
  struct Stored {
    const char* name;
    DType a;
    ops::WeightFormat format;
  };
  const std::array formats = {Stored{"f32", DType::f32, {}},
                              Stored{"bf16", DType::f32, ops::WeightFormat::parse("bf16")},
                              Stored{"bf16_bf16", DType::bf16, {}},
                              Stored{"i8", DType::f32, ops::WeightFormat::parse("int8")},
                              Stored{"i8_64", DType::f32, ops::WeightFormat::parse("int8:64")},
                              Stored{"i4_32", DType::f32, ops::WeightFormat::parse("int4:32")},
                              Stored{"i4_64", DType::f32, ops::WeightFormat::parse("int4:64")}};
  for (const Stored& stored : formats) {
    for (const Operands s : shapes) {
      add_kernel("matmul_packed", stored.name, sizes_of(s), [=](Device device) {
        const Tensor a = random_tensor({s.m, s.k}, stored.a, 1).to(device);
        const Tensor b = random_tensor({s.k, s.n}, stored.a, 2).to(device);
        const ops::PackedMatrix packed(b, false, stored.format);
        const auto run = [=] { return ops::matmul(a, packed); };
        Work work = work_of(a, b, s.n);
        work.bytes += static_cast<double>(packed.bytes()) - bytes_of(b);
        work.peak = packed.is_quantized() ? DType::i8 : stored.name[0] == 'b' ? DType::bf16 : DType::f32;
        return Task{work, [=] { run(); }, [=] { return check_matmul(run(), a, b, packed); }};
      });
    }
  }
}

}  // namespace adlib::bench
