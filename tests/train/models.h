// tests/train/models.h: small models whose every parameter is random.
#pragma once

#include <map>
#include <string>

#include "adlib/core/random.h"
#include "adlib/models/decoder.h"

namespace adlib::test {

/// Over the ids of byte_tokenizer(). GPT-2, or Qwen2 with grouped heads and a head of its own.
inline DecoderConfig small_config(DecoderConfig::Family family = DecoderConfig::Family::gpt2) {
  DecoderConfig config;
  config.family = family;
  config.vocab_size = 257;
  config.context = 48;
  config.width = 16;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 4;
  config.head_dim = 4;
  config.mlp_width = 24;
  if (family == DecoderConfig::Family::gpt2) return config;
  config.kv_heads = 2;
  config.norm = nn::Norm::Kind::rms;
  config.positions = DecoderConfig::Positions::rope;
  config.rope.rotary_dim = config.head_dim;
  config.mlp = DecoderConfig::Mlp::gated;
  config.activation = ops::Activation::silu;
  config.attention_out_bias = false;
  config.mlp_bias = false;
  config.tied_embeddings = false;
  return config;
}

inline Decoder small_decoder(DecoderConfig::Family family = DecoderConfig::Family::gpt2,
                             Device device = Device::cpu) {
  const DecoderConfig config = small_config(family);
  std::map<std::string, Tensor> tensors;
  std::uint64_t stream = 0;
  for (const TensorSpec& spec : tensor_specs(config)) {
    const Philox random(11, stream++);
    Tensor values = Tensor::empty(spec.shape);
    std::uint64_t index = 0;
    const double center = spec.role == TensorRole::norm && spec.name.ends_with("weight") ? 1.0 : 0.0;
    for (float& value : values.data<float>())
      value = static_cast<float>(center + 0.2 * random.normal(index++));
    tensors[spec.name] = values;
  }
  return Decoder(config, Weights::from(tensors).to(device));
}

}  // namespace adlib::test
