// adlib/nn/attention.h: multi-head causal self-attention over a ragged batch and its cache.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "adlib/nn/cache.h"
#include "adlib/nn/linear.h"
#include "adlib/nn/rope.h"

namespace adlib::nn {

/// What the layers of one forward pass share.
struct Step {
  std::span<const Row> rows;  ///< in the order of the batch's tokens
  Tensor positions;           ///< (N) i32
  Cache* cache = nullptr;
};

class Attention {
 public:
  struct Config {
    std::int64_t heads = 0;
    std::int64_t kv_heads = 0;
    std::int64_t head_dim = 0;
    float scale = 0;  ///< multiplies QKᵀ; 0 means 1/sqrt(head_dim)
  };

  /// `qkv`: (…, C) -> (…, (H + 2 Hkv) D), queries first, then keys, then values. `rope` is shared by all
  /// layers.
  Attention(const Config& config, Linear qkv, Linear out, std::int64_t layer, const std::optional<Rope>& rope)
      : config_(config), qkv_(std::move(qkv)), out_(std::move(out)), layer_(layer), rope_(rope) {}

  /// residual + attention(x). x, residual (N, C) -> (N, C); writes the new keys and values to the step's
  /// cache.
  Tensor operator()(const Tensor& x, const Tensor& residual, const Step& step) const {
    const auto [heads, kv_heads, head_dim, scale] = config_;
    const std::int64_t tokens = x.size(0);
    const Tensor qkv = qkv_(x).view({tokens, heads + 2 * kv_heads, head_dim});
    Tensor q = qkv.slice(1, 0, heads);                                      // (N, H, D)
    Tensor k = qkv.slice(1, heads, heads + kv_heads);                       // (N, Hkv, D)
    const Tensor v = qkv.slice(1, heads + kv_heads, heads + 2 * kv_heads);  // (N, Hkv, D)
    if (rope_) {
      q = (*rope_)(q, step.positions);
      k = (*rope_)(k, step.positions);
    }
    std::vector<ops::AttentionSegment> segments;
    segments.reserve(step.rows.size());
    std::int64_t begin = 0;
    for (const Row& row : step.rows) {
      const std::int64_t end = begin + row.length;
      segments.push_back(
          {.begin = begin, .rows = row.length, .position = row.start, .sequence = row.sequence});
      begin = end;
    }
    step.cache->write(layer_, segments, k, v);
    const Tensor mixed = ops::ragged_attention(q, step.cache->pages(layer_), step.cache->table(), segments,
                                               {.scale = scale});  // (N, H, D)
    return out_(mixed.view({tokens, heads * head_dim}), ops::Activation::none, residual);
  }

  /// Linear::pack() for both products.
  void pack(const ops::WeightFormat& format = {}) {
    qkv_.pack(format);
    out_.pack(format);
  }

  const Linear& qkv() const { return qkv_; }
  const Linear& out() const { return out_; }

 private:
  Config config_;
  Linear qkv_;
  Linear out_;
  std::int64_t layer_;
  std::optional<Rope> rope_;  // its tables are shared storage: a copy costs two pointers
};

}  // namespace adlib::nn
