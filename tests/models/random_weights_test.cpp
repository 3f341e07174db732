// Fresh models: the distribution that GPT-2 was initialised with.
#include "models/golden.h"

using namespace adlib;
using namespace adlib::test;

namespace {

DecoderConfig config_of(DecoderConfig::Family family) {
  using C = DecoderConfig;
  C config;
  config.family = family;
  config.vocab_size = 500;
  config.context = 128;
  config.width = 96;
  config.layers = 3;
  config.heads = 6;
  config.kv_heads = family == C::Family::gpt2 ? 6 : 2;
  config.head_dim = 16;
  config.mlp_width = 200;
  if (family != C::Family::gpt2) {
    config.norm = nn::Norm::Kind::rms;
    config.positions = C::Positions::rope;
    config.rope.rotary_dim = 16;
    config.mlp = C::Mlp::gated;
    config.activation = ops::Activation::silu;
    config.attention_out_bias = false;
    config.mlp_bias = false;
    config.qkv_bias = family == C::Family::qwen2;
    config.tied_embeddings = false;
  }
  return config;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
  double largest = 0;
};
Moments moments_of(const Tensor& tensor) {
  const Tensor packed = tensor.contiguous();
  Moments out;
  double squares = 0;
  const auto values = floats(packed);
  for (const float value : values) {
    out.mean += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
    out.largest = std::max(out.largest, std::abs(static_cast<double>(value)));
  }
  const auto count = static_cast<double>(values.size());
  out.mean /= count;
  out.deviation = std::sqrt(squares / count - out.mean * out.mean);
  return out;
}

}  // namespace

TEST_CASE("fresh weights have deviation 0.02, smaller into the residual; biases 0, gains 1", "[models]") {
  using Family = DecoderConfig::Family;
  const Family family = GENERATE(Family::gpt2, Family::llama, Family::qwen2);
  const DecoderConfig config = config_of(family);
  const Decoder decoder(config, random_weights(config, 42));
  std::int64_t numbers = 0;
  int residual = 0;
  for (const auto& [name, tensor] : decoder.named_tensors()) {
    CAPTURE(name);
    numbers += tensor.numel();
    const Moments m = moments_of(tensor);
    if (name.ends_with(".bias")) {
      CHECK(m.largest == 0);
    } else if (tensor.rank() == 1) {
      CHECK(m.mean == 1);
      CHECK(m.largest == 1);
    } else if (name.ends_with("wpe.weight")) {
      CHECK(std::hypot(m.deviation, m.mean) == Approx(0.02).epsilon(1e-4));  // sin² + cos² = 1
      CHECK(m.largest == Approx(0.02 * std::sqrt(2.0)));
    } else {
      const bool into_residual = name.ends_with("c_proj.weight") || name.ends_with("o_proj.weight") ||
                                 name.ends_with("down_proj.weight");
      residual += into_residual;
      const double wanted = into_residual ? 0.02 / std::sqrt(2.0 * 3.0) : 0.02;
      const double n = static_cast<double>(tensor.numel());
      CHECK(std::abs(m.mean) < 5 * wanted / std::sqrt(n));  // five standard errors
      CHECK(std::abs(m.deviation / wanted - 1) < 5 / std::sqrt(2 * n));
      CHECK(m.largest > 3 * wanted);  // tails, which uniform lacks
      CHECK(m.largest < 7 * wanted);
    }
  }
  CHECK(residual == 6);
  CHECK(numbers == parameter_count(config));
}

TEST_CASE("fresh positions are sinusoids: the same turn leads from any place to the next", "[models]") {
  const DecoderConfig config = config_of(DecoderConfig::Family::gpt2);
  const Tensor table =
      Decoder(config, random_weights(config, 42)).named_tensors().at("transformer.wpe.weight");
  const auto at = [&](std::int64_t position, std::int64_t column) {
    return table.data<float>()[static_cast<std::size_t>(position * config.width + column)] /
           (0.02 * std::sqrt(2.0));
  };
  for (std::int64_t pair = 0; pair < config.width; pair += 2) {
    const double turn = std::pow(10000.0, -static_cast<double>(pair) / static_cast<double>(config.width));
    CHECK(at(0, pair) == Approx(0).margin(1e-6));
    CHECK(at(0, pair + 1) == Approx(1));
    for (std::int64_t position = 0; position + 1 < config.context; ++position) {
      const double sine = at(position, pair), cosine = at(position, pair + 1);
      CHECK(at(position + 1, pair) == Approx(sine * std::cos(turn) + cosine * std::sin(turn)).margin(1e-5));
      CHECK(at(position + 1, pair + 1) ==
            Approx(cosine * std::cos(turn) - sine * std::sin(turn)).margin(1e-5));
    }
  }
}

TEST_CASE("the same seed gives the same weights and another seed others", "[models]") {
  const DecoderConfig config = config_of(DecoderConfig::Family::qwen2);
  const auto a = Decoder(config, random_weights(config, 1)).named_tensors();
  const auto b = Decoder(config, random_weights(config, 1)).named_tensors();
  const auto c = Decoder(config, random_weights(config, 2)).named_tensors();
  for (const auto& [name, tensor] : a) {
    CAPTURE(name);
    CHECK(same_bytes(tensor, b.at(name)));
    if (tensor.rank() == 2) CHECK_FALSE(same_bytes(tensor, c.at(name)));
  }
  // No tensor repeats another's stream.
  const Tensor q = a.at("model.layers.0.self_attn.k_proj.weight").contiguous();
  const Tensor v = a.at("model.layers.0.self_attn.v_proj.weight").contiguous();
  CHECK_FALSE(same_bytes(q, v));
}

TEST_CASE("fresh weights in a 16-bit type are the f32 ones, rounded", "[models]") {
  const DecoderConfig config = config_of(DecoderConfig::Family::gpt2);
  const auto wide = Decoder(config, random_weights(config, 9)).named_tensors();
  const Decoder half(config, random_weights(config, 9, DType::bf16));
  CHECK(half.dtype() == DType::bf16);
  for (const auto& [name, tensor] : half.named_tensors()) {
    CAPTURE(name);
    CHECK(same_bytes(tensor, wide.at(name).to(DType::bf16)));
  }
}
