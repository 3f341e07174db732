#include "kernels/rope.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

Tensor rope(const Tensor& x, const Tensor& positions, const Tensor& cos, const Tensor& sin,
            RopeLayout layout) {
  check_rank("rope", "x", x, 3, "(N, H, D)");
  check_same_device("rope", "x", x, "positions", positions);
  check_dtype("rope", "positions", positions, DType::i32);
  check_shape("rope", "positions", positions, {x.size(0)});
  check_rank("rope", "cos", cos, 2, "(P, R/2)");
  for (const auto& [name, table] : {std::pair{"cos", &cos}, std::pair{"sin", &sin}}) {
    check_same_device("rope", "x", x, name, *table);
    check_dtype("rope", name, *table, DType::f32);
    check_shape("rope", name, *table, cos.shape());
  }
  const std::int64_t rotary = 2 * cos.size(1);
  require(rotary <= x.size(2), "rope: cos has shape ", cos.shape(), ", which rotates ", rotary,
          " elements of a head of ", x.size(2));

  const Tensor rows = positions.contiguous(), c = cos.contiguous(), s = sin.contiguous();
  if (x.device() == Device::cpu) {
    const auto ids = rows.data<std::int32_t>();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      require(ids[i] >= 0 && ids[i] < cos.size(0), "rope: position ", ids[i], " of row ", i,
              " is outside [0, ", cos.size(0), ")");
    }
  }
  const Tensor source = x.size(2) <= 1 || x.stride(2) == 1 ? x : x.contiguous();
  Tensor y = Tensor::empty(x.shape(), x.dtype(), x.device());
  const kernels::RopeShape shape{.rows = x.size(0),
                                 .heads = x.size(1),
                                 .head_dim = x.size(2),
                                 .rotary_dim = rotary,
                                 .row_stride = source.stride(0),
                                 .head_stride = source.stride(1),
                                 .interleaved = layout == RopeLayout::interleaved};
  dispatch("rope", x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::rope<T>(ctx, ptr<T>(y), ptr<T>(source), ptr<std::int32_t>(rows), ptr<float>(c), ptr<float>(s),
                     shape);
  });
  return y;
}

}  // namespace adlib::ops
