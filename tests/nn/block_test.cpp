// A whole block, and attention inside it, against the naive formulas in double.
#include "adlib/nn/block.h"

#include "nn/oracle.h"
#include "support/catch.h"
#include "support/devices.h"

using namespace adlib;
using namespace adlib::test;
using nn::Linear;

namespace {

constexpr std::int64_t width = 24, mlp_width = 40;
constexpr double theta = 100.0;

struct Parts {
  std::int64_t heads, kv_heads, head_dim;
  nn::Norm::Kind norm;
  bool gated, rotary;
};

std::map<std::string, Tensor> random_weights_of(const Parts& p) {
  const std::int64_t queries = p.heads * p.head_dim, keys = p.kv_heads * p.head_dim;
  std::map<std::string, Tensor> t;
  std::uint64_t stream = 10;
  const auto linear = [&](const std::string& name, std::int64_t in, std::int64_t out) {
    t[name + ".weight"] = random_tensor({out, in}, stream++, 0.3);
    t[name + ".bias"] = random_tensor({out}, stream++, 0.3);
  };
  for (const char* name : {"norm1", "norm2"}) {
    t[std::string(name) + ".weight"] = random_tensor({width}, stream++, 0.2, 1.0);
    t[std::string(name) + ".bias"] = random_tensor({width}, stream++, 0.2);
  }
  linear("qkv", width, queries + 2 * keys);
  linear("out", queries, width);
  linear("up", width, mlp_width);
  linear("gate", width, mlp_width);
  linear("down", mlp_width, width);
  return t;
}

nn::Block make_block(const Parts& p, const Weights& w, std::int64_t layer, Device device) {
  const auto linear = [&](const char* name, std::int64_t in, std::int64_t out) {
    return Linear(w.scope(name), in, out, Linear::Layout::out_in, true);
  };
  std::optional<nn::Rope> rope;
  if (p.rotary) rope.emplace(nn::RopeConfig{.theta = theta, .rotary_dim = p.head_dim}, 64, device);
  nn::Attention attention({.heads = p.heads, .kv_heads = p.kv_heads, .head_dim = p.head_dim},
                          linear("qkv", width, (p.heads + 2 * p.kv_heads) * p.head_dim),
                          linear("out", p.heads * p.head_dim, width), layer, rope);
  nn::Mlp mlp = p.gated ? nn::Mlp(linear("gate", width, mlp_width), linear("up", width, mlp_width),
                                  linear("down", mlp_width, width))
                        : nn::Mlp(linear("up", width, mlp_width), linear("down", mlp_width, width),
                                  ops::Activation::gelu_tanh);
  return nn::Block(nn::Norm(p.norm, w.scope("norm1"), width, 1e-5f), std::move(attention),
                   nn::Norm(p.norm, w.scope("norm2"), width, 1e-5f), std::move(mlp));
}

Matrix columns(const Matrix& x, std::int64_t begin, std::int64_t end) {
  Matrix out(x.rows, end - begin);
  for (std::int64_t r = 0; r < x.rows; ++r)
    for (std::int64_t c = begin; c < end; ++c) out.at(r, c - begin) = x.at(r, c);
  return out;
}

Matrix naive_block(const Parts& p, const std::map<std::string, Tensor>& t, const Matrix& x) {
  const auto norm = [&](const Matrix& in, const std::string& name) {
    return p.norm == nn::Norm::Kind::layer
               ? layer_norm(in, t.at(name + ".weight"), t.at(name + ".bias"), 1e-5)
               : rms_norm(in, t.at(name + ".weight"), 1e-5);
  };
  const auto apply = [&](const Matrix& in, const std::string& name) {
    return linear(in, t.at(name + ".weight"), t.at(name + ".bias"), true);
  };
  const std::int64_t queries = p.heads * p.head_dim, keys = p.kv_heads * p.head_dim;
  const Matrix qkv = apply(norm(x, "norm1"), "qkv");
  Matrix q = columns(qkv, 0, queries), k = columns(qkv, queries, queries + keys);
  const Matrix v = columns(qkv, queries + keys, queries + 2 * keys);
  if (p.rotary) {
    rotate(q, p.head_dim, 0, theta);
    rotate(k, p.head_dim, 0, theta);
  }
  const Matrix attended =
      add(apply(attention(q, k, v, p.head_dim, 1.0 / std::sqrt(static_cast<double>(p.head_dim))), "out"), x);
  const Matrix normed = norm(attended, "norm2");
  Matrix inner = apply(normed, "up");
  if (p.gated) {
    const Matrix gate = map(apply(normed, "gate"), silu);
    for (std::size_t i = 0; i < inner.values.size(); ++i) inner.values[i] *= gate.values[i];
  } else {
    inner = map(inner, gelu_tanh);
  }
  return add(apply(inner, "down"), attended);
}

Tensor positions_of(const std::vector<nn::Row>& rows) {
  std::vector<std::int32_t> out;
  for (const nn::Row& row : rows)
    for (std::int64_t i = 0; i < row.length; ++i) out.push_back(static_cast<std::int32_t>(row.start + i));
  return Tensor::from(std::span<const std::int32_t>(out), {static_cast<std::int64_t>(out.size())});
}

}  // namespace

