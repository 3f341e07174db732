// cross_entropy and adamw_step on CUDA, run by the emulator: the loss against a loop in double, the step
// against the CPU.
#include "kernels/adamw_step.h"
#include "kernels/cross_entropy.h"
#include "kernels/operands.h"
#include "support/catch.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;
using cuda::host::Arrival;

struct LossCase {
  std::int64_t rows, cols, shift = 0;
};
const std::vector<LossCase> loss_shapes = {{1, 1},      {3, 2},    {2, 31, 1}, {3, 33},      {5, 64},
                                           {2, 127, 3}, {2, 1000}, {1, 4099},  {1, 9001, 1}, {0, 5}};

}  // namespace

TEMPLATE_TEST_CASE("cross_entropy on CUDA and its gradient are the naive loop's", "[kernels][cross_entropy]",
                   float, float16, bfloat16) {
  using T = TestType;
  const LossCase c = GENERATE(from_range(loss_shapes));
  const bool in_place = GENERATE(false, true);
  const WithSchedule schedule({static_cast<std::uint64_t>(c.cols), Arrival::eager});
  const auto logits = normal_values<T>(c.rows * c.cols, 3, 4);
  const auto weights = normal_values<float>(c.rows, 4);
  std::vector<std::int32_t> targets;
  for (std::int64_t r = 0; r < c.rows; ++r)
    targets.push_back(r == 1 ? -1 : static_cast<std::int32_t>((r * 7919 + c.cols - 1) % c.cols));
  std::vector<double> losses, gradients;
  const auto x = doubles_of(logits);
  for (std::int64_t r = 0; r < c.rows; ++r) {
    const double* row = x.data() + r * c.cols;
    const std::int32_t target = targets[static_cast<std::size_t>(r)];
    const double largest = *std::max_element(row, row + c.cols);
    double sum = 0;
    for (std::int64_t i = 0; i < c.cols; ++i) sum += std::exp(row[i] - largest);
    losses.push_back(target < 0 ? 0 : std::log(sum) - (row[target] - largest));
    const double weight = target < 0 ? 0 : static_cast<double>(weights[static_cast<std::size_t>(r)]);
    for (std::int64_t i = 0; i < c.cols; ++i)
      gradients.push_back(weight * (std::exp(row[i] - largest) / sum - (i == target)));
  }
  CudaContext context;
  Guarded<T> in(logits, c.shift), out(c.rows * c.cols, c.shift);
  Guarded<float> loss(c.rows), again(c.rows);
  cross_entropy<T>(context, loss.data(), in.data(), targets.data(), c.rows, c.cols);
  T* dlogits = in_place ? in.data() : out.data();
  cross_entropy_backward<T, T>(context, again.data(), dlogits, in.data(), targets.data(), weights.data(),
                               c.rows, c.cols);
  CAPTURE(c.rows, c.cols, in_place);
  CHECK(difference(loss.values(), losses, 1e-5) == "");
  CHECK(same_bits(loss.values(), again.values()));
  CHECK(difference(in_place ? in.values() : out.values(), gradients,
                   std::is_same_v<T, float> ? 4e-6 : 2e-3) == "");
  CHECK((in.intact() && out.intact() && loss.intact() && again.intact()));
}

TEMPLATE_TEST_CASE("adamw_step on CUDA is the CPU's", "[kernels][adamw_step]", float, float16, bfloat16) {
  using T = TestType;
  const std::int64_t n = GENERATE(1, 3, 4, 31, 1000, 4097);
  const std::int64_t shift = GENERATE(0, 1);
  const bool with_rounded = GENERATE(true, false);
  const AdamwFactors factors{.gradient_scale = 0.5f,
                             .decay = 0.999f,
                             .gradient_share1 = 0.1f,
                             .beta2 = 0.95f,
                             .gradient_share2 = 0.05f,
                             .root_correction2 = 0.3f,
                             .epsilon = 1e-8f,
                             .step_size = 0.01f};
  const auto w0 = normal_values<float>(n, 1), m0 = normal_values<float>(n, 2), g = normal_values<float>(n, 4);
  auto v0 = normal_values<float>(n, 3);
  for (float& v : v0) v *= v;
  auto w = w0, m = m0, v = v0;
  std::vector<T> rounded(static_cast<std::size_t>(n));
  CpuContext cpu;
  adamw_step<T>(cpu, w.data(), m.data(), v.data(), with_rounded ? rounded.data() : nullptr, g.data(), n,
                factors);
  Guarded<float> gw(w0, shift), gm(m0, shift), gv(v0, shift), gg(g, shift);
  Guarded<T> gr(n, shift);
  CudaContext context;
  adamw_step<T>(context, gw.data(), gm.data(), gv.data(), with_rounded ? gr.data() : nullptr, gg.data(), n,
                factors);
  CAPTURE(n, shift);
  CHECK(difference(gw.values(), doubles_of(w), 1e-7) == "");
  CHECK(difference(gm.values(), doubles_of(m), 1e-7) == "");
  CHECK(difference(gv.values(), doubles_of(v), 1e-7) == "");
  if (with_rounded) CHECK(difference(gr.values(), doubles_of(rounded), 1e-7) == "");
  CHECK((gw.intact() && gm.intact() && gv.intact() && gr.intact()));
}

}  // namespace adlib::kernels
