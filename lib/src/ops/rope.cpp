#include "kernels/rope.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {
namespace {

// x, which messages call `name`, rotated by the angles or, `inverse`, their opposites.
Tensor rotate(const char* operation, const char* name, const Tensor& x, const Tensor& positions,
              const Tensor& cos, const Tensor& sin, RopeLayout layout, bool inverse) {
  check_rank(operation, name, x, 3, "(N, H, D)");
  check_same_device(operation, name, x, "positions", positions);
  check_dtype(operation, "positions", positions, DType::i32);
  check_shape(operation, "positions", positions, {x.size(0)});
  check_rank(operation, "cos", cos, 2, "(P, R/2)");
  for (const auto& [part, table] : {std::pair{"cos", &cos}, std::pair{"sin", &sin}}) {
    check_same_device(operation, name, x, part, *table);
    check_dtype(operation, part, *table, DType::f32);
    check_shape(operation, part, *table, cos.shape());
  }
  const std::int64_t rotary = 2 * cos.size(1);
  require(rotary <= x.size(2), operation, ": cos has shape ", cos.shape(), ", which rotates ", rotary,
          " elements of a head of ", x.size(2));

  const Tensor rows = positions.contiguous(), c = cos.contiguous(), s = sin.contiguous();
  if (x.device() == Device::cpu) {
    const auto ids = rows.data<std::int32_t>();
    for (std::size_t i = 0; i < ids.size(); ++i) {
      require(ids[i] >= 0 && ids[i] < cos.size(0), operation, ": position ", ids[i], " of row ", i,
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
                                 .interleaved = layout == RopeLayout::interleaved,
                                 .inverse = inverse};
  dispatch(operation, x.device(), x.dtype(), [&]<class T>(auto& ctx) {
    kernels::rope<T>(ctx, ptr<T>(y), ptr<T>(source), ptr<std::int32_t>(rows), ptr<float>(c), ptr<float>(s),
                     shape);
  });
  return y;
}

}  // namespace

Tensor rope(const Tensor& x, const Tensor& positions, const Tensor& cos, const Tensor& sin,
            RopeLayout layout) {
  return rotate("rope", "x", x, positions, cos, sin, layout, /*inverse=*/false);
}

Tensor rope_backward(const Tensor& dy, const Tensor& positions, const Tensor& cos, const Tensor& sin,
                     RopeLayout layout) {
  return rotate("rope_backward", "dy", dy, positions, cos, sin, layout, /*inverse=*/true);
}

}  // namespace adlib::ops
