// matmul on CUDA, run by the emulator, against loops in double.
#include "kernels/matmul.h"

#include <algorithm>

#include "kernels/cuda/gemm.cuh"
#include "kernels/operands.h"
#include "support/catch.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;
using cuda::host::Arrival;

// One product with everything that can be asked for.
struct Case {
  std::int64_t m = 1, n = 1, k = 1;
  bool transpose_a = false, transpose_b = false;
  std::int64_t shift = 0;  // elements by which the operands stand behind an aligned address
  std::int64_t gap = 0;    // elements between rows of a and b as stored; NaN
  bool bias = false, multiplier = false, residual = false, in_place = false;
  Activation activation = Activation::none;

  MatmulShape shape() const {
    return {.m = m,
            .n = n,
            .k = k,
            .a_stride = (transpose_a ? m : k) + gap,
            .b_stride = (transpose_b ? k : n) + gap,
            .transpose_a = transpose_a,
            .transpose_b = transpose_b};
  }
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.m << " x " << c.n << " x " << c.k << (c.transpose_a ? " a^T" : "")
             << (c.transpose_b ? " b^T" : "") << " shift " << c.shift << " gap " << c.gap;
}

double activated(double x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::gelu_tanh:
      return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
    case Activation::gelu_erf:
      return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
    case Activation::silu:
      return x / (1 + std::exp(-x));
    case Activation::relu:
      return x < 0 ? 0 : x;
  }
  return x;
}

// rows x cols values in rows of `stride`, NaN between them.
template <class T>
std::vector<T> spaced(const std::vector<T>& values, std::int64_t rows, std::int64_t cols,
                      std::int64_t stride) {
  std::vector<T> out(static_cast<std::size_t>(rows * stride), T(std::nanf("")));
  for (std::int64_t r = 0; r < rows; ++r)
    std::copy_n(values.begin() + r * cols, cols, out.begin() + r * stride);
  return out;
}

template <class Out, class T>
struct Operands {
  std::vector<T> a, b;  // as stored, without gaps
  std::vector<Out> bias, multiplier, residual;

  explicit Operands(const Case& c)
      : a(normal_values<T>(c.m * c.k, 1)),
        b(normal_values<T>(c.k * c.n, 2)),
        bias(normal_values<Out>(c.n, 3)),
        multiplier(normal_values<Out>(c.m * c.n, 4)),
        residual(normal_values<Out>(c.m * c.n, 5)) {}
};

template <class Out, class T>
std::vector<Out> multiply(const Case& c, const Operands<Out, T>& with, bool deterministic = true) {
  CudaContext context{.deterministic = deterministic};
  const MatmulShape shape = c.shape();
  Guarded<T> a(spaced(with.a, c.transpose_a ? c.k : c.m, c.transpose_a ? c.m : c.k, shape.a_stride), c.shift);
  Guarded<T> b(spaced(with.b, c.transpose_b ? c.n : c.k, c.transpose_b ? c.k : c.n, shape.b_stride), c.shift);
  Guarded<Out> bias(with.bias, c.shift), multiplier(with.multiplier, c.shift),
      residual(with.residual, c.shift), out(c.m * c.n, c.shift);
  Guarded<Out>& target = c.in_place ? residual : out;
  MatmulEpilogue<Out> epilogue{.activation = c.activation};
  if (c.bias) epilogue.bias = bias.data();
  if (c.multiplier) epilogue.multiplier = multiplier.data();
  if (c.residual) epilogue.residual = residual.data();
  matmul(context, target.data(), a.data(), b.data(), shape, epilogue);
  CHECK((a.intact() && b.intact() && out.intact() && residual.intact()));
  return target.values();
}

template <class Out, class T>
void check(const Case& c) {
  CAPTURE(c);
  const Operands<Out, T> with(c);
  const std::vector<double> a = doubles_of(with.a), b = doubles_of(with.b), bias = doubles_of(with.bias),
                            multiplier = doubles_of(with.multiplier), residual = doubles_of(with.residual);
  std::vector<double> expected;
  double most = 0;
  for (std::int64_t i = 0; i < c.m; ++i) {
    for (std::int64_t j = 0; j < c.n; ++j) {
      double sum = 0, magnitudes = 0;
      for (std::int64_t p = 0; p < c.k; ++p) {
        const double x = a[static_cast<std::size_t>(c.transpose_a ? p * c.m + i : i * c.k + p)];
        const double y = b[static_cast<std::size_t>(c.transpose_b ? j * c.k + p : p * c.n + j)];
        sum += x * y;
        magnitudes += std::fabs(x * y);
      }
      const auto at = static_cast<std::size_t>(i * c.n + j);
      double value = activated(c.bias ? sum + bias[static_cast<std::size_t>(j)] : sum, c.activation);
      if (c.multiplier) value *= multiplier[at], magnitudes *= std::fabs(multiplier[at]);
      if (c.residual) value += residual[at];
      expected.push_back(value);
      most = std::max(most, magnitudes + std::fabs(value));
    }
  }
  CHECK(difference(multiply(c, with), expected, most * 0x1p-20) == "");
}

