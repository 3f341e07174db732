// rope over the heads of Qwen2 0.5B, in both layouts.
#include <cmath>
#include <string>

#include "kernels/kernel_bench.h"
#include "support/compare.h"
#include "support/random.h"

namespace adlib::bench {
namespace {

using namespace adlib::test;

constexpr std::int64_t heads = 14, head_dim = 64, pairs = head_dim / 2, positions_count = 1024;

// x (rows, heads, head_dim), each pair turned as a complex number by the angle of its row's position.
std::vector<double> turned(const Tensor& x, const Tensor& positions, const Tensor& cos, const Tensor& sin,
                           ops::RopeLayout layout, double direction = 1) {
  auto out = doubles(x);
  const auto cosines = doubles(cos), sines = doubles(sin);
  const bool halves = layout == ops::RopeLayout::halves;
  const auto at = positions.data<std::int32_t>();
  for (std::size_t row = 0; row < at.size() * heads; ++row) {
    for (std::size_t i = 0; i < pairs; ++i) {
      const std::size_t angle = static_cast<std::size_t>(at[row / heads]) * pairs + i;
      double& a = out[row * head_dim + (halves ? i : 2 * i)];
      double& b = out[row * head_dim + (halves ? i + pairs : 2 * i + 1)];
      const double first = a * cosines[angle] - b * direction * sines[angle];
      b = b * cosines[angle] + a * direction * sines[angle];
      a = first;
    }
  }
  return out;
}

}  // namespace

void add_rope() {
  for (const DType dtype : {DType::f32, DType::bf16}) {
    for (const ops::RopeLayout layout : {ops::RopeLayout::halves, ops::RopeLayout::interleaved}) {
      for (const std::int64_t rows : {1, 512}) {
        const char* name = layout == ops::RopeLayout::halves ? "rope_halves" : "rope_interleaved";
        add_kernel(name, dtype, {{"rows", rows}, {"heads", heads}}, [=](Device device) {
          const Tensor x = random_tensor({rows, heads, head_dim}, dtype, 1);
          const Tensor positions = random_ids({rows}, 0, positions_count, 2);
          // Any pair of tables will do: the kernel does not look at what they hold.
          const Tensor cos = random_tensor({positions_count, pairs}, DType::f32, 3);
          const Tensor sin = random_tensor({positions_count, pairs}, DType::f32, 4);
          const Tensor x_there = x.to(device), positions_there = positions.to(device),
                       cos_there = cos.to(device), sin_there = sin.to(device);
          const auto run = [=] { return ops::rope(x_there, positions_there, cos_there, sin_there, layout); };
          const double tables = 2.0 * static_cast<double>(rows * pairs) * sizeof(float);
          return Task{{.operations = 3 * static_cast<double>(x.numel()), .bytes = 2 * bytes_of(x) + tables},
                      [=] { run(); },
                      [=] { return difference(run(), turned(x, positions, cos, sin, layout), 1e-6); }};
        });
      }
    }
    const std::int64_t rows = 512;
    add_kernel("rope_backward", dtype, {{"rows", rows}, {"heads", heads}}, [=](Device device) {
      const Tensor dy = random_tensor({rows, heads, head_dim}, dtype, 1);
      const Tensor positions = random_ids({rows}, 0, positions_count, 2);
      const Tensor cos = random_tensor({positions_count, pairs}, DType::f32, 3);
      const Tensor sin = random_tensor({positions_count, pairs}, DType::f32, 4);
      const Tensor dy_there = dy.to(device), positions_there = positions.to(device),
                   cos_there = cos.to(device), sin_there = sin.to(device);
      const auto run = [=] { return ops::rope_backward(dy_there, positions_there, cos_there, sin_there); };
      const double tables = 2.0 * static_cast<double>(rows * pairs) * sizeof(float);
      return Task{{.operations = 3 * static_cast<double>(dy.numel()), .bytes = 2 * bytes_of(dy) + tables},
                  [=] { run(); },
                  [=] {
                    return difference(run(), turned(dy, positions, cos, sin, ops::RopeLayout::halves, -1),
                                      1e-6);
                  }};
    });
  }
}

}  // namespace adlib::bench
