// Training on a device beside the CPU's.
#include <cmath>
#include <optional>
#include <vector>

#include "adlib/train/trainer.h"
#include "support/catch.h"
#include "support/devices.h"
#include "train/models.h"

namespace adlib::train {
namespace {

using namespace adlib::test;
using Family = DecoderConfig::Family;

// With a head of 64, which every attention kernel takes.
Decoder decoder_for(Family family, Device device) {
  DecoderConfig config = small_config(family);
  config.width = 64;
  config.heads = 1;
  config.kv_heads = 1;
  config.head_dim = 64;
  config.rope.rotary_dim = 64;
  config.mlp_width = 96;
  return Decoder(config, random_weights(config, 5).to(device));
}

// Sentences of a grammar that a model learns in a few steps: each token follows from the one before.
TokenBatch batch_of(std::uint64_t step) {
  TokenBatch batch;
  const Philox random(17, step);
  std::uint64_t drawn = 0;
  for (const std::int64_t length : {30, 9, 41}) {
    auto id = static_cast<std::int32_t>(random.uniform(drawn++) * 257);
    for (std::int64_t i = 0; i < length; ++i) {
      batch.ids.push_back(id);
      id = (id * 7 + 3) % 257;
      batch.targets.push_back(i % 10 == 9 ? -1 : id);
    }
    batch.offsets.push_back(batch.tokens());
  }
  return batch;
}

struct Course {
  std::vector<double> losses, norms;
};

Course train_on(Device device, Family family, const TrainableOptions& how, const OptimizerConfig& optimizer,
                std::int64_t steps) {
  TrainableDecoder model(decoder_for(family, device), how);
  CHECK(model.device() == device);
  const LanguageModelling objective;
  Trainer trainer(
      model, objective,
      {.schedule = {.peak = 5e-3, .floor = 5e-4, .warmup = 5, .total = 50}, .optimizer = optimizer});
  Course course;
  for (std::int64_t step = 0; step < steps; ++step) {
    const StepReport report = trainer.step([&] { return batch_of(static_cast<std::uint64_t>(step)); });
    course.losses.push_back(report.totals.mean_loss());
    course.norms.push_back(report.gradient_norm);
  }
  return course;
}

}  // namespace

TEST_CASE("training on a device follows the CPU's losses", "[train][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  if (device == Device::cpu) return;
  const Family family = GENERATE(Family::gpt2, Family::qwen2);
  const int way = GENERATE(0, 1, 2, 3);
  CAPTURE(device, to_string(family), way);
  if (is_emulated(device) && (family == Family::gpt2) != (way < 2)) return;
  TrainableOptions how;
  OptimizerConfig optimizer;
  if (way == 1) how.dtype = DType::bf16, how.dropout = 0.1f;
  if (way == 2) how.lora = LoraConfig{.rank = 4, .alpha = 8};
  if (way == 3) optimizer.muon = MuonConfig{};
  const std::int64_t steps = is_emulated(device) ? 4 : 50;
  const Course cpu = train_on(Device::cpu, family, how, optimizer, steps),
               here = train_on(device, family, how, optimizer, steps);
  // Differences of rounding grow with the steps, most where values are rounded to bf16.
  const double bound = way == 1 ? 0.02 : 1e-3;
  for (std::size_t i = 0; i < cpu.losses.size(); ++i) {
    CAPTURE(i);
    CHECK(here.losses[i] == Approx(cpu.losses[i]).epsilon(bound));
    CHECK(here.norms[i] == Approx(cpu.norms[i]).epsilon(10 * bound));
  }
  CHECK(here.losses.back() < here.losses.front() - (steps == 50 && way != 2 ? 1 : 0.01));
}

}  // namespace adlib::train
