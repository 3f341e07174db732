#include "adlib/train/muon.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "adlib/io/safetensors.h"
#include "adlib/train/trainer.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/error_of.h"
#include "support/files.h"
#include "train/models.h"

namespace adlib::train {
namespace {

using namespace adlib::test;
using Family = DecoderConfig::Family;

Tensor normal(const Shape& shape, std::uint64_t seed, double scale = 1) {
  Tensor values = Tensor::empty(shape);
  const Philox random(seed);
  std::uint64_t index = 0;
  for (float& value : values.data<float>()) value = static_cast<float>(scale * random.normal(index++));
  return values;
}

double largest_difference(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = doubles(a), y = doubles(b);
  double most = 0;
  for (std::size_t i = 0; i < x.size(); ++i) most = std::max(most, std::fabs(x[i] - y[i]));
  return most;
}

// x xᵀ or xᵀ x, whichever is smaller, less the identity: its largest element.
double distance_from_orthogonal(const Tensor& x) {
  const Tensor wide = x.size(0) <= x.size(1) ? x : x.transpose(0, 1).contiguous();
  const Tensor gram = ops::matmul(wide, wide, {.transpose_b = true}).to(Device::cpu);
  const std::int64_t n = gram.size(0);
  double most = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < n; ++j)
      most = std::max(most,
                      std::fabs(double{gram.data<float>()[static_cast<std::size_t>(i * n + j)]} - (i == j)));
  return most;
}

TEST_CASE("Muon's steps are those of torch.optim.Muon", "[train][muon][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::map<std::string, Tensor> golden = io::read_safetensors(data_dir() / "train/muon.safetensors");
  const std::string name = GENERATE("wide", "tall", "square", "fused");
  CAPTURE(name);
  Parameters parameters;
  Parameter& parameter = parameters.add(name, golden.at(name + ".0").to(device), DType::f32, true, true);
  parameter.parts = name == "fused" ? 3 : 1;
  Muon muon({&parameter});
  for (int step = 1; step <= 10; ++step) {
    parameters.zero_gradients();
    ops::copy_into(parameter.sum(), golden.at(concat(name, ".gradient", step)).to(device));
    muon.step(2e-2);
  }
  CHECK(largest_difference(parameter.master, golden.at(name + ".10")) < 2e-5);
  CHECK(largest_difference(muon.state().at(name + ".momentum_buffer"), golden.at(name + ".momentum")) < 1e-6);
}

TEST_CASE("orthogonalize finds what lies in a matrix, however long it is", "[train][muon][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Tensor x = normal(GENERATE(Shape{8, 40}, Shape{40, 8}, Shape{1, 5}), 3, 4).to(device);
  const Tensor y = orthogonalize(x);
  CHECK(y.shape() == x.shape());
  CHECK(distance_from_orthogonal(y) < 0.6);  // singular values between 0.7 and 1.2
  CHECK(distance_from_orthogonal(x) > 1);
  const Tensor longer = ops::multiply(x, Tensor::from({64.0f}, {1}).to(device));
  CHECK(same_bits(orthogonalize(longer), y));
  CHECK(largest_difference(orthogonalize(Tensor::zeros({3, 4}).to(device)), Tensor::zeros({3, 4})) == 0);
  CHECK_THAT(error_of([&] { orthogonalize(Tensor::zeros({3})); }),
             ContainsSubstring("expected two dimensions"));
}

TEST_CASE("Muon has the matrices inside the blocks, AdamW has the rest", "[train][muon]") {
  const Family family = GENERATE(Family::gpt2, Family::qwen2);
  const DType dtype = GENERATE(DType::f32, DType::bf16);
  TrainableDecoder model(small_decoder(family), {.dtype = dtype});
  Optimizer optimizer(model.parameters(), {.muon = MuonConfig{}});
  std::size_t muons = 0;
  for (const auto& [name, tensor] : optimizer.state()) {
    if (!name.ends_with(".momentum_buffer")) continue;
    ++muons;
    CHECK(tensor.rank() == 2);
    CHECK((name.find(".h.") != name.npos || name.find(".layers.") != name.npos));
  }
  CHECK(muons == (family == Family::gpt2 ? 8u : 14u));
  const auto fused = [](const Parameter& p) { return p.name.ends_with("attn.c_attn.weight"); };
  for (const Parameter& parameter : model.parameters()) CHECK((parameter.parts == 3) == fused(parameter));
}

TEST_CASE("Muon learns a small text by heart, and goes on from its state with the same bytes",
          "[train][muon][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const int steps = is_emulated(device) ? 2 : 60;
  const LanguageModelling objective;
  const TrainerOptions options{
      .schedule = {.peak = 2e-2, .floor = 1e-3, .warmup = 5, .total = 60},
      .optimizer = {.adamw = {.weight_decay = 0}, .muon = MuonConfig{.weight_decay = 0}}};
  TokenBatch batch;
  const Philox random(4);
  for (std::uint64_t i = 0; i < 60; ++i) {
    batch.ids.push_back(static_cast<std::int32_t>(random.uniform(2 * i) * 257));
    batch.targets.push_back(static_cast<std::int32_t>(random.uniform(2 * i + 1) * 257));
  }
  batch.offsets = {0, 20, 60};
  const auto next = [&] { return batch; };

  TrainableDecoder model(small_decoder(Family::gpt2, device));
  Trainer trainer(model, objective, options);
  const double before = trainer.step(next).totals.mean_loss();
  for (int i = 1; i < steps / 2; ++i) trainer.step(next);

  TrainableDecoder other(small_decoder(Family::gpt2, device));
  for (Parameter& parameter : other.parameters())
    ops::copy_into(parameter.master, model.parameters().at(parameter.name).master);
  Trainer resumed(other, objective, options);
  std::map<std::string, Tensor> state;
  for (const auto& [name, tensor] : trainer.optimizer().state()) state[name] = tensor.clone();
  resumed.optimizer().restore(Weights::from(state), trainer.optimizer().steps());
  state.erase("transformer.h.0.attn.c_attn.weight.momentum_buffer");
  CHECK_THAT(error_of([&] { resumed.optimizer().restore(Weights::from(state), 1); }),
             ContainsSubstring("h.0.attn.c_attn.weight.momentum_buffer"));
  resumed.optimizer().restore(Weights::from(trainer.optimizer().state()), trainer.optimizer().steps());

  double after = 0;
  for (int i = steps / 2; i < steps; ++i) after = trainer.step(next).totals.mean_loss(), resumed.step(next);
  CHECK(before > 4);
  CHECK(after < (is_emulated(device) ? before : 0.5));
  for (const auto& [name, tensor] : model.named_tensors())
    CHECK(same_bits(tensor, other.named_tensors().at(name)));
}

TEST_CASE("Muon refuses numbers outside their ranges", "[train][muon][errors]") {
  Parameters parameters;
  Parameter& vector = parameters.add("bias", Tensor::zeros({3}), DType::f32, true, false);
  CHECK_THAT(error_of([&] { Muon({&vector}); }), ContainsSubstring("'bias'"));
  CHECK_THAT(error_of([&] { Muon({}, {.momentum = 1}); }), ContainsSubstring("momentum is 1"));
  CHECK_THAT(error_of([&] { Muon({}, {.weight_decay = -1}); }), ContainsSubstring("weight decay is -1"));
}

}  // namespace
}  // namespace adlib::train
