#include "adlib/nn/embedding.h"

#include "nn/oracle.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("a table of codes gives the same rows and scores before it is packed and after",
          "[nn][embedding][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string text = GENERATE("int8", "int8:64", "int4:32");
  CAPTURE(text);
  const ops::WeightFormat format = ops::WeightFormat::parse(text);
  const ops::QuantizedMatrix q = ops::quantize(random_tensor({10, 100}, 1).to(device), format);
  nn::Embedding table(Weights::from({{"weight", q.codes}, {"weight_scale", q.scales}}), 10, 100);
  const Tensor ids = Tensor::from<std::int32_t>({9, 0, 3}, {3}).to(device),
               x = random_tensor({4, 100}, 2).to(device);
  CHECK(table.is_quantized());
  const Tensor rows = table(ids, DType::f32), scores = table.logits(x);
  CHECK(same_bits(rows, ops::embedding(ops::dequantize(q), ids)));
  table.pack(format);
  CHECK(table.format() == format);
  CHECK(same_bits(table(ids, DType::f32), rows));
  CHECK(same_bits(table.logits(x), scores));
}

TEST_CASE("a table of numbers is looked up in its own dtype only", "[nn][embedding][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const nn::Embedding table(Weights::from({{"weight", random_tensor({10, 8}, 1).to(device)}}), 10, 8);
  const Tensor ids = Tensor::from<std::int32_t>({1}, {1}).to(device);
  CHECK(table(ids, DType::f32).shape() == Shape{1, 8});
  CHECK_THROWS_WITH(table(ids, DType::bf16), ContainsSubstring("expected bf16"));
}