template <class Out_, class T_>
struct Types {
  using Out = Out_;
  using T = T_;
};
#define ADLIB_MATMUL_TYPES                                                                             \
  (Types<float, float>), (Types<float16, float16>), (Types<float, float16>), (Types<float, bfloat16>), \
      (Types<bfloat16, bfloat16>)

}  // namespace

TEMPLATE_TEST_CASE("matmul of many rows on CUDA matches the naive loop in every layout", "[kernels][matmul]",
                   ADLIB_MATMUL_TYPES) {
  const bool transpose_a = GENERATE(false, true), transpose_b = GENERATE(false, true);
  const auto c = GENERATE(values<Case>({
      {.m = 17, .n = 1, .k = 1},
      {.m = 32, .n = 31, .k = 2},
      {.m = 33, .n = 63, .k = 33},
      {.m = 63, .n = 65, .k = 127, .gap = 8},
      {.m = 65, .n = 33, .k = 31, .shift = 8, .gap = 1},
      {.m = 64, .n = 64, .k = 64, .shift = 1},
      {.m = 40, .n = 24, .k = 290},
      {.m = 129, .n = 136, .k = 72},  // tiles of 128
  }));
  const WithSchedule schedule(
      {static_cast<std::uint64_t>(c.k), transpose_b ? Arrival::lazy : Arrival::eager});
  Case with = c;
  with.transpose_a = transpose_a;
  with.transpose_b = transpose_b;
  check<typename TestType::Out, typename TestType::T>(with);
}

TEMPLATE_TEST_CASE("matmul of few rows on CUDA matches the naive loop", "[kernels][matmul]",
                   ADLIB_MATMUL_TYPES) {
  const bool transpose_b = GENERATE(false, true);
  const auto c = GENERATE(values<Case>({
      {.m = 1, .n = 1, .k = 1},
      {.m = 1, .n = 65, .k = 257},
      {.m = 2, .n = 33, .k = 31, .shift = 1},
      {.m = 3, .n = 128, .k = 127, .gap = 1},
      {.m = 4, .n = 7, .k = 520, .gap = 8},
      {.m = 5, .n = 32, .k = 2},
      {.m = 15, .n = 129, .k = 65, .gap = 3},
      {.m = 16, .n = 136, .k = 300},
      {.m = 2, .n = 9, .k = 2400, .shift = 8},  // more blocks of 256 than warps
  }));
  const WithSchedule schedule(
      {static_cast<std::uint64_t>(c.k), transpose_b ? Arrival::lazy : Arrival::eager});
  Case with = c;
  with.transpose_b = transpose_b;
  check<typename TestType::Out, typename TestType::T>(with);
}

TEMPLATE_TEST_CASE("matmul's epilogue on CUDA adds, activates and multiplies in its order",
                   "[kernels][matmul]", ADLIB_MATMUL_TYPES) {
  const auto activation = GENERATE(Activation::none, Activation::gelu_tanh, Activation::gelu_erf,
                                   Activation::silu, Activation::relu);
  const std::int64_t m = GENERATE(3, 37);
  Case c{.m = m, .n = 40, .k = 33, .transpose_b = true, .bias = true, .activation = activation};
  check<typename TestType::Out, typename TestType::T>(c);
  c.multiplier = true;
  c.n = 35;
  c.residual = true;
  check<typename TestType::Out, typename TestType::T>(c);
  c.in_place = true;
  c.bias = false;
  c.n = 48;
  check<typename TestType::Out, typename TestType::T>(c);
}

TEMPLATE_TEST_CASE("a row of matmul on CUDA has the same bits in every batch and place", "[kernels][matmul]",
                   (Types<float, float>), (Types<float16, float16>), (Types<float, bfloat16>)) {
  using Out = typename TestType::Out;
  using T = typename TestType::T;
  // Eight and 32 columns a block, tiles of 64 and of 128; a block of 256 and a rest.
  const std::int64_t n = 132, k = 300, most = 130;
  const bool transpose_b = GENERATE(true, false);
  const std::vector<T> rows = normal_values<T>(most * k, 7);
  Case one{.m = 1, .n = n, .k = k, .transpose_b = transpose_b};
  Operands<Out, T> with(one);
  const auto of_rows = [&](std::int64_t first, std::int64_t m, std::int64_t columns) {
    Case c = one;
    c.m = m;
    c.n = columns;
    Operands<Out, T> part = with;
    part.a.assign(rows.begin() + first * k, rows.begin() + (first + m) * k);
    if (columns < n) {  // the first columns of b
      part.b.clear();
      for (std::int64_t r = 0; r < (transpose_b ? columns : k); ++r) {
        const auto begin = with.b.begin() + r * (transpose_b ? k : n);
        part.b.insert(part.b.end(), begin, begin + (transpose_b ? k : columns));
      }
    }
    return multiply(c, part);
  };
  const std::vector<Out> all = of_rows(0, most, n);
  for (const auto& [first, m, columns] : std::vector<std::array<std::int64_t, 3>>{
           {0, 1, n}, {129, 1, n}, {5, 16, n}, {5, 16, 96}, {64, 2, 9}, {70, 40, 70}, {1, 17, n}}) {
    const std::vector<Out> some = of_rows(first, m, columns);
    std::int64_t different = 0;
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        const Out x = some[static_cast<std::size_t>(i * columns + j)];
        const Out y = all[static_cast<std::size_t>((first + i) * n + j)];
        different += std::memcmp(&x, &y, sizeof x) != 0;
      }
    }
    CAPTURE(first, m, columns);
    CHECK(different == 0);
  }
}