TEST_CASE("a block matches the naive formulas, for sequences side by side and in chunks",
          "[nn][block][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  using Kind = nn::Norm::Kind;
  const Parts parts = GENERATE(Parts{3, 3, 8, Kind::layer, false, false},  // GPT-2
                               Parts{4, 2, 6, Kind::rms, true, true},      // Llama
                               Parts{6, 1, 10, Kind::rms, true, true},     // heads wider than width / heads
                               Parts{2, 2, 80, Kind::layer, false, true});
  CAPTURE(parts.heads, parts.kv_heads, parts.head_dim);
  const auto tensors = random_weights_of(parts);
  constexpr std::int64_t layer = 1;  // not the first, so that the layer's own cache is used
  const nn::Block block = make_block(parts, Weights::from(tensors).to(device), layer, device);
  nn::Cache cache({.layers = 2, .kv_heads = parts.kv_heads, .head_dim = parts.head_dim, .device = device}, 2,
                  16);

  const Tensor first = random_tensor({9, width}, 1).to(device),
               second = random_tensor({5, width}, 2).to(device);
  const std::vector<Tensor> prefill_parts{first.slice(0, 0, 6), second};
  const std::vector<nn::Row> prefill{{.sequence = 1, .start = 0, .length = 6},
                                     {.sequence = 0, .start = 0, .length = 5}};
  for (const nn::Row& row : prefill) cache.extend(row.sequence, row.start, row.length);
  const Tensor together =
      block(ops::concatenate(prefill_parts, 0),
            {.rows = prefill, .positions = positions_of(prefill).to(device), .cache = &cache});
  const std::vector<nn::Row> rest{{.sequence = 1, .start = 6, .length = 3}};
  cache.extend(1, 6, 3);
  const Tensor later = block(first.slice(0, 6, 9).contiguous(),
                             {.rows = rest, .positions = positions_of(rest).to(device), .cache = &cache});

  const std::vector<Tensor> whole{together.slice(0, 0, 6), later};
  CHECK(relative_error(ops::concatenate(whole, 0), naive_block(parts, tensors, to_matrix(first))) < 3e-6);
  CHECK(relative_error(together.slice(0, 6, 11), naive_block(parts, tensors, to_matrix(second))) < 3e-6);
}

TEST_CASE("attention's scale replaces 1/sqrt(d) when it is given", "[nn][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Tensor weight = random_tensor({36, 12}, 1, 0.5).to(device),
               out = random_tensor({12, 12}, 2, 0.5).to(device);
  const Weights w = Weights::from({{"qkv.weight", weight}, {"out.weight", out}});
  const nn::Attention attention({.heads = 2, .kv_heads = 2, .head_dim = 6, .scale = 0.9f},
                                Linear(w.scope("qkv"), 12, 36, Linear::Layout::out_in, false),
                                Linear(w.scope("out"), 12, 12, Linear::Layout::out_in, false), 0,
                                std::nullopt);
  nn::Cache cache({.layers = 1, .kv_heads = 2, .head_dim = 6, .device = device}, 1, 8);
  cache.extend(0, 0, 5);
  const std::vector<nn::Row> rows{{.sequence = 0, .start = 0, .length = 5}};
  const Tensor x = random_tensor({5, 12}, 3).to(device), residual = random_tensor({5, 12}, 4).to(device);
  const Matrix qkv = linear(to_matrix(x), weight, {}, true);
  const Matrix mixed = test::attention(columns(qkv, 0, 12), columns(qkv, 12, 24), columns(qkv, 24, 36), 6,
                                       static_cast<double>(0.9f));
  CHECK(relative_error(attention(x, residual,
                                 {.rows = rows, .positions = positions_of(rows).to(device), .cache = &cache}),
                       add(linear(mixed, out, {}, true), to_matrix(residual))) < 3e-6);
}
