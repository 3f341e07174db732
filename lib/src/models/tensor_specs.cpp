#include "adlib/models/decoder.h"

namespace adlib {
namespace {

class Specs {
 public:
  explicit Specs(const DecoderConfig& config) : config_(config), names_(names_of(config.family)) {}

  std::vector<TensorSpec> list() {
    const DecoderConfig& c = config_;
    const std::string root = names_.root + ".";
    const std::int64_t queries = c.heads * c.head_dim, keys = c.kv_heads * c.head_dim;
    add(root + names_.token_embedding + ".weight", {c.vocab_size, c.width}, TensorRole::token_embedding);
    if (c.positions == DecoderConfig::Positions::learned) {
      add(root + names_.position_embedding + ".weight", {c.context, c.width}, TensorRole::position_embedding);
    }
    for (std::int64_t layer = 0; layer < c.layers; ++layer) {
      const std::string base = root + names_.layer + "." + std::to_string(layer) + ".";
      norm(base + names_.attention_norm);
      if (names_.qkv.size() == 1) {
        linear(base + names_.qkv[0], c.width, queries + 2 * keys, c.qkv_bias, TensorRole::attention_qkv);
      } else {
        linear(base + names_.qkv[0], c.width, queries, c.qkv_bias, TensorRole::attention_qkv);
        linear(base + names_.qkv[1], c.width, keys, c.qkv_bias, TensorRole::attention_qkv);
        linear(base + names_.qkv[2], c.width, keys, c.qkv_bias, TensorRole::attention_qkv);
      }
      linear(base + names_.attention_out, queries, c.width, c.attention_out_bias, TensorRole::attention_out);
      norm(base + names_.mlp_norm);
      if (c.mlp == DecoderConfig::Mlp::gated) {
        linear(base + names_.mlp_gate, c.width, c.mlp_width, c.mlp_bias, TensorRole::mlp_gate);
      }
      linear(base + names_.mlp_up, c.width, c.mlp_width, c.mlp_bias, TensorRole::mlp_up);
      linear(base + names_.mlp_down, c.mlp_width, c.width, c.mlp_bias, TensorRole::mlp_down);
    }
    norm(root + names_.final_norm);
    if (!c.tied_embeddings) add(names_.head + ".weight", {c.vocab_size, c.width}, TensorRole::head);
    return std::move(specs_);
  }

 private:
  void add(std::string name, const Shape& shape, TensorRole role) {
    specs_.push_back({std::move(name), shape, role});
  }
  void linear(const std::string& name, std::int64_t in, std::int64_t out, bool bias, TensorRole role) {
    const bool in_out = names_.layout == nn::Linear::Layout::in_out;
    add(name + ".weight", in_out ? Shape{in, out} : Shape{out, in}, role);
    if (bias) add(name + ".bias", {out}, TensorRole::bias);
  }
  void norm(const std::string& name) {
    add(name + ".weight", {config_.width}, TensorRole::norm);
    if (config_.norm == nn::Norm::Kind::layer) add(name + ".bias", {config_.width}, TensorRole::norm);
  }

  const DecoderConfig& config_;
  const DecoderNames& names_;
  std::vector<TensorSpec> specs_;
};

}  // namespace

std::vector<TensorSpec> tensor_specs(const DecoderConfig& config) {
  validate(config);
  return Specs(config).list();
}

ops::WeightFormat format_of(TensorRole role, const WeightFormats& formats) {
  switch (role) {
    case TensorRole::token_embedding:
    case TensorRole::head:
      return formats.head;
    case TensorRole::attention_qkv:
    case TensorRole::attention_out:
    case TensorRole::mlp_gate:
    case TensorRole::mlp_up:
    case TensorRole::mlp_down:
      return formats.blocks;
    default:
      return {};
  }
}

}  // namespace adlib
