#include "kernels/embedding.h"

#include "adlib/ops.h"
#include "ops/checks.h"
#include "ops/dispatch.h"
#include "ops/rows.h"

namespace adlib::ops {

Tensor embedding(const Tensor& table, const Tensor& ids) {
  check_rank("embedding", "table", table, 2, "(V, C)");
  check_same_device("embedding", "table", table, "ids", ids);
  check_ids("embedding", ids, table.size(0));
  const Tensor rows = ids.contiguous();
  const Tensor source = packed_rows(table);
  Tensor y = Tensor::empty(lookup_shape(ids, table.size(1)), table.dtype(), table.device());
  dispatch("embedding", table.device(), table.dtype(), [&]<class T>(auto& ctx) {
    kernels::embedding<T>(ctx, ptr<T>(y), ptr<T>(source), ptr<std::int32_t>(rows), ids.numel(), table.size(1),
                          source.stride(0));
  });
  return y;
}

void embedding_backward(Tensor& dtable, const Tensor& dy, const Tensor& ids) {
  check_rank("embedding_backward", "dtable", dtable, 2, "(V, C)");
  check_gradient("embedding_backward", "dtable", dtable, dtable.shape(), dy.device());
  check_same_device("embedding_backward", "dy", dy, "ids", ids);
  check_ids("embedding_backward", ids, dtable.size(0));
  check_shape("embedding_backward", "dy", dy, lookup_shape(ids, dtable.size(1)));
  check_apart("embedding_backward", "dtable", dtable, "dy", dy);
  const Tensor rows = ids.contiguous(), source = dy.contiguous();
  dispatch("embedding_backward", dy.device(), dy.dtype(), [&]<class T>(auto& ctx) {
    kernels::embedding_backward<T>(ctx, ptr<float>(dtable), ptr<T>(source), ptr<std::int32_t>(rows),
                                   ids.numel(), dtable.size(1));
  });
}

}  // namespace adlib::ops
