#include "model_flags.h"

#include <algorithm>
#include <array>

#include "app.h"

namespace adlib::cli {
namespace {

struct Size {
  const char* name;
  std::int64_t layers, width, heads, kv_heads, context, gated_mlp;
};
// GPT-2 has an MLP of four times the width and as many key heads as heads; Llama's gated MLP has three
// matrices, so that about 8/3 of the width costs the same.
constexpr std::array<Size, 3> sizes = {{{"tiny", 2, 64, 4, 2, 2048, 176},
                                        {"small", 6, 384, 6, 2, 2048, 1024},
                                        {"124m", 12, 768, 12, 4, 1024, 2048}}};

}  // namespace

DecoderConfig make_config(const ModelFlags& flags, std::int64_t vocab_size) {
  const Size& size =
      *std::find_if(sizes.begin(), sizes.end(), [&](const Size& s) { return flags.size == s.name; });
  const auto pick = [](std::int64_t asked, std::int64_t own) { return asked > 0 ? asked : own; };
  const bool gpt2 = flags.family == "gpt2";
  DecoderConfig config;
  config.vocab_size = vocab_size;
  config.layers = pick(flags.layers, size.layers);
  config.width = pick(flags.width, size.width);
  config.heads = pick(flags.heads, size.heads);
  const bool own_shape = flags.heads == 0;
  config.kv_heads = pick(flags.kv_heads, gpt2 || !own_shape ? config.heads : size.kv_heads);
  config.context = pick(flags.context, size.context);
  config.mlp_width = pick(flags.mlp_width, gpt2               ? 4 * config.width
                                           : flags.width == 0 ? size.gated_mlp
                                                              : (8 * config.width + 2) / 3);
  if (config.width % config.heads != 0) {
    throw UsageError("--width is " + std::to_string(config.width) + ", which --heads " +
                     std::to_string(config.heads) + " does not divide");
  }
  config.head_dim = config.width / config.heads;
  if (!gpt2) {
    config.family = flags.family == "llama" ? DecoderConfig::Family::llama : DecoderConfig::Family::qwen2;
    config.norm = nn::Norm::Kind::rms;
    config.norm_eps = 1e-6f;
    config.positions = DecoderConfig::Positions::rope;
    config.rope.rotary_dim = config.head_dim;
    config.mlp = DecoderConfig::Mlp::gated;
    config.activation = ops::Activation::silu;
    config.qkv_bias = config.family == DecoderConfig::Family::qwen2;
    config.attention_out_bias = false;
    config.mlp_bias = false;
  }
  try {
    validate(config);
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  return config;
}

void add_model_flags(CLI::App& command, ModelFlags& flags) {
  command.add_option("--family", flags.family, "The kind of decoder")
      ->check(CLI::IsMember({"gpt2", "llama", "qwen2"}))
      ->capture_default_str();
  command
      .add_option("--size", flags.size,
                  "Layers x width: tiny 2 x 64, small 6 x 384, 124m 12 x 768 (as the smallest GPT-2)")
      ->check(CLI::IsMember({"tiny", "small", "124m"}))
      ->capture_default_str();
  const auto shape = [&](const char* flag, std::int64_t& value, std::int64_t most, const char* what) {
    command.add_option(flag, value, what)
        ->check(CLI::Range(std::int64_t{1}, most))
        ->type_name("N")
        ->group("Instead of the size's own");
  };
  shape("--layers", flags.layers, 1024, "Decoder blocks");
  shape("--width", flags.width, 65536, "Numbers that describe a token");
  shape("--heads", flags.heads, 1024, "Attention heads; divides the width");
  shape("--kv-heads", flags.kv_heads, 1024,
        "Heads of keys and values; divides the heads (gpt2: the same number)");
  shape("--context", flags.context, 1 << 20, "The most tokens a text may have, prompt included");
  shape("--mlp-width", flags.mlp_width, 1 << 20, "Width inside the feed-forward part");
}

}  // namespace adlib::cli
