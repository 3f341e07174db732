// Fresh weights for every family, from the same tables of names that loading uses.
#include <cmath>

#include "adlib/core/random.h"
#include "adlib/models/decoder.h"

namespace adlib {
namespace {

class Builder {
 public:
  Builder(const DecoderConfig& config, std::uint64_t seed, DType dtype)
      : config_(config), names_(names_of(config.family)), seed_(seed), dtype_(dtype) {}

  std::map<std::string, Tensor> build() {
    const std::string root = names_.root + ".";
    constexpr double deviation = 0.02;
    const double residual_deviation = deviation / std::sqrt(2.0 * static_cast<double>(config_.layers));
    normal(root + names_.token_embedding + ".weight", {config_.vocab_size, config_.width}, deviation);
    if (config_.positions == DecoderConfig::Positions::learned) {
      normal(root + names_.position_embedding + ".weight", {config_.context, config_.width}, deviation);
    }
    const std::int64_t queries = config_.heads * config_.head_dim;
    const std::int64_t keys = config_.kv_heads * config_.head_dim;
    for (std::int64_t layer = 0; layer < config_.layers; ++layer) {
      const std::string base = root + names_.layer + "." + std::to_string(layer) + ".";
      norm(base + names_.attention_norm);
      if (names_.qkv.size() == 1) {
        linear(base + names_.qkv[0], config_.width, queries + 2 * keys, config_.qkv_bias, deviation);
      } else {
        linear(base + names_.qkv[0], config_.width, queries, config_.qkv_bias, deviation);
        linear(base + names_.qkv[1], config_.width, keys, config_.qkv_bias, deviation);
        linear(base + names_.qkv[2], config_.width, keys, config_.qkv_bias, deviation);
      }
      linear(base + names_.attention_out, queries, config_.width, config_.attention_out_bias,
             residual_deviation);
      norm(base + names_.mlp_norm);
      if (config_.mlp == DecoderConfig::Mlp::gated) {
        linear(base + names_.mlp_gate, config_.width, config_.mlp_width, config_.mlp_bias, deviation);
      }
      linear(base + names_.mlp_up, config_.width, config_.mlp_width, config_.mlp_bias, deviation);
      linear(base + names_.mlp_down, config_.mlp_width, config_.width, config_.mlp_bias, residual_deviation);
    }
    norm(root + names_.final_norm);
    if (!config_.tied_embeddings) {
      normal(names_.head + ".weight", {config_.vocab_size, config_.width}, deviation);
    }
    return std::move(tensors_);
  }

 private:
  // Each tensor draws from a stream of its own, so that adding one changes no other.
  void normal(const std::string& name, const Shape& shape, double deviation) {
    const Philox random(seed_, stream_++);
    Tensor values = Tensor::empty(shape);
    std::uint64_t index = 0;
    for (float& value : values.data<float>()) value = static_cast<float>(deviation * random.normal(index++));
    tensors_[name] = values.to(dtype_);
  }
  void constant(const std::string& name, std::int64_t width, float value) {
    Tensor values = Tensor::empty({width});
    for (float& element : values.data<float>()) element = value;
    tensors_[name] = values.to(dtype_);
  }
  void linear(const std::string& name, std::int64_t in, std::int64_t out, bool bias, double deviation) {
    const bool in_out = names_.layout == nn::Linear::Layout::in_out;
    normal(name + ".weight", in_out ? Shape{in, out} : Shape{out, in}, deviation);
    if (bias) constant(name + ".bias", out, 0.0f);
  }
  void norm(const std::string& name) {
    constant(name + ".weight", config_.width, 1.0f);
    if (config_.norm == nn::Norm::Kind::layer) constant(name + ".bias", config_.width, 0.0f);
  }

  const DecoderConfig& config_;
  const DecoderNames& names_;
  std::uint64_t seed_;
  DType dtype_;
  std::uint64_t stream_ = 0;
  std::map<std::string, Tensor> tensors_;
};

}  // namespace

Weights random_weights(const DecoderConfig& config, std::uint64_t seed, DType dtype) {
  validate(config);
  return Weights::from(Builder(config, seed, dtype).build(), concat("random weights of seed ", seed));
}

}  // namespace adlib
