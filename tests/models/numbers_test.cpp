// Logits and hidden states against transformers: float64 for f32, the same type's own error for 16 bits.
#include <cmath>

#include "models/golden.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("f32 logits and every layer's hidden state are within 2e-5 of the float64 reference",
          "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string name = GENERATE_COPY(from_range(golden_names(device)));
  CAPTURE(name);
  const Golden golden(name);
  const Decoder decoder = load_decoder(golden.dir, {.device = device, .dtype = DType::f32});
  REQUIRE(decoder.dtype() == DType::f32);

  const Outputs out = run(decoder, golden.ids);
  REQUIRE(static_cast<std::int64_t>(out.hidden.size()) == golden.hidden.size(0));
  for (std::size_t layer = 0; layer < out.hidden.size(); ++layer) {
    CAPTURE(layer);
    CHECK(relative_error(out.hidden[layer], golden.hidden.select(0, static_cast<std::int64_t>(layer))) <=
          golden_bound);
  }
  CHECK(relative_error(out.logits, golden.logits) <= golden_bound);
}

namespace {

// |out - ref| <= 2 |same-dtype reference - ref| + 2 ulp, over the largest of each tensor: single elements of
// the reference hit the exact value by luck.
void check_half(const Tensor& out, const Tensor& half, const Tensor& reference, DType dtype) {
  const int fraction_bits = dtype == DType::bf16 ? 7 : 10;
  const double ulp = std::exp2(std::floor(std::log2(max_magnitude(reference))) - fraction_bits);
  CHECK(max_difference(out, reference) <= 2 * max_difference(half, reference) + 2 * ulp);
}

}  // namespace

TEST_CASE("16-bit checkpoints err at most twice as much as torch in the same type",
          "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string name =
      GENERATE("gpt2-d64-untied-f16", "gpt2-d80-silu-bf16", "llama-linear-bf16", "qwen2-yarn-f16");
  CAPTURE(name);
  const Golden golden(name);
  REQUIRE(golden.logits_half.defined());
  const Decoder decoder = load_decoder(golden.dir, {.device = device});
  REQUIRE(decoder.dtype() == (name.find("bf16") != name.npos ? DType::bf16 : DType::f16));

  const Outputs out = run(decoder, golden.ids);
  for (std::size_t i = 0; i < out.hidden.size(); ++i) {
    CAPTURE(i);
    const auto layer = static_cast<std::int64_t>(i);
    check_half(out.hidden[i], golden.hidden_half.select(0, layer), golden.hidden.select(0, layer),
               decoder.dtype());
  }
  check_half(out.logits, golden.logits_half, golden.logits, decoder.dtype());
}

TEST_CASE("forward gives every position of every sequence the logits that it gets alone",
          "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string name = GENERATE("gpt2-d32-square", "llama3-scaled");
  const Golden golden(name);
  const Decoder decoder = load_decoder(golden.dir, {.device = device});
  const Ids first(golden.ids.begin(), golden.ids.begin() + 9);
  const Ids second(golden.ids.begin() + 9, golden.ids.begin() + 18);
  Ids both = first;
  both.insert(both.end(), second.begin(), second.end());

  const Tensor logits = decoder.forward(Tensor::from(std::span<const std::int32_t>(both), {2, 9}));
  REQUIRE(logits.shape() == Shape{2, 9, decoder.config().vocab_size});
  CHECK(same_bytes(logits.select(0, 0), run(decoder, first).logits));
  CHECK(same_bytes(logits.select(0, 1), run(decoder, second).logits));
}
