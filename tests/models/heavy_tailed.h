// tests/models/heavy_tailed.h: fresh models whose weights are as hard to quantise as trained ones.
#pragma once

#include <cmath>

#include "adlib/core/random.h"
#include "models/golden.h"

namespace adlib::test {

/// A small decoder of each family.
inline DecoderConfig small_config(DecoderConfig::Family family, bool tied) {
  using C = DecoderConfig;
  C c;
  c.family = family;
  c.vocab_size = 131;
  c.context = 64;
  c.layers = 2;
  c.tied_embeddings = tied;
  if (family == C::Family::gpt2) {
    c.width = 96, c.heads = c.kv_heads = 4, c.head_dim = 24, c.mlp_width = 384;
    return c;
  }
  const bool qwen2 = family == C::Family::qwen2;
  c.heads = qwen2 ? 5 : 4, c.kv_heads = qwen2 ? 1 : 2, c.head_dim = 16;
  c.width = c.heads * c.head_dim, c.mlp_width = 2 * c.width + 43;  // an odd number of inputs of mlp_down
  c.norm = nn::Norm::Kind::rms;
  c.norm_eps = 1e-6f;
  c.positions = C::Positions::rope;
  c.rope.rotary_dim = c.head_dim;
  c.mlp = C::Mlp::gated;
  c.activation = ops::Activation::silu;
  c.qkv_bias = qwen2;
  c.attention_out_bias = c.mlp_bias = false;
  return c;
}

/// Weights with Student's t of four degrees of freedom, of the size of GPT-2's; biases too are not zero. Each
/// norm of a layer has two channels `outlier` times as loud.
inline std::map<std::string, Tensor> heavy_tailed(const DecoderConfig& config, std::uint64_t seed = 1,
                                                  float outlier = 20) {
  std::map<std::string, Tensor> tensors;
  std::uint64_t stream = 0;
  for (const TensorSpec& spec : tensor_specs(config)) {
    const Philox normal(seed, 2 * stream), tails(seed, 2 * stream + 1);
    ++stream;
    Tensor values = Tensor::empty(spec.shape);
    const auto data = values.data<float>();
    const bool gain = spec.role == TensorRole::norm && spec.name.ends_with(".weight");
    for (std::size_t i = 0; i < data.size(); ++i) {
      const double z = normal.normal(i);
      if (spec.shape.rank() == 1) {
        data[i] = static_cast<float>(gain ? 1 + 0.1 * z : 0.01 * z);
        continue;
      }
      // χ² with four degrees of freedom is -2 log(u v) for u, v uniform on (0, 1].
      const double chi = -2 * std::log((1 - tails.uniform(2 * i)) * (1 - tails.uniform(2 * i + 1)));
      // GPT-2's 0.02 for its width of 768, kept for others as the deviation of a product.
      const double deviation = 0.55 / std::sqrt(static_cast<double>(config.width));
      data[i] = static_cast<float>(deviation * z * std::sqrt(4 / std::max(chi, 1e-9)));
    }
    if (gain && spec.name.find("." + names_of(config.family).layer + ".") != std::string::npos) {
      for (std::uint64_t i = 0; i < 2; ++i) data[tails.block(i)[0] % data.size()] *= outlier;
    }
    tensors[spec.name] = values;
  }
  return tensors;
}

/// A checkpoint directory of these tensors.
inline void write_checkpoint(const std::filesystem::path& dir, const DecoderConfig& config,
                             const std::map<std::string, Tensor>& tensors,
                             const WeightFormats& formats = {}) {
  std::filesystem::create_directories(dir);
  io::save_safetensors(dir / "model.safetensors", tensors);
  write_text(dir / "config.json", decoder_config_to_json(config, DType::f32, formats));
}

inline Ids some_ids(const DecoderConfig& config, std::int64_t count, std::uint64_t seed = 9) {
  const Philox random(seed);
  Ids ids;
  for (std::int64_t i = 0; i < count; ++i) {
    ids.push_back(static_cast<std::int32_t>(random.block(static_cast<std::uint64_t>(i))[0] %
                                            static_cast<std::uint64_t>(config.vocab_size)));
  }
  return ids;
}

/// ‖a - b‖ / ‖b‖ over all elements.
inline double frobenius_error(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double error = 0, total = 0;
  for (std::size_t i = 0; i < a.size(); ++i) error += (a[i] - b[i]) * (a[i] - b[i]), total += b[i] * b[i];
  return std::sqrt(error / total);
}

}  // namespace adlib::test
