// The ONNX project's node tests (../shared/vectors/onnx) through the operations of adlib.
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/files.h"
#include "support/onnx.h"
#include "support/values.h"

using namespace adlib;
using namespace adlib::test;
using adlib::test::onnx::Case;

namespace {

// Cases that are out of scope, and why. Every other folder must run.
const std::map<std::string, std::string> out_of_scope = {
    {"test_top_k", "adlib has no TopK operation: the sampler selects on the host's logits"},
    {"test_top_k_negative_axis", "adlib has no TopK operation: the sampler selects on the host's logits"},
    {"test_top_k_same_values", "adlib has no TopK operation, and its operations do not take i64"},
    {"test_top_k_same_values_2d", "adlib has no TopK operation, and its operations do not take i64"},
    {"test_top_k_same_values_largest", "adlib has no TopK operation, and its operations do not take i64"},
    {"test_top_k_smallest", "adlib has no TopK operation: the sampler selects on the host's logits"},
    {"test_top_k_uint64", "adlib has no TopK operation, and no u64"},
};

using Outputs =
    std::vector<Tensor>;  // in the order of the node's outputs; undefined where adlib returns none

Tensor scalar_like(const Tensor& x, float value) { return Tensor::from({value}, {1}).to(x.dtype()); }

// (B, T, H·D) -> (B, H, T, D), or the tensor itself when it has four dimensions.
Tensor split_heads(const Tensor& x, std::int64_t heads) {
  return x.rank() == 4 ? x : x.view({x.size(0), x.size(1), heads, -1}).transpose(1, 2);
}
Tensor merge_heads(const Tensor& x) {
  return x.transpose(1, 2).contiguous().view({x.size(0), x.size(2), -1});
}

// ---- Attention
// -----------------------------------------------------------------------------------------------------

// The mask as additive floats over all keys of a batch element (…, Tq, Tk); ONNX pads a short mask with -inf.
Tensor additive_mask(const Tensor& mask, std::int64_t keys) {
  Tensor out = mask;
  if (mask.dtype() == DType::boolean) {
    out = Tensor::empty(mask.shape());
    const Tensor flags = mask.contiguous();
    for (std::size_t i = 0; i < out.data<float>().size(); ++i)
      out.data<float>()[i] = flags.data<bool>()[i] ? 0 : -infinity;
  }
  if (out.size(-1) >= keys) return out;
  Tensor padding = Tensor::empty(out.shape().with(-1, keys - out.size(-1)), DType::f32);
  std::fill(padding.data<float>().begin(), padding.data<float>().end(), -infinity);
  const Tensor parts[] = {out, padding.to(out.dtype())};
  return ops::concatenate(parts, -1);
}

// The scores that ONNX can also return, after `mode` steps: 0 scaled product, 1 softcap, 2 mask, 3 softmax.
Tensor score_matrix(const Tensor& q, const Tensor& k, const ops::AttentionOptions& options,
                    std::int64_t mode) {
  const float scale = options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<float>(q.size(3)));
  Tensor scores = ops::multiply(ops::matmul(q, k, {.transpose_b = true}), scalar_like(q, scale));
  if (mode >= 1 && options.softcap > 0) {
    for (float& x : scores.data<float>()) x = options.softcap * std::tanh(x / options.softcap);
  }
  if (mode >= 2 && options.mask)
    scores = ops::add(scores, additive_mask(options.mask, k.size(2)).to(scores.dtype()));
  if (mode >= 2 && options.causal) {
    Tensor future = Tensor::zeros({q.size(2), k.size(2)});
    for (std::int64_t i = 0; i < q.size(2); ++i) {
      for (std::int64_t j = std::max<std::int64_t>(options.past + i + 1, 0); j < k.size(2); ++j) {
        future.data<float>()[static_cast<std::size_t>(i * k.size(2) + j)] = -infinity;
      }
    }
    scores = ops::add(scores, future.to(scores.dtype()));
  }
  return mode >= 3 ? ops::softmax(scores) : scores;
}

// Padded batches: element b has lengths[b] keys, and its queries are the last of them.
Tensor padded_attention(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& lengths,
                        const ops::AttentionOptions& options) {
  std::vector<Tensor> parts;
  for (std::int64_t b = 0; b < q.size(0); ++b) {
    const std::int64_t keys = lengths.data<std::int64_t>()[static_cast<std::size_t>(b)];
    ops::AttentionOptions own = options;
    own.past = keys - q.size(2);
    if (own.mask) {
      own.mask = additive_mask(own.mask, keys);
      if (own.mask.rank() == 4 && own.mask.size(0) > 1) own.mask = own.mask.slice(0, b, b + 1);
      own.mask = own.mask.slice(-1, 0, keys);
    }
    parts.push_back(ops::attention(q.slice(0, b, b + 1), k.slice(0, b, b + 1).slice(2, 0, keys),
                                   v.slice(0, b, b + 1).slice(2, 0, keys), own));
  }
  return ops::concatenate(parts, 0);
}

