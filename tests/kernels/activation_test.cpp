// Nonlinearities on CUDA, run by the emulator, against their formulas in double.
#include "kernels/activation.h"

#include <limits>

#include "kernels/operands.h"
#include "support/catch.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;

constexpr Activation activations[] = {Activation::none, Activation::gelu_tanh, Activation::gelu_erf,
                                      Activation::silu, Activation::relu};
constexpr std::int64_t lengths[] = {0, 1, 2, 7, 8, 31, 33, 65, 127, 129, 1000, 4099};

struct ValueAndSlope {
  double f, slope;
};

ValueAndSlope value_of(Activation activation, double x) {
  constexpr double pi = 3.14159265358979323846;
  switch (activation) {
    case Activation::none:
      return {x, 1};
    case Activation::gelu_tanh: {
      const double k = std::sqrt(2 / pi), t = std::tanh(k * (x + 0.044715 * x * x * x));
      return {0.5 * x * (1 + t), 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * k * (1 + 3 * 0.044715 * x * x)};
    }
    case Activation::gelu_erf: {
      const double p = 0.5 * std::erfc(-x / std::sqrt(2.0));
      return {x * p, p + x * std::exp(-x * x / 2) / std::sqrt(2 * pi)};
    }
    case Activation::silu: {
      const double s = 1 / (1 + std::exp(-x));
      return {x * s, s * (1 + x * (1 - s))};
    }
    case Activation::relu:
      return {std::max(x, 0.0), x > 0 ? 1.0 : 0.0};
  }
  return {};
}

// What the exponential's error leaves of a result of this size.
constexpr double exponential_error = 2e-6;

}  // namespace

TEMPLATE_TEST_CASE("activations on CUDA are their formulas, forward and backward", "[kernels]", float,
                   float16, bfloat16) {
  using T = TestType;
  CudaContext context;
  for (const Activation activation : activations) {
    for (const std::int64_t n : lengths) {
      for (const std::int64_t shift : {0, 1}) {
        CAPTURE(static_cast<int>(activation), n, shift);
        const auto x = normal_values<T>(n, 1, 3), dy = normal_values<T>(n, 2);
        const auto xs = doubles_of(x), dys = doubles_of(dy);
        std::vector<double> y(xs.size()), dx(xs.size());
        for (std::size_t i = 0; i < xs.size(); ++i) {
          const ValueAndSlope value = value_of(activation, xs[i]);
          y[i] = value.f, dx[i] = dys[i] * value.slope;
        }
        Guarded<T> in(x, shift), out(n, shift), gradient(dy, shift), dout(n, shift);
        activate<T>(context, out.data(), in.data(), n, activation);
        activate_backward<T>(context, dout.data(), gradient.data(), in.data(), n, activation);
        CHECK(difference(out.values(), y, exponential_error) == "");
        CHECK(difference(dout.values(), dx, exponential_error) == "");
        CHECK((in.intact() && out.intact() && gradient.intact() && dout.intact()));
        CHECK((same_bits(in.values(), x) && same_bits(gradient.values(), dy)));
        activate_backward<T>(context, gradient.data(), gradient.data(), in.data(), n, activation);
        activate<T>(context, in.data(), in.data(), n, activation);
        CHECK((same_bits(in.values(), out.values()) && same_bits(gradient.values(), dout.values())));
      }
    }
  }
}

TEST_CASE("activations on CUDA go on behind the grid's first turn", "[kernels]") {
  CudaContext context;
  const std::int64_t n = 4 * 32 * 256 * 4 + 4 * 256 + 5;  // a full grid, a block, and a short group
  Guarded<float> in(n), out(n);
  for (std::int64_t i = 0; i < n; ++i) in.data()[i] = static_cast<float>(i % 1001) - 500;
  activate<float>(context, out.data(), in.data(), n, Activation::relu);
  std::int64_t wrong = 0;
  for (std::int64_t i = 0; i < n; ++i) wrong += out.data()[i] != std::max(in.data()[i], 0.0f);
  CHECK(wrong == 0);
}

