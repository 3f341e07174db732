#include "kernels/embedding.h"

#include <vector>

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"

namespace adlib::ops {

Tensor embedding(const Tensor& table, const Tensor& ids) {
  check_rank("embedding", "table", table, 2, "(V, C)");
  check_same_device("embedding", "table", table, "ids", ids);
  check_dtype("embedding", "ids", ids, DType::i32);
  const Tensor rows = ids.contiguous();
  if (ids.device() == Device::cpu) {
    const auto values = rows.data<std::int32_t>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      require(values[i] >= 0 && values[i] < table.size(0), "embedding: id ", values[i], " at position ", i,
              " is outside [0, ", table.size(0), ")");
    }
  }
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
