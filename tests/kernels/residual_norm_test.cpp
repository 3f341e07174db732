// residual_layer_norm and residual_rms_norm on CUDA, run by the emulator, against the CPU's two steps.
#include "kernels/residual_norm.h"

#include "kernels/operands.h"
#include "support/catch.h"
#include "support/oracle.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;
using cuda::host::Arrival;

struct ResidualCase {
  std::int64_t rows, cols;
  std::int64_t shift = 0;  // elements by which the residual stands behind an aligned address
};

const std::vector<ResidualCase> residual_shapes = {{1, 1},    {3, 31},   {5, 33, 1},  {35, 64},
                                                   {2, 129},  {2, 768},  {2, 768, 1}, {1, 1000},
                                                   {2, 2048}, {1, 4104}, {1, 8200},   {0, 8}};

// Enough of the long rows in bfloat16, whose code float16 has.
template <class T>
bool is_enough(const ResidualCase& c) {
  return c.cols > (std::is_same_v<T, float16> ? 300 : std::is_same_v<T, float> ? 2048 : 1 << 20);
}

// Where the results go: memory of their own, or the operands'.
enum class Place { own, over_operands };

template <class T, bool Centred>
void check_residual_forward(const ResidualCase& c, Place place) {
  CpuContext cpu;
  CudaContext context;
  const auto n = c.rows * c.cols;
  const auto x = normal_values<T>(n, 1), residual = normal_values<T>(n, 2, 3),
             gamma = normal_values<T>(c.cols, 3);
  const auto beta = normal_values<T>(c.cols, 4);
  std::vector<T> sum(x.size()), y(x.size());
  Guarded<T> a(x), b(residual, c.shift), out(n), total(n), g(gamma), o(beta);
  T* to = place == Place::own ? out.data() : a.data();
  T* sum_to = place == Place::own ? total.data() : b.data();
  if constexpr (Centred) {
    residual_layer_norm<T>(cpu, y.data(), sum.data(), x.data(), residual.data(), gamma.data(), beta.data(),
                           c.rows, c.cols, 1e-5f);
    residual_layer_norm<T>(context, to, sum_to, a.data(), b.data(), g.data(), o.data(), c.rows, c.cols,
                           1e-5f);
  } else {
    residual_rms_norm<T>(cpu, y.data(), sum.data(), x.data(), residual.data(), gamma.data(), c.rows, c.cols,
                         1e-5f);
    residual_rms_norm<T>(context, to, sum_to, a.data(), b.data(), g.data(), c.rows, c.cols, 1e-5f);
  }
  const auto got_sum = place == Place::own ? total.values() : b.values();
  const auto got = place == Place::own ? out.values() : a.values();
  CHECK(same_bits(got_sum, sum));
  const auto expected = n == 0 ? std::vector<double>{}
                        : Centred
                            ? oracle::layer_norm(doubles_of(sum), doubles_of(gamma), doubles_of(beta), 1e-5)
                            : oracle::rms_norm(doubles_of(sum), doubles_of(gamma), 1e-5);
  CHECK(difference(got, expected, 1e-5) == "");
  CHECK(difference(y, expected, 1e-5) == "");
  CHECK((a.intact() && b.intact() && out.intact() && total.intact()));
}

template <class T, bool Centred>
void check_residual_backward(const ResidualCase& c, Place place) {
  CpuContext cpu;
  CudaContext context;
  const auto n = c.rows * c.cols;
  const auto sum = normal_values<T>(n, 1), dy = normal_values<T>(n, 2), dsum = normal_values<T>(n, 3);
  const auto gamma = normal_values<T>(c.cols, 4);
  const auto before = normal_values<float>(c.cols, 5);
  std::vector<T> dx(sum.size());
  auto dgamma = before, dbeta = before;
  Guarded<T> in(sum), gradient(dy), added(dsum, c.shift), out(n), g(gamma);
  Guarded<float> got_gamma(before), got_beta(before);
  T* to = place == Place::own ? out.data() : added.data();
  if constexpr (Centred) {
    residual_layer_norm_backward<T>(cpu, dx.data(), dgamma.data(), dbeta.data(), dy.data(), dsum.data(),
                                    sum.data(), gamma.data(), c.rows, c.cols, 1e-5f);
    residual_layer_norm_backward<T>(context, to, got_gamma.data(), got_beta.data(), gradient.data(),
                                    added.data(), in.data(), g.data(), c.rows, c.cols, 1e-5f);
  } else {
    residual_rms_norm_backward<T>(cpu, dx.data(), dgamma.data(), dy.data(), dsum.data(), sum.data(),
                                  gamma.data(), c.rows, c.cols, 1e-5f);
    residual_rms_norm_backward<T>(context, to, got_gamma.data(), gradient.data(), added.data(), in.data(),
                                  g.data(), c.rows, c.cols, 1e-5f);
  }
  CHECK(difference(place == Place::own ? out.values() : added.values(), doubles_of(dx),
                   c.cols <= 2 ? 1e-3 : 3e-5) == "");
  CHECK(difference(got_gamma.values(), doubles_of(dgamma), 1e-4) == "");
  CHECK(difference(got_beta.values(), doubles_of(dbeta), 1e-4) == "");
  CHECK((out.intact() && added.intact() && got_gamma.intact() && got_beta.intact()));
}

}  // namespace

TEMPLATE_TEST_CASE("residual norms on CUDA give the rounded sum and its norm, in place too", "[kernels]",
                   float, float16, bfloat16) {
  std::uint64_t seed = 0;
  for (const ResidualCase& c : residual_shapes) {
    if (is_enough<TestType>(c)) continue;
    for (const Place place : {Place::own, Place::over_operands}) {
      CAPTURE(c.rows, c.cols, c.shift, static_cast<int>(place));
      const WithSchedule schedule({seed++, Arrival::eager});
      check_residual_forward<TestType, true>(c, place);
      check_residual_forward<TestType, false>(c, place);
    }
  }
}

TEMPLATE_TEST_CASE("residual norms' gradients on CUDA add what reaches the sum on other ways", "[kernels]",
                   float, float16, bfloat16) {
  std::uint64_t seed = 0;
  for (const ResidualCase& c : residual_shapes) {
    if (is_enough<TestType>(c) || c.cols > 5000) continue;  // those of norm_test.cpp are alike
    for (const Place place : {Place::own, Place::over_operands}) {
      CAPTURE(c.rows, c.cols, c.shift, static_cast<int>(place));
      const WithSchedule schedule({seed++, Arrival::eager});
      check_residual_backward<TestType, true>(c, place);
      check_residual_backward<TestType, false>(c, place);
    }
  }
}

}  // namespace adlib::kernels