TEST_CASE("activations on CUDA keep NaN and end where their limits are", "[kernels]") {
  CudaContext context;
  constexpr float inf = std::numeric_limits<float>::infinity();
  for (const Activation activation : activations) {
    CAPTURE(static_cast<int>(activation));
    const std::vector<float> x = {std::nanf(""), 1e4f, -1e4f, 3e38f, 0, inf};
    Guarded<float> in(x), dy(std::vector<float>(6, 1.0f)), y(6), dx(6);
    activate<float>(context, y.data(), in.data(), 6, activation);
    activate_backward<float>(context, dx.data(), dy.data(), in.data(), 6, activation);
    const auto f = y.values(), slope = dx.values();
    CHECK(std::isnan(f[0]));
    CHECK(std::isnan(slope[0]) == (activation != Activation::none && activation != Activation::relu));
    CHECK((f[1] == 1e4f && f[3] == 3e38f && f[4] == 0 && slope[1] == 1 && slope[3] == 1));
    CHECK(f[5] == inf);
    if (activation != Activation::none) CHECK((f[2] == 0 && std::fabs(slope[2]) < 1e-20f));
  }
}

TEMPLATE_TEST_CASE("swiglu on CUDA takes columns of a wider matrix, forward and backward", "[kernels]", float,
                   float16, bfloat16) {
  using T = TestType;
  CudaContext context;
  struct Case {
    std::int64_t rows, cols, gap;
  };
  for (const Case c : {Case{1, 1, 0},
                       {3, 31, 2},
                       {2, 8, 8},
                       {33, 65, 1},
                       {5, 128, 24},
                       {2, 1000, 3},
                       {4, 1024, 0},
                       {0, 4, 0}}) {
    CAPTURE(c.rows, c.cols, c.gap);
    const std::int64_t stride = 2 * c.cols + c.gap;  // gate, then up, then a gap
    const auto both = normal_values<T>(c.rows * stride, 1, 3), dy = normal_values<T>(c.rows * c.cols, 2);
    Guarded<T> in(both), y(c.rows * c.cols), gradient(dy), dboth(both);
    T *gate = in.data(), *up = in.data() + c.cols;
    swiglu<T>(context, y.data(), gate, up, c.rows, c.cols, stride, stride);
    swiglu_backward<T>(context, dboth.data(), dboth.data() + c.cols, gradient.data(), gate, up, c.rows,
                       c.cols, {.gate = stride, .up = stride, .dgate = stride, .dup = stride});
    const auto xs = doubles_of(both), dys = doubles_of(dy);
    std::vector<double> expected, dexpected = xs;  // the gaps stay
    for (std::int64_t r = 0; r < c.rows; ++r) {
      for (std::int64_t i = 0; i < c.cols; ++i) {
        const auto g = static_cast<std::size_t>(r * stride + i), u = g + static_cast<std::size_t>(c.cols);
        const ValueAndSlope silu = value_of(Activation::silu, xs[g]);
        const double d = dys[expected.size()];
        expected.push_back(silu.f * xs[u]);
        dexpected[g] = d * xs[u] * silu.slope;
        dexpected[u] = d * silu.f;
      }
    }
    CHECK(difference(y.values(), expected, 1e-5) == "");
    CHECK(difference(dboth.values(), dexpected, 1e-5) == "");
    CHECK((y.intact() && dboth.intact() && in.intact()));
  }
}

TEST_CASE("swiglu on CUDA has more rows than blocks", "[kernels]") {
  CudaContext context;
  const std::int64_t rows = 4 * 32 + 3;
  const auto gate = normal_values<float>(rows, 1), up = normal_values<float>(rows, 2);
  Guarded<float> g(gate), u(up), y(rows);
  swiglu<float>(context, y.data(), g.data(), u.data(), rows, 1, 1, 1);
  std::vector<double> expected;
  for (std::size_t i = 0; i < gate.size(); ++i)
    expected.push_back(value_of(Activation::silu, static_cast<double>(gate[i])).f *
                       static_cast<double>(up[i]));
  CHECK(difference(y.values(), expected, 1e-5) == "");
}

}  // namespace adlib::kernels
