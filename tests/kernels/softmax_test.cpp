// softmax and log_softmax on CUDA, run by the emulator, against loops in double.
#include "kernels/softmax.h"

#include <limits>

#include "kernels/operands.h"
#include "support/catch.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;
using cuda::host::Arrival;

struct SoftmaxCase {
  std::int64_t outer, extent, inner = 1;
  std::int64_t shift = 0;  // elements by which x stands behind an aligned address
};

template <class T>
std::vector<T> run_softmax(const SoftmaxCase& c, const std::vector<T>& x, bool logarithm,
                           bool in_place = false) {
  CudaContext context;
  Guarded<T> in(x, c.shift), out(static_cast<std::int64_t>(x.size()), c.shift);
  T* y = in_place ? in.data() : out.data();
  if (logarithm)
    log_softmax<T>(context, y, in.data(), c.outer, c.extent, c.inner);
  else
    softmax<T>(context, y, in.data(), c.outer, c.extent, c.inner);
  CHECK((in.intact() && out.intact()));
  return in_place ? in.values() : out.values();
}

std::vector<double> naive_softmax(const SoftmaxCase& c, const std::vector<double>& x, bool logarithm) {
  std::vector<double> out(x.size());
  for (std::int64_t o = 0; o < c.outer; ++o) {
    for (std::int64_t i = 0; i < c.inner; ++i) {
      const auto at = [&](std::int64_t e) {
        return static_cast<std::size_t>((o * c.extent + e) * c.inner + i);
      };
      double largest = -std::numeric_limits<double>::infinity(), sum = 0;
      for (std::int64_t e = 0; e < c.extent; ++e) largest = std::max(largest, x[at(e)]);
      for (std::int64_t e = 0; e < c.extent; ++e) sum += std::exp(x[at(e)] - largest);
      for (std::int64_t e = 0; e < c.extent; ++e)
        out[at(e)] = logarithm ? x[at(e)] - largest - std::log(sum) : std::exp(x[at(e)] - largest) / sum;
    }
  }
  return out;
}

const std::vector<SoftmaxCase> softmax_shapes = {
    {1, 1},     {3, 2},    {2, 31, 1, 1},  {5, 32},     {2, 33},     {7, 65},    {2, 127},
    {3, 129},   {2, 256},  {3, 256, 1, 3}, {1, 512},    {2, 1000},   {1, 1001},  {2, 1024, 1, 5},
    {2, 1032},  {1, 2048}, {1, 4099},      {1, 8192},   {1, 16384},  {1, 16392}, {1, 16400, 1, 1},
    {1, 20001}, {2, 3, 5}, {3, 33, 2},     {1, 1, 300}, {2, 65, 63}, {0, 5},     {2, 0}};

}  // namespace

TEMPLATE_TEST_CASE("softmax on CUDA is the naive loop's along any dimension", "[kernels]", float, float16,
                   bfloat16) {
  for (std::size_t i = 0; i < softmax_shapes.size(); ++i) {
    const SoftmaxCase& c = softmax_shapes[i];
    if (c.extent > (std::is_same_v<TestType, float16> ? 300
                    : std::is_same_v<TestType, float> ? 5000
                                                      : 1 << 20))
      continue;  // enough of the long rows in bfloat16, whose code float16 has
    CAPTURE(c.outer, c.extent, c.inner, c.shift);
    const WithSchedule schedule({i, i % 2 == 0 ? Arrival::eager : Arrival::lazy});
    const auto x = normal_values<TestType>(c.outer * c.extent * c.inner, 1, 4, 20);
    for (const bool logarithm : {false, true}) {
      const auto y = run_softmax(c, x, logarithm);
      // The exponentials' own error: relative for softmax, absolute for its logarithm.
      CHECK(difference(y, naive_softmax(c, doubles_of(x), logarithm), logarithm ? 4e-6 : 2e-6) == "");
      if (i % 3 == 0) CHECK(same_bits(run_softmax(c, x, logarithm, true), y));
      if (c.shift != 0) CHECK(same_bits(run_softmax({c.outer, c.extent}, x, logarithm), y));
    }
  }
}

TEMPLATE_TEST_CASE("softmax on CUDA sums to one, also over a vocabulary", "[kernels]", float, bfloat16) {
  const auto y = run_softmax({1, 50257}, normal_values<TestType>(50257, 1, 3), false);
  double sum = 0;
  for (const double p : doubles_of(y)) sum += p;
  CHECK(sum == Approx(1).epsilon(sizeof(TestType) == 4 ? 1e-5 : 2e-3));
}

TEST_CASE("softmax on CUDA hides -inf, and a row of it, and shows NaN and inf", "[kernels]") {
  constexpr float inf = std::numeric_limits<float>::infinity();
  for (const std::int64_t cols : {33, 300, 1500, 17000}) {
    CAPTURE(cols);
    const auto n = static_cast<std::size_t>(cols);
    auto x = normal_values<float>(5 * cols, 1);
    for (std::size_t c = 0; c < n; ++c) {
      x[c] = c % 3 == 0 ? x[c] : -inf;  // many hidden
      x[n + c] = -inf;                  // all hidden
    }
    x[2 * n + n / 2] = std::nanf("");
    x[3 * n + n - 1] = inf;
    for (std::size_t c = 0; c + 1 < n; ++c) x[4 * n + c] = -inf;  // all but the last
    x[5 * n - 1] = -300;
    const auto p = run_softmax({5, cols}, x, false), l = run_softmax({5, cols}, x, true);
    double sum = 0;
    for (std::size_t c = 0; c < n; ++c) {
      sum += static_cast<double>(p[c]);
      const bool right = (c % 3 == 0 || (p[c] == 0 && l[c] == -inf)) && p[n + c] == 0 && l[n + c] == -inf &&
                         std::isnan(p[2 * n + c]) && std::isnan(l[2 * n + c]) && std::isnan(p[4 * n - 1]) &&
                         (c + 1 == n ? p[5 * n - 1] == 1 : p[4 * n + c] == 0);
      if (!right) FAIL_CHECK("column " << c);
    }
    CHECK(sum == Approx(1));
  }
}

}  // namespace adlib::kernels
