// lib/src/ops/attention.h: what the operations of attention share.
#pragma once

#include <cmath>

#include "adlib/ops.h"
#include "kernels/attention.h"
#include "ops/dispatch.h"

namespace adlib::ops {

inline float scale_or_default(float scale, std::int64_t head_dim) {
  return scale != 0 ? scale : 1.0f / std::sqrt(static_cast<float>(head_dim));
}

inline void check_heads(const char* operation, std::int64_t heads, std::int64_t kv_heads) {
  require(kv_heads > 0 && heads % kv_heads == 0, operation, ": ", heads, " query heads do not divide among ",
          kv_heads, " key-value heads");
}

/// Undefined unless the caller wants it.
inline Tensor make_lse(const AttentionOptions& options, const Shape& shape, Device device) {
  if (options.lse == nullptr) return {};
  *options.lse = Tensor::empty(shape, DType::f32, device);
  return *options.lse;
}

inline kernels::KeyValuePages to_kernel(const KeyValuePages& pages) {
  KeyValuePages view = pages;  // shallow: whoever calls decides whether the kernel writes
  return {.dtype = pages.keys.dtype(),
          .keys = view.keys.raw(),
          .values = view.values.raw(),
          .key_scales = pages.key_scales ? ptr<float>(view.key_scales) : nullptr,
          .value_scales = pages.value_scales ? ptr<float>(view.value_scales) : nullptr,
          .kv_heads = pages.keys.size(1),
          .head_dim = pages.keys.size(2),
          .value_dim = pages.values.size(3)};
}

/// keys (N, Hkv, D), values (N, Hkv, Dv), with packed rows
template <class T>
kernels::NewKeyValues<T> new_rows(const Tensor& keys, const Tensor& values) {
  return {.keys = ptr<T>(keys),
          .values = ptr<T>(values),
          .k_row = keys.stride(0),
          .k_head = keys.stride(1),
          .v_row = values.stride(0),
          .v_head = values.stride(1)};
}

}  // namespace adlib::ops
