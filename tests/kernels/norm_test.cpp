// layer_norm and rms_norm on CUDA, run by the emulator, against loops in double.
#include "kernels/layer_norm.h"
#include "kernels/operands.h"
#include "kernels/rms_norm.h"
#include "support/catch.h"
#include "support/oracle.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;
using cuda::host::Arrival;

struct NormCase {
  std::int64_t rows, cols;
  std::int64_t shift = 0;  // elements by which x stands behind an aligned address
};

// Every way to share a row: a warp with 1 to 4 groups, a block, several groups a thread, rows read again.
const std::vector<NormCase> norm_shapes = {
    {1, 1},      {5, 2},    {3, 31},   {2, 32},   {9, 33, 1},   {4, 63},      {7, 65},
    {33, 64},    {2, 127},  {3, 129},  {5, 256},  {4, 256, 1},  {3, 264},     {2, 768},
    {2, 768, 3}, {1, 1000}, {2, 1001}, {2, 1024}, {1, 1032},    {2, 1056, 1}, {1, 4096},
    {1, 4104},   {1, 5001}, {1, 8192}, {2, 8200}, {1, 8200, 1}, {1, 12001}};

// Enough of the long rows in bfloat16, whose code float16 has.
template <class T>
bool is_enough(const NormCase& c) {
  return c.cols > (std::is_same_v<T, float16> ? 300 : std::is_same_v<T, float> ? 4200 : 1 << 20);
}

template <class T, bool Centred>
std::vector<T> forward(const NormCase& c, const std::vector<T>& x, const std::vector<T>& gamma,
                       const std::vector<T>& beta, bool in_place = false) {
  CudaContext context;
  Guarded<T> in(x, c.shift), out(static_cast<std::int64_t>(x.size()));
  Guarded<T> g(gamma), b(beta);
  T* y = in_place ? in.data() : out.data();
  if constexpr (Centred)
    layer_norm<T>(context, y, in.data(), g.data(), beta.empty() ? nullptr : b.data(), c.rows, c.cols, 1e-5f);
  else
    rms_norm<T>(context, y, in.data(), g.data(), c.rows, c.cols, 1e-5f);
  CHECK((in.intact() && out.intact() && g.intact() && b.intact()));
  return in_place ? in.values() : out.values();
}

template <class T, bool Centred>
struct Gradients {
  std::vector<T> dx;
  std::vector<float> dgamma, dbeta;
};

template <class T, bool Centred>
Gradients<T, Centred> backward(const NormCase& c, const std::vector<T>& before, const std::vector<T>& dy,
                               const std::vector<T>& x, const std::vector<T>& gamma,
                               const std::vector<float>& sums, bool parameters = true) {
  CudaContext context;
  Guarded<T> dx(before), grad(dy), in(x, c.shift), g(gamma);
  Guarded<float> dgamma(sums), dbeta(sums);
  float* wanted = parameters ? dgamma.data() : nullptr;
  if constexpr (Centred)
    layer_norm_backward<T>(context, dx.data(), wanted, parameters ? dbeta.data() : nullptr, grad.data(),
                           in.data(), g.data(), c.rows, c.cols, 1e-5f);
  else
    rms_norm_backward<T>(context, dx.data(), wanted, grad.data(), in.data(), g.data(), c.rows, c.cols, 1e-5f);
  CHECK((dx.intact() && grad.intact() && in.intact() && dgamma.intact() && dbeta.intact()));
  return {dx.values(), dgamma.values(), dbeta.values()};
}

template <class T, bool Centred>
void check_forward() {
  for (std::size_t i = 0; i < norm_shapes.size(); ++i) {
    const NormCase& c = norm_shapes[i];
    if (is_enough<T>(c)) continue;
    CAPTURE(c.rows, c.cols, c.shift);
    const WithSchedule schedule({i, i % 2 == 0 ? Arrival::eager : Arrival::lazy});
    const auto x = normal_values<T>(c.rows * c.cols, 1, 1, 3), gamma = normal_values<T>(c.cols, 2);
    const auto beta = i % 3 == 0 ? std::vector<T>{} : normal_values<T>(c.cols, 3);
    auto offset = doubles_of(beta);
    offset.resize(static_cast<std::size_t>(c.cols));
    const auto expected = Centred ? oracle::layer_norm(doubles_of(x), doubles_of(gamma), offset, 1e-5)
                                  : oracle::rms_norm(doubles_of(x), doubles_of(gamma), 1e-5);
    const auto y = forward<T, Centred>(c, x, gamma, beta);
    CHECK(difference(y, expected, 2e-5) == "");
    CHECK(same_bits(forward<T, Centred>(c, x, gamma, beta, true), y));
    if (c.shift != 0) CHECK(same_bits(forward<T, Centred>({c.rows, c.cols}, x, gamma, beta), y));
  }
}

