// What quantisation costs a model of GPT-2's smallest shape: hidden, since it takes minutes and 2 GB. The
// table in docs/models.md is its output: test_models "[.quality]"
#include <iostream>

#include "adlib/models/quantize.h"
#include "models/double_decoder.h"
#include "models/heavy_tailed.h"

using namespace adlib;
using namespace adlib::test;

namespace {

// The largest error of any part, a block or the head, from the decoder's own input of that part. Twelve
// blocks in a row would compare other codes: an input that float and double round to neighbouring codes,
// which is rare, makes all later inputs other ones, and saturated attention magnifies it.
double worst_part(const Outputs& out, const DoubleDecoder& exact, std::int64_t layers) {
  double worst = 0;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    const auto at = static_cast<std::size_t>(layer);
    std::vector<double> x = exact.block(doubles(out.hidden[at]), layer);
    if (layer == layers - 1) x = exact.final_norm(x);
    worst = std::max(worst, frobenius_error(doubles(out.hidden[at + 1]), x));
  }
  return std::max(worst, frobenius_error(doubles(out.logits), exact.scores(doubles(out.hidden.back()))));
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
      by_codes = worst_part(out, DoubleDecoder(config, decoder.named_tensors(), format), config.layers);
      CHECK(by_codes <= 1e-3);
    }
    std::cout << "| " << text << " | "
              << static_cast<double>(bytes) / static_cast<double>(parameter_count(config)) << " | "
              << 100 * frobenius_error(doubles(out.logits), exact) << "% | " << by_codes << " |" << std::endl;
  }
}
