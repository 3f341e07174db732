// What quantisation costs a model of GPT-2's smallest shape: hidden, since it takes minutes and 2 GB. The
// table in docs/models.md is its output: test_models "[.quality]"
#include <iostream>

#include "adlib/models/quantize.h"
#include "models/double_decoder.h"
#include "models/heavy_tailed.h"

using namespace adlib;
using namespace adlib::test;

namespace {

// The largest error of any product of the decoder, each with its own float input, against the same codes
// multiplied in double. Whole models would not compare the same codes: where an input lies so near the middle
// of two codes that float and double take different ones, all later codes differ, too.
double worst_product(const Outputs& out, const DecoderConfig& config, std::map<std::string, Tensor> tensors,
                     const ops::WeightFormat& format) {
  const DoubleDecoder exact(config, tensors, format);
  const auto rows = static_cast<std::size_t>(out.logits.size(0));
  double worst = 0;
  const auto product = [&](const Tensor& x, const std::string& name) {
    const ops::PackedMatrix w({name.ends_with("wte") ? head_format(format) : format, x.size(1),
                               tensors.at(name + ".weight"), tensors.at(name + ".weight_scale")});
    const auto bias = tensors.find(name + ".bias");
    const Tensor y = ops::matmul(x, w, {.bias = bias == tensors.end() ? Tensor{} : bias->second});
    worst = std::max(worst, frobenius_error(doubles(y), exact.product(doubles(x), name, rows, false)));
    return y;
  };
  const auto norm = [&](const Tensor& x, const std::string& name) {
    return ops::layer_norm(x, tensors.at(name + ".weight"), tensors.at(name + ".bias"), config.norm_eps);
  };
  const std::int64_t length = out.logits.size(0), heads = config.heads, width = config.width;
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string base = "transformer.h." + std::to_string(layer) + ".";
    const Tensor& x = out.hidden[static_cast<std::size_t>(layer)];
    const Tensor qkv = product(norm(x, base + "ln_1"), base + "attn.c_attn").view({1, length, 3 * heads, 64});
    const auto part = [&](std::int64_t i) {
      return qkv.slice(2, i * heads, (i + 1) * heads).transpose(1, 2).contiguous();
    };
    const Tensor mixed = ops::attention(part(0), part(1), part(2), {.causal = true});
    const Tensor attended =
        ops::add(x, product(mixed.transpose(1, 2).contiguous().view({length, width}), base + "attn.c_proj"));
    const Tensor inner = product(norm(attended, base + "ln_2"), base + "mlp.c_fc");
    product(ops::activate(inner, config.activation), base + "mlp.c_proj");
  }
  const Tensor logits = product(out.hidden.back(), "transformer.wte");
  CHECK(frobenius_error(doubles(logits), doubles(out.logits)) == 0);
  return worst;
}

}  // namespace

TEST_CASE("quantised logits at the 124M shape, by the same codes in double and by f32", "[.quality]") {
  DecoderConfig config;
  config.vocab_size = 50257;
  config.context = 1024;
  config.width = 768;
  config.layers = 12;
  config.heads = config.kv_heads = 12;
  config.head_dim = 64;
  config.mlp_width = 3072;
  const Weights weights = Weights::from(heavy_tailed(config));
  const Ids ids = some_ids(config, 32);
  const std::vector<double> exact = doubles(run(Decoder(config, weights), ids).logits);
  std::cout << "| weights | bytes a weight | error by f32 | error by the same codes in double |\n"
               "|---|---|---|---|\n";
  for (const char* text :
       {"bf16", "int8", "int8:128", "int8:64", "int8:32", "int4:32", "int4:64", "int4:128"}) {
    const ops::WeightFormat format = ops::WeightFormat::parse(text);
    const Decoder decoder(config, weights, format);
    const Outputs out = run(decoder, ids);
    double by_codes = 0;
    std::int64_t bytes = 0;
    for (const auto& [name, tensor] : decoder.named_tensors())
      bytes += tensor.numel() * static_cast<std::int64_t>(size_of(tensor.dtype()));
    if (format.type >= ops::WeightFormat::Type::i8) {
      by_codes = worst_product(out, config, decoder.named_tensors(), format);
      CHECK(by_codes <= 1e-3);
    }
    std::cout << "| " << text << " | "
              << static_cast<double>(bytes) / static_cast<double>(parameter_count(config)) << " | "
              << 100 * frobenius_error(doubles(out.logits), exact) << "% | " << by_codes << " |" << std::endl;
  }
}