template <class T, bool Centred>
void check_backward() {
  std::vector<NormCase> all = norm_shapes;
  all.push_back({65, 40});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const NormCase& c = all[i];
    if (is_enough<T>(c) || c.cols > 8200) continue;
    CAPTURE(c.rows, c.cols, c.shift);
    const WithSchedule schedule({i, i % 2 == 0 ? Arrival::eager : Arrival::lazy});
    const auto n = c.rows * c.cols;
    const auto x = normal_values<T>(n, 1, 1, 1), gamma = normal_values<T>(c.cols, 2);
    const auto dy = normal_values<T>(n, 3), before = normal_values<T>(n, 4);
    const auto sums = normal_values<float>(c.cols, 5);
    auto expected = Centred
                        ? oracle::layer_norm_backward(doubles_of(dy), doubles_of(x), doubles_of(gamma), 1e-5)
                        : oracle::rms_norm_backward(doubles_of(dy), doubles_of(x), doubles_of(gamma), 1e-5);
    for (std::size_t k = 0; k < before.size(); ++k) expected.x[k] += static_cast<float>(before[k]);
    for (std::size_t k = 0; k < sums.size(); ++k) {
      expected.gamma[k] += sums[k];
      if (Centred) expected.beta[k] += sums[k];
    }
    const auto got = backward<T, Centred>(c, before, dy, x, gamma, sums);
    // One column has no variance, or the root's derivative is steep.
    const double slack = (c.cols <= 3 ? 2e-3 : 3e-5);
    CHECK(difference(got.dx, expected.x, slack) == "");
    CHECK(difference(got.dgamma, expected.gamma, 2e-5 * std::sqrt(static_cast<double>(c.rows)) + slack) ==
          "");
    if (Centred)
      CHECK(difference(got.dbeta, expected.beta, 2e-5 * std::sqrt(static_cast<double>(c.rows))) == "");
    if (i % 4 == 0) CHECK(same_bits(backward<T, Centred>(c, before, dy, x, gamma, sums, false).dx, got.dx));
    if (c.shift != 0) {
      const auto again = backward<T, Centred>({c.rows, c.cols}, before, dy, x, gamma, sums);
      CHECK((same_bits(again.dx, got.dx) && same_bits(again.dgamma, got.dgamma)));
    }
  }
}

}  // namespace

TEMPLATE_TEST_CASE("layer_norm on CUDA is the naive loop's, wherever its rows stand", "[kernels]", float,
                   float16, bfloat16) {
  check_forward<TestType, true>();
}
TEMPLATE_TEST_CASE("rms_norm on CUDA is the naive loop's, wherever its rows stand", "[kernels]", float,
                   float16, bfloat16) {
  check_forward<TestType, false>();
}
TEMPLATE_TEST_CASE("layer_norm_backward on CUDA is the naive loop's", "[kernels]", float, float16, bfloat16) {
  check_backward<TestType, true>();
}
TEMPLATE_TEST_CASE("rms_norm_backward on CUDA is the naive loop's", "[kernels]", float, float16, bfloat16) {
  check_backward<TestType, false>();
}

TEST_CASE("norms on CUDA do not cancel when the mean is large, and pass NaN on", "[kernels]") {
  const auto x = normal_values<float>(3 * 300, 1, 1, 1e4);
  const std::vector<float> gamma(300, 1.0f);
  const auto y = forward<float, true>({3, 300}, x, gamma, {});
  CHECK(difference(y, oracle::layer_norm(doubles_of(x), doubles_of(gamma), std::vector<double>(300), 1e-5),
                   2e-3) == "");
  auto bad = x;
  bad[310] = std::nanf("");
  const auto z = forward<float, false>({3, 300}, bad, gamma, {});
  CHECK((std::isnan(z[300]) && std::isnan(z[599]) && !std::isnan(z[299]) && !std::isnan(z[600])));
}

TEST_CASE("norms on CUDA take no rows and no columns", "[kernels]") {
  CudaContext context;
  Guarded<float> memory(8);
  layer_norm<float>(context, memory.data(), memory.data(), memory.data(), nullptr, 0, 8, 1e-5f);
  rms_norm<float>(context, memory.data(), memory.data(), memory.data(), 8, 0, 1e-5f);
  layer_norm_backward<float>(context, memory.data(), memory.data(), memory.data(), memory.data(),
                             memory.data(), memory.data(), 0, 8, 1e-5f);
  CHECK(std::isnan(memory.values()[0]));
}

}  // namespace adlib::kernels