Outputs run_attention(const Case& c) {
  const bool flat = c.input(0).rank() == 3;
  const std::int64_t q_heads = c.integer("q_num_heads", 0), kv_heads = c.integer("kv_num_heads", 0);
  const Tensor q = split_heads(c.input(0), q_heads);
  Tensor k = split_heads(c.input(1), kv_heads), v = split_heads(c.input(2), kv_heads);
  ops::AttentionOptions options{.scale = c.real("scale", 0),
                                .causal = c.integer("is_causal", 0) != 0,
                                .softcap = c.real("softcap", 0),
                                .mask = c.input(3)};
  if (const Tensor past_key = c.input(4)) {
    const Tensor past_value = c.input(5);
    options.past = past_key.size(2);
    k = ops::concatenate(std::array{past_key, k}, 2);
    v = ops::concatenate(std::array{past_value, v}, 2);
  }
  const Tensor lengths = c.input(6);
  const Tensor y = lengths ? padded_attention(q, k, v, lengths, options) : ops::attention(q, k, v, options);
  Outputs out = {flat ? merge_heads(y) : y, k, v, {}};
  if (c.output(3)) out[3] = score_matrix(q, k, options, c.integer("qk_matmul_output_mode", 0));
  return out;
}

// ---- Everything else
// -----------------------------------------------------------------------------------------------

Outputs run_norm(const Case& c) {
  const Tensor x = c.input(0), gamma = c.input(1).view({-1}),
               beta = c.input(2) ? c.input(2).view({-1}) : Tensor();
  const Tensor rows = x.view({-1, gamma.numel()});  // the normalised dimensions are the trailing ones
  const float eps = c.real("epsilon", 1e-5f);
  const Tensor y = c.op_type == "LayerNormalization" ? ops::layer_norm(rows, gamma, beta, eps)
                                                     : ops::rms_norm(rows, gamma, eps);
  return {y.view(x.shape()), {}, {}};
}

Outputs run_rotary_embedding(const Case& c) {
  const bool flat = c.input(0).rank() == 3;
  const Tensor x = split_heads(c.input(0), c.integer("num_heads", 0));  // (B, H, T, D)
  const auto layout =
      c.integer("interleaved", 0) != 0 ? ops::RopeLayout::interleaved : ops::RopeLayout::halves;
  std::vector<std::int32_t> in_order(static_cast<std::size_t>(x.size(2)));
  std::iota(in_order.begin(), in_order.end(), 0);
  std::vector<Tensor> parts;
  for (std::int64_t b = 0; b < x.size(0); ++b) {
    // Without ids the tables hold one row for each position of each batch element.
    const bool has_ids = c.input(3).defined();
    const Tensor positions = has_ids ? c.input(3).select(0, b).to(DType::i32)
                                     : Tensor::from(std::span<const std::int32_t>(in_order), {x.size(2)});
    const Tensor cos = has_ids ? c.input(1) : c.input(1).select(0, b);
    const Tensor sin = has_ids ? c.input(2) : c.input(2).select(0, b);
    const Tensor y = ops::rope(x.select(0, b).transpose(0, 1), positions, cos, sin, layout);  // (T, H, D)
    parts.push_back(y.view({1, y.size(0), y.size(1), y.size(2)}).transpose(1, 2));
  }
  const Tensor y = ops::concatenate(parts, 0);
  return {flat ? merge_heads(y) : y};
}

Outputs run_gemm(const Case& c) {
  const Tensor a = c.integer("transA", 0) != 0 ? c.input(0).transpose(0, 1) : c.input(0);
  const float alpha = c.real("alpha", 1), beta = c.real("beta", 1);
  const bool transpose_b = c.integer("transB", 0) != 0;
  const Tensor bias = c.input(2);
  if (bias && bias.rank() == 2 && bias.size(0) == 1 && bias.size(1) > 1 && alpha == 1 && beta == 1) {
    return {ops::matmul(a, c.input(1), {.transpose_b = transpose_b, .bias = bias.view({-1})})};
  }
  Tensor y = ops::multiply(ops::matmul(a, c.input(1), {.transpose_b = transpose_b}), scalar_like(a, alpha));
  if (bias) y = ops::add(y, ops::multiply(bias, scalar_like(bias, beta)));
  return {y};
}

