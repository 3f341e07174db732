#include "adlib/nn/linear.h"

#include "nn/oracle.h"
#include "support/catch.h"
#include "support/devices.h"

using namespace adlib;
using namespace adlib::test;
using nn::Linear;

namespace {

Linear make(const Tensor& weight, const Tensor& bias, Linear::Layout layout) {
  std::map<std::string, Tensor> tensors{{"weight", weight}};
  if (bias) tensors["bias"] = bias;
  const bool in_out = layout == Linear::Layout::in_out;
  return Linear(Weights::from(tensors), weight.size(in_out ? 0 : 1), weight.size(in_out ? 1 : 0), layout,
                bias.defined());
}

}  // namespace

TEST_CASE("a linear layer is x·W + b in both layouts", "[nn][linear][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const auto [rows, in, out] =
      GENERATE(table<int, int, int>({{1, 1, 1}, {3, 5, 7}, {2, 64, 33}, {9, 31, 128}}));
  const bool with_bias = GENERATE(true, false);
  CAPTURE(rows, in, out, with_bias);
  const Tensor x = random_tensor({rows, in}, 1).to(device);
  const Tensor bias = with_bias ? random_tensor({out}, 2).to(device) : Tensor{};
  const Tensor in_out = random_tensor({in, out}, 3).to(device);
  const Tensor out_in = random_tensor({out, in}, 4).to(device);
  CHECK(relative_error(make(in_out, bias, Linear::Layout::in_out)(x),
                       linear(to_matrix(x), in_out, bias, false)) < 2e-6);
  CHECK(relative_error(make(out_in, bias, Linear::Layout::out_in)(x),
                       linear(to_matrix(x), out_in, bias, true)) < 2e-6);
}

TEST_CASE("activation comes after the bias and the residual last", "[nn][linear][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Tensor x = random_tensor({4, 6}, 1).to(device);
  const Tensor weight = random_tensor({6, 10}, 2).to(device);
  const Tensor bias = random_tensor({10}, 3).to(device);
  const Tensor residual = random_tensor({4, 10}, 4).to(device);
  const Matrix expected = add(map(linear(to_matrix(x), weight, bias, false), gelu_tanh), to_matrix(residual));
  CHECK(relative_error(make(weight, bias, Linear::Layout::in_out)(x, ops::Activation::gelu_tanh, residual),
                       expected) < 2e-6);
}

TEST_CASE("fused layers give each part's output, end to end", "[nn][linear][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const auto layout = GENERATE(Linear::Layout::in_out, Linear::Layout::out_in);
  const bool in_out = layout == Linear::Layout::in_out;
  const auto part = [&](std::int64_t out, std::uint64_t stream, bool bias) {
    return make(random_tensor(in_out ? Shape{12, out} : Shape{out, 12}, stream).to(device),
                bias ? random_tensor({out}, stream + 100).to(device) : Tensor{}, layout);
  };
  // The middle part has no bias, the others do: it must get zeros, not a neighbour's.
  const std::vector<Linear> parts{part(8, 1, true), part(4, 2, false), part(5, 3, true)};
  const Linear fused = Linear::fuse(parts);
  REQUIRE(fused.out_features() == 17);
  const Tensor x = random_tensor({7, 12}, 9).to(device);
  const Tensor y = fused(x);
  std::int64_t begin = 0;
  for (const Linear& one : parts) {
    const std::int64_t end = begin + one.out_features();
    CHECK(relative_error(y.slice(1, begin, end), to_matrix(one(x))) == 0);  // one order of summation
    begin = end;
  }

  std::map<std::string, Tensor> tensors;
  fused.collect(tensors, "k", 8, 12);
  std::map<std::string, Tensor> original;
  parts[1].collect(original, "k");
  CHECK(relative_error(tensors.at("k.weight"), to_matrix(original.at("k.weight"))) == 0);
}

TEST_CASE("fusing parts without biases gives none, and fusing one part the part itself",
          "[nn][linear][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Linear a = make(random_tensor({3, 12}, 1).to(device), {}, Linear::Layout::out_in);
  const Linear b = make(random_tensor({4, 12}, 2).to(device), {}, Linear::Layout::out_in);
  std::map<std::string, Tensor> tensors;
  Linear::fuse(std::vector<Linear>{a, b}).collect(tensors, "x");
  CHECK(tensors.count("x.bias") == 0);
  CHECK(tensors.at("x.weight").shape() == Shape{7, 12});

  std::map<std::string, Tensor> before, after;
  a.collect(before, "x");
  Linear::fuse(std::vector<Linear>{a}).collect(after, "x");
  CHECK(after.at("x.weight").raw() == before.at("x.weight").raw());
}

