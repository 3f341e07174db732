// Texts on a device beside the CPU's.
#include "support/devices.h"
#include <cmath>
#include <map>
#include <string_view>

#include "adlib/generate/engine.h"
#include "generate/tiny.h"
#include "support/catch.h"
#include "support/no_text.h"

namespace adlib {
namespace {

using test::Ids;
using test::is_emulated;

// A model of a family that no golden of this folder has: grouped heads, RoPE, a gated MLP.
std::shared_ptr<const Decoder> small_qwen2(Device device, const char* format) {
  DecoderConfig config;
  config.family = DecoderConfig::Family::qwen2;
  config.vocab_size = 300;
  config.context = 128;
  config.width = 64;
  config.layers = 2;
  config.heads = 4;
  config.kv_heads = 2;
  config.head_dim = 16;
  config.mlp_width = 96;
  config.norm = nn::Norm::Kind::rms;
  config.positions = DecoderConfig::Positions::rope;
  config.rope.rotary_dim = config.head_dim;
  config.mlp = DecoderConfig::Mlp::gated;
  config.activation = ops::Activation::silu;
  config.attention_out_bias = config.mlp_bias = false;
  // Scores ten times those of fresh weights: none of two are so near that rounding decides.
  std::map<std::string, Tensor> tensors;
  const Weights fresh = random_weights(config, 3);
  for (const TensorSpec& spec : tensor_specs(config)) {
    const bool is_table = spec.role != TensorRole::norm && spec.role != TensorRole::bias;
    const Tensor values = fresh.take(spec.name, spec.shape);
    tensors[spec.name] = is_table ? ops::multiply(values, Tensor::from({10.0f}, {1})) : values;
  }
  return std::make_shared<const Decoder>(config, Weights::from(tensors).to(device),
                                         WeightFormats::parse(format));
}

}  // namespace

TEST_CASE("greedy text on a device is the CPU's, alone, in company and by beams", "[generate][device]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  if (device == Device::cpu) return;
  const bool gpt2 = GENERATE(true, false);
  const std::int64_t tokens = is_emulated(device) ? 8 : 60;
  const auto generator = [&](Device where) {
    const auto decoder = gpt2 ? test::tiny_decoder(where) : small_qwen2(where, "same");
    return Generator(decoder, std::make_shared<test::NoText>(decoder->config().vocab_size));
  };
  const Generator cpu = generator(Device::cpu), here = generator(device);
  std::vector<Ids> prompts = {{1, 2, 3}, {250, 7, 99, 4, 17}};
  Ids both(20, 11);  // a beginning that the engine shares
  for (const TokenId last : {5, 6}) {
    prompts.push_back(both);
    prompts.back().push_back(last);
  }
  GenerationConfig config;
  config.max_new_tokens = tokens;
  Engine engine(here, {.max_sequences = 3});
  std::vector<Engine::Ticket> tickets;
  for (const Ids& prompt : prompts) tickets.push_back(engine.submit({.prompt = prompt, .config = config}));
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    CAPTURE(gpt2, i);
    const Ids wanted = cpu.generate(prompts[i], config).completions[0].ids;
    CHECK(here.generate(prompts[i], config).completions[0].ids == wanted);
    CHECK(tickets[i].result.get().completions[0].ids == wanted);
  }
  config.num_beams = 3;
  config.max_new_tokens = is_emulated(device) ? 4 : 20;
  CHECK(here.generate(prompts[0], config).completions[0].ids ==
        cpu.generate(prompts[0], config).completions[0].ids);
}

TEST_CASE("scores on a device are near the CPU's with any weights and cache", "[generate][device]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  if (device == Device::cpu) return;
  const char* format = GENERATE("same", "bf16", "int8", "int4:32");
  const auto cache = GENERATE(DType::f32, DType::i8);
  CAPTURE(format, cache);
  const auto scores = [&](Device where) {
    const auto decoder = small_qwen2(where, format);
    Cache pages = decoder->make_cache(1, 0, cache);
    const std::vector<Row> prompt = {{.sequence = 0, .start = 0, .length = 5}},
                           next = {{.sequence = 0, .start = 5, .length = 1}};
    decoder->hidden({Tensor::from<std::int32_t>({1, 2, 250, 7, 99}, {5}), prompt}, pages);
    const Tensor hidden = decoder->hidden({Tensor::from<std::int32_t>({4}, {1}), next}, pages);
    return decoder->logits(hidden, std::vector<std::int32_t>{0}).to(Device::cpu);
  };
  const Tensor expected = scores(Device::cpu), got = scores(device);
  double error = 0, size = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    const double want = expected.data<float>()[i];
    error += std::pow(got.data<float>()[i] - want, 2);
    size += want * want;
  }
  // The CPU rounds the rows that meet codes to int8, a device to 16 bits.
  const bool exact = format == std::string_view("same");
  CHECK(std::sqrt(error / size) < (exact && cache == DType::f32 ? 2e-5 : exact ? 2e-2 : 6e-2));
}

}  // namespace adlib