TEMPLATE_TEST_CASE("a row of a long matmul on CUDA has the same bits in every batch", "[kernels][matmul]",
                   (Types<float, float>), (Types<float, bfloat16>)) {
  using T = typename TestType::T;
  // More blocks of 256 than warps, which take them in turn.
  const bool transpose_b = GENERATE(true, false);
  Case c{.m = 18, .n = 9, .k = 2400, .transpose_b = transpose_b};
  Operands<float, T> with(c);
  const std::vector<float> all = multiply(c, with);
  c.m = 2;
  with.a.resize(static_cast<std::size_t>(2 * c.k));
  const std::vector<float> two = multiply(c, with);
  CHECK(same_bits(two, {all.begin(), all.begin() + 2 * c.n}));
}

TEMPLATE_TEST_CASE("the epilogue behind the library's sums is matmul's", "[kernels][matmul]", float, float16,
                   bfloat16) {
  using Out = TestType;
  const std::int64_t m = 5, n = GENERATE(1, 7, 12, 40, 65), shift = GENERATE(0, 1);
  CAPTURE(n, shift);
  const std::vector<float> sums = normal_values<float>(m * n, 1);
  const std::vector<Out> bias = normal_values<Out>(n, 2), residual = normal_values<Out>(m * n, 3);
  Guarded<float> from(sums);
  Guarded<Out> b(bias, shift), r(residual, shift), out(m * n, shift);
  const MatmulEpilogue<Out> epilogue{
      .bias = b.data(), .activation = Activation::silu, .multiplier = r.data(), .residual = r.data()};
  cuda::launch(CudaContext{}, {"matmul", {2}, {256}}, cuda::gemm_finish_kernel<Out>,
               cuda::gemm_output(out.data(), m, n, epilogue), from.data());
  CHECK(out.intact());
  std::vector<double> expected;
  for (std::int64_t i = 0; i < m * n; ++i) {
    const double x =
        activated(static_cast<double>(sums[static_cast<std::size_t>(i)]) +
                      static_cast<double>(static_cast<float>(bias[static_cast<std::size_t>(i % n)])),
                  Activation::silu);
    const double y = static_cast<double>(static_cast<float>(residual[static_cast<std::size_t>(i)]));
    expected.push_back(x * y + y);
  }
  CHECK(difference(out.values(), expected, 1e-6) == "");
}

TEMPLATE_TEST_CASE("matmul on CUDA without columns of a leaves the epilogue of zero", "[kernels][matmul]",
                   ADLIB_MATMUL_TYPES) {
  for (const std::int64_t m : {0, 1, 16, 17, 40})
    for (const std::int64_t n : {0, 1, 24})
      check<typename TestType::Out, typename TestType::T>(
          {.m = m, .n = n, .k = 0, .bias = true, .residual = true});
}

TEMPLATE_TEST_CASE("a NaN and an infinity stay in their rows of matmul on CUDA", "[kernels][matmul]",
                   ADLIB_MATMUL_TYPES) {
  using Out = typename TestType::Out;
  using T = typename TestType::T;
  const std::int64_t m = GENERATE(3, 21), n = 37, k = 40;
  const Case c{.m = m, .n = n, .k = k, .transpose_b = true};
  Operands<Out, T> with(c);
  const std::vector<Out> clean = multiply(c, with);
  with.a[static_cast<std::size_t>(0 * k + 39)] = T(std::nanf(""));
  with.a[static_cast<std::size_t>(2 * k + 3)] = T(std::numeric_limits<float>::infinity());
  const std::vector<Out> out = multiply(c, with);
  bool nan = true, infinite = true, rest = true;
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const float x = static_cast<float>(out[static_cast<std::size_t>(i * n + j)]);
      const float y = static_cast<float>(clean[static_cast<std::size_t>(i * n + j)]);
      if (i == 0) {
        nan = nan && std::isnan(x);
      } else if (i == 2) {
        infinite = infinite && std::isinf(x);
      } else {
        rest = rest && x == y;
      }
    }
  }
  CHECK(nan);
  CHECK(infinite);
  CHECK(rest);
}

}  // namespace adlib::kernels