TEST_CASE("packing changes neither the results nor the tensors of a layer", "[nn][linear][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const auto layout = GENERATE(Linear::Layout::in_out, Linear::Layout::out_in);
  const bool in_out = layout == Linear::Layout::in_out;
  const Linear layer = make(random_tensor(in_out ? Shape{12, 40} : Shape{40, 12}, 1).to(device),
                            random_tensor({40}, 2).to(device), layout);
  Linear packed = layer;
  packed.pack();
  const Tensor x = random_tensor({5, 12}, 3).to(device);
  CHECK(relative_error(packed(x, ops::Activation::gelu_tanh),
                       to_matrix(layer(x, ops::Activation::gelu_tanh))) == 0);
  CHECK(packed.out_features() == 40);
  std::map<std::string, Tensor> before, after;
  layer.collect(before, "x", 8, 20);
  packed.collect(after, "x", 8, 20);
  CHECK(after.at("x.weight").shape() == before.at("x.weight").shape());
  CHECK(relative_error(after.at("x.weight"), to_matrix(before.at("x.weight"))) == 0);
  CHECK(relative_error(after.at("x.bias"), to_matrix(before.at("x.bias"))) == 0);
}

TEST_CASE("a layer of codes is the layer quantised when it is packed, fused or not", "[nn][linear][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string text = GENERATE("int8", "int8:32", "int4:64");
  const auto layout = GENERATE(Linear::Layout::in_out, Linear::Layout::out_in);
  const bool in_out = layout == Linear::Layout::in_out;
  const ops::WeightFormat format = ops::WeightFormat::parse(text);
  CAPTURE(text, in_out);
  const auto codes_of = [&](const Tensor& weight) {
    const ops::QuantizedMatrix q = ops::quantize(weight, format, in_out);
    return Linear(Weights::from({{"weight", q.codes}, {"weight_scale", q.scales}}), 100, q.outputs(), layout,
                  false);
  };
  const Tensor a = random_tensor(in_out ? Shape{100, 8} : Shape{8, 100}, 1).to(device);
  const Tensor b = random_tensor(in_out ? Shape{100, 5} : Shape{5, 100}, 2).to(device);
  Linear plain = Linear::fuse(std::vector<Linear>{make(a, {}, layout), make(b, {}, layout)});
  Linear codes = Linear::fuse(std::vector<Linear>{codes_of(a), codes_of(b)});
  const Tensor x = random_tensor({7, 100}, 3).to(device);
  const Tensor unpacked = codes(x);
  plain.pack(format);
  codes.pack(format);
  CHECK(codes.format() == format);
  CHECK(codes.out_features() == 13);
  CHECK(relative_error(codes(x), to_matrix(plain(x))) == 0);
  CHECK(relative_error(unpacked, to_matrix(plain(x))) == 0);
  std::map<std::string, Tensor> tensors;
  codes.collect(tensors, "b", 8, 13);
  const ops::QuantizedMatrix expected = ops::quantize(b, format, in_out);
  CHECK(relative_error(tensors.at("b.weight").to(DType::f32), to_matrix(expected.codes)) == 0);
  CHECK(relative_error(tensors.at("b.weight_scale").to(DType::f32), to_matrix(expected.scales)) == 0);
}

TEST_CASE("a weight of few inputs takes the group that is named, if its scales allow it", "[nn][linear]") {
  const Tensor weight = random_tensor({4, 100}, 1);
  const ops::QuantizedMatrix q = ops::quantize(weight, ops::WeightFormat::parse("int8:128"));
  const Weights weights = Weights::from({{"weight", q.codes}, {"weight_scale", q.scales}});
  const auto packed_as = [&](const char* text) {
    Linear layer(weights, 100, 4, Linear::Layout::out_in, false);
    layer.pack(ops::WeightFormat::parse(text));
    return to_string(layer.format());
  };
  CHECK(packed_as("same") == "int8");  // one scale an output
  CHECK(packed_as("int8:128") == "int8:128");
  CHECK(packed_as("int8:64") == "int8");  // would need two
  CHECK(packed_as("int4:128") == "int8");
}

TEST_CASE("a linear layer refuses weights of another shape by name", "[nn][linear]") {
  const Weights weights =
      Weights::from({{"fc.weight", random_tensor({6, 10}, 1)}, {"fc.bias", random_tensor({9}, 2)}});
  CHECK_THROWS_WITH(Linear(weights.scope("fc"), 10, 6, Linear::Layout::in_out, false),
                    ContainsSubstring("fc.weight") && ContainsSubstring("[6, 10]"));
  CHECK_THROWS_WITH(Linear(weights.scope("fc"), 6, 10, Linear::Layout::in_out, true),
                    ContainsSubstring("fc.bias"));
  CHECK_THROWS_WITH(Linear(weights.scope("gc"), 6, 10, Linear::Layout::in_out, false),
                    ContainsSubstring("gc.weight"));
}
