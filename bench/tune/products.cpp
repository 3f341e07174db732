#include "bench/tune/products.h"

#include <chrono>
#include <memory>
#include <utility>

#include "bench/matmul_check.h"
#include "support/random.h"

namespace adlib::bench {
namespace {

using kernels::cpu::GemmKind;

double seconds_of(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void require_right(GemmKind kind, const std::string& name, const std::string& wrong) {
  if (wrong.empty()) return;
  fail(ErrorCode::unsupported, to_string(kind), " ", name, ": ", wrong,
       "; please report this as a fault of adlib");
}

std::string sizes(std::int64_t m, std::int64_t k, std::int64_t n) { return concat(m, " x ", k, " x ", n); }

// A decoder reads each weight from memory once a step. So the few rows of decoding pass over several
// matrices, of 75 MB in f32, and a sample is the mean; with many rows arithmetic binds, and one matrix is
// enough.
constexpr std::size_t copies_of_weights = 4;

void add_packed(std::vector<Product>& products, GemmKind kind, std::int64_t k, std::int64_t n,
                const std::vector<std::int64_t>& rows) {
  const Tensor b = test::random_tensor({k, n}, DType::f32, 2);
  const auto format = ops::WeightFormat::parse(kind == GemmKind::f32    ? "same"
                                               : kind == GemmKind::bf16 ? "bf16"
                                                                        : "int8");
  auto weights = std::make_shared<std::vector<ops::PackedMatrix>>();
  for (std::size_t i = 0; i < copies_of_weights; ++i) weights->emplace_back(b, false, format);
  for (const std::int64_t m : rows) {
    const Tensor a = test::random_tensor({m, k}, DType::f32, 1);
    const std::string name = "packed " + sizes(m, k, n);
    require_right(kind, name, check_matmul(ops::matmul(a, weights->front()), a, b, weights->front()));
    const std::size_t count = m <= 32 ? weights->size() : 1;
    products.push_back({.name = name,
                        .packed = true,
                        .run = [=] { return ops::matmul(a, weights->front()); },
                        .seconds =
                            [=] {
                              const double all = seconds_of([&] {
                                for (std::size_t i = 0; i < count; ++i) ops::matmul(a, (*weights)[i]);
                              });
                              return all / static_cast<double>(count);
                            }});
  }
}

// y = x·W, and dx = dy·Wᵀ of its gradient.
void add_training(std::vector<Product>& products, GemmKind kind, std::int64_t m, std::int64_t in,
                  std::int64_t out) {
  const DType dtype = kind == GemmKind::bf16 ? DType::bf16 : DType::f32;
  const Tensor w = test::random_tensor({in, out}, dtype, 2);
  for (const bool transpose : {false, true}) {
    const Tensor x = test::random_tensor({m, transpose ? out : in}, dtype, 1);
    const std::string name =
        concat(transpose ? "transposed " : "plain ", sizes(m, x.size(1), transpose ? in : out));
    const auto run = [=] { return ops::matmul(x, w, {.transpose_b = transpose}); };
    require_right(kind, name, check_matmul(run(), x, transpose ? w.transpose(0, 1) : w));
    products.push_back(
        {.name = name, .packed = false, .run = run, .seconds = [=] { return seconds_of([&] { run(); }); }});
  }
}

}  // namespace

std::vector<Product> make_products(GemmKind kind, bool quick) {
  std::vector<Product> products;
  const std::int64_t narrow = quick ? 192 : 768, wide = quick ? 320 : 3072;
  const std::vector<std::int64_t> rows =
      quick ? std::vector<std::int64_t>{8, 40} : std::vector<std::int64_t>{8, 32, 128, 512};
  for (const auto& [k, n] : {std::pair{narrow, wide}, std::pair{wide, narrow}}) {
    add_packed(products, kind, k, n, rows);
  }
  if (kind == GemmKind::i8) return products;
  for (const std::int64_t m : quick ? std::vector<std::int64_t>{64} : std::vector<std::int64_t>{256, 512}) {
    add_training(products, kind, m, narrow, wide);
  }
  return products;
}

}  // namespace adlib::bench