Outputs run_matmul(const Case& c) {
  const Tensor a = c.input(0), b = c.input(1);
  // A vector is a matrix of one row (left) or one column (right), which the result does not keep.
  const Tensor left = a.rank() == 1 ? a.view({1, -1}) : a;
  const Tensor right = b.rank() == 1 ? b.view({-1, 1}) : b;
  return {ops::matmul(left, right).view(c.output(0).shape())};
}

Outputs run_swiglu(const Case& c) {
  // a sigmoid(alpha a) b = silu(alpha a) b / alpha
  const Tensor a = c.input(0), b = c.input(1);
  const float alpha = c.real("alpha", 1);
  if (alpha == 1) return {ops::swiglu(a, b)};
  return {ops::multiply(ops::swiglu(ops::multiply(a, scalar_like(a, alpha)), b), scalar_like(a, 1 / alpha))};
}

Outputs run_swish(const Case& c) {
  const Tensor x = c.input(0);
  const float alpha = c.real("alpha", 1);
  const Tensor y = ops::activate(ops::multiply(x, scalar_like(x, alpha)), ops::Activation::silu);
  return {ops::multiply(y, scalar_like(x, 1 / alpha))};
}

std::optional<Outputs> run(const Case& c) {
  if (c.op_type == "Attention") return run_attention(c);
  if (c.op_type == "LayerNormalization" || c.op_type == "RMSNormalization") return run_norm(c);
  if (c.op_type == "RotaryEmbedding") return run_rotary_embedding(c);
  if (c.op_type == "Softmax")
    return Outputs{ops::softmax(c.input(0), static_cast<int>(c.integer("axis", -1)))};
  if (c.op_type == "LogSoftmax")
    return Outputs{ops::log_softmax(c.input(0), static_cast<int>(c.integer("axis", -1)))};
  if (c.op_type == "Gelu") {
    const bool tanh = c.text("approximate", "none") == "tanh";
    return Outputs{ops::activate(c.input(0), tanh ? ops::Activation::gelu_tanh : ops::Activation::gelu_erf)};
  }
  if (c.op_type == "Gemm") return run_gemm(c);
  if (c.op_type == "MatMul") return run_matmul(c);
  if (c.op_type == "SwiGLU") return run_swiglu(c);
  if (c.op_type == "Swish") return run_swish(c);
  return std::nullopt;
}

// The error that the reference itself (NumPy in the tensors' own dtype) may carry.
double slack(const Case& c, const Tensor& expected) {
  double largest = 0;
  for (const double x : doubles(expected))
    largest = std::isfinite(x) ? std::max(largest, std::fabs(x)) : largest;
  const bool half = expected.dtype() == DType::f16;
  return largest * (half ? (c.op_type == "Attention" ? 2e-3 : 1e-3) : 2e-6);
}

}  // namespace

TEST_CASE("every ONNX node test runs or is named with the reason", "[ops][onnx][golden]") {
  const auto root = shared_dir() / "vectors" / "onnx";
  if (!have(root)) return;
  std::set<std::string> folders;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (entry.is_directory()) folders.insert(entry.path().filename().string());
  }
  for (const auto& [name, reason] : out_of_scope) {
    CHECK(folders.count(name) == 1);
    std::cout << "out of scope: " << name << ": " << reason << '\n';
  }

  std::map<std::string, int> ran;
  std::set<std::string> not_returned;
  for (const std::string& name : folders) {
    if (out_of_scope.count(name) != 0) continue;
    CAPTURE(name);
    const Case c = onnx::read_case(root / name);
    const auto outputs = run(c);
    CHECKED_IF(outputs.has_value()) {
      ++ran[c.op_type];
      for (std::size_t i = 0; i < c.output_names.size(); ++i) {
        const Tensor expected = c.output(i);
        if (!expected) continue;
        CAPTURE(c.output_names[i]);
        if (i >= outputs->size() || !(*outputs)[i]) {
          not_returned.insert(c.op_type + "." + c.output_names[i]);
          continue;
        }
        const Tensor& y = (*outputs)[i];
        CHECK(y.shape() == expected.shape());
        CHECK(y.dtype() == expected.dtype());
        CHECK(difference(y, doubles(expected), slack(c, expected)) == "");
      }
    }
  }
  int total = 0;
  for (const auto& [op, count] : ran) {
    std::cout << op << ": " << count << " node tests ran\n";
    total += count;
  }
  std::cout << total << " of " << folders.size() << " ran, " << out_of_scope.size() << " are out of scope\n";
  CHECK(total + static_cast<int>(out_of_scope.size()) == static_cast<int>(folders.size()));
  // Statistics for a backward pass; ops::layer_norm returns its result only.
  CHECK(not_returned == std::set<std::string>{"LayerNormalization.InvStdDev", "LayerNormalization.Mean"});
}
