#include "kernels/embedding.h"

#include <vector>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

Tensor embedding(const Tensor& table, const Tensor& ids) {
  check_rank("embedding", "table", table, 2, "(V, C)");
  check_same_device("embedding", "table", table, "ids", ids);
  check_ids("embedding", ids, table.size(0));
  const Tensor rows = ids.contiguous();
  std::vector<std::int64_t> dims(ids.shape().dims().begin(), ids.shape().dims().end());
  dims.push_back(table.size(1));
  const Tensor source = table.size(1) <= 1 || table.stride(1) == 1 ? table : table.contiguous();
  Tensor y = Tensor::empty(Shape(std::span<const std::int64_t>(dims)), table.dtype(), table.device());
  dispatch("embedding", table.device(), table.dtype(), [&]<class T>(auto& ctx) {
    kernels::embedding<T>(ctx, ptr<T>(y), ptr<T>(source), ptr<std::int32_t>(rows), ids.numel(), table.size(1),
                          source.stride(0));
  });
  return y;
}

}  // namespace adlib::ops
