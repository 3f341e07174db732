// Training against PyTorch: tests/data/train/make_goldens.py says how the directories were made.
#include <cmath>
#include <filesystem>
#include <map>
#include <string>

#include "adlib/io/json.h"
#include "adlib/io/safetensors.h"
#include "adlib/models/checkpoint.h"
#include "adlib/train/preference.h"
#include "adlib/train/trainer.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/files.h"

namespace adlib::train {
namespace {

namespace fs = std::filesystem;
using Tensors = std::map<std::string, Tensor>;

constexpr double bound = 1e-4;  // relative, in f32

Tensors read_tensors(const fs::path& path) {
  const io::SafetensorsFile file = io::SafetensorsFile::open(path);
  Tensors tensors;
  for (const io::TensorInfo& info : file.tensors()) tensors[info.name] = file.tensor(info.name);
  return tensors;
}

double norm(const Tensor& x) { return std::sqrt(ops::squared_norm(x)); }

double distance(const Tensor& a, const Tensor& b) {
  REQUIRE(a.shape() == b.shape());
  double sum = 0;
  const std::vector<double> x = test::doubles(a), y = test::doubles(b);
  for (std::size_t i = 0; i < x.size(); ++i) sum += (x[i] - y[i]) * (x[i] - y[i]);
  return std::sqrt(sum);
}

// The offsets of GPT-2's keys: their gradient is zero, since adding the same to all scores of a query changes
// nothing. What arithmetic leaves of it has no meaning, and AdamW makes steps of full length of it.
Tensor meaningful(const std::string& name, const Tensor& x) {
  if (!name.ends_with("attn.c_attn.bias")) return x;
  const std::int64_t width = x.size(0) / 3;
  const std::array<Tensor, 2> parts = {x.slice(0, 0, width), x.slice(0, 2 * width, 3 * width)};
  return ops::concatenate(parts, 0);
}

struct Case {
  explicit Case(const std::string& name, Device where = Device::cpu)
      : dir(test::data_dir() / "train" / name), device(where) {
    steps = io::read_json(dir / "steps.json");
    initial = read_tensors(dir / "model.safetensors");
    options.schedule = {.peak = option("peak"),
                        .floor = option("floor"),
                        .warmup = steps["options"]["warmup"],
                        .total = steps["options"]["total"]};
    options.optimizer.adamw = {.beta1 = option("beta1"),
                               .beta2 = option("beta2"),
                               .epsilon = option("epsilon"),
                               .weight_decay = option("weight_decay")};
    options.max_gradient_norm = option("max_gradient_norm");
    options.accumulation = steps["options"]["accumulation"];
  }
  double option(const char* name) const { return steps["options"][name]; }

  std::unique_ptr<TrainableDecoder> model(TrainableOptions how = {}) const {
    Tensors base;
    for (const auto& [name, tensor] : initial)
      if (name.find(".lora_") == name.npos) base[name] = tensor;
    const Decoder decoder(read_config(dir), Weights::from(base).to(device));
    if (!steps["lora"].is_null()) {
      how.lora = LoraConfig{.rank = steps["lora"]["rank"],
                            .alpha = steps["lora"]["alpha"],
                            .targets = steps["lora"]["targets"].get<std::vector<std::string>>()};
    }
    auto made = std::make_unique<TrainableDecoder>(decoder, how);
    for (const auto& [name, tensor] : initial) {
      Parameter& parameter = made->parameters().at(name);
      ops::copy_into(parameter.master, tensor.to(device));
      parameter.round_master();
    }
    return made;
  }
  TokenBatch batch(std::size_t step, std::size_t index) const {
    const io::Json& json = steps["steps"][step]["batches"][index];
    TokenBatch batch{.ids = json["ids"].get<std::vector<std::int32_t>>(),
                     .targets = json["targets"].get<std::vector<std::int32_t>>(),
                     .offsets = json["offsets"].get<std::vector<std::int64_t>>(),
                     .examples = {}};
    for (std::int64_t s = 0; s < batch.documents(); ++s)
      batch.examples.push_back(first_example(step, index) + s);
    return batch;
  }
  std::int64_t first_example(std::size_t step, std::size_t index) const {
    return static_cast<std::int64_t>(step * 2 + index) * 4;  // every batch has four documents
  }
  std::unique_ptr<Objective> objective(const TrainableDecoder& reference) const {
    if (steps["beta"].is_null()) return std::make_unique<LanguageModelling>();
    std::vector<double> losses;
    for (std::size_t step = 0; step < steps["steps"].size(); ++step) {
      for (std::size_t index = 0; index < 2; ++index) {
        const TokenBatch pairs = batch(step, index);
        const std::vector<double> sums = document_losses(reference.losses(pairs), pairs);
        losses.insert(losses.end(), sums.begin(), sums.end());
      }
    }
    return std::make_unique<DirectPreference>(steps["beta"].get<double>(), losses);
  }

  fs::path dir;
  Device device;
  io::Json steps;
  Tensors initial;
  TrainerOptions options;
};

}  // namespace

TEST_CASE("Ten steps of training are PyTorch's, loss by loss and weight by weight",
          "[train][golden][device]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  CAPTURE(device);
  const std::string name = GENERATE("gpt2", "qwen2", "llama", "gpt2-lora", "qwen2-lora", "gpt2-preference");
  const bool checkpointed = GENERATE(false, true);
  CAPTURE(name, checkpointed);
  if (test::is_emulated(device) && checkpointed != (name == "qwen2-lora")) return;
  const Case golden(name, device);
  const auto model = golden.model({.checkpoint_activations = checkpointed});
  const auto objective = golden.objective(*model);
  Trainer trainer(*model, *objective, golden.options);

  const std::size_t steps = test::is_emulated(device) ? 2 : golden.steps["steps"].size();
  for (std::size_t step = 0; step < steps; ++step) {
    CAPTURE(step);
    std::size_t index = 0;
    const StepReport report = trainer.step([&] { return golden.batch(step, index++); });
    CHECK(report.totals.mean_loss() ==
          Approx(golden.steps["steps"][step]["loss"].get<double>()).epsilon(bound));
    CHECK(report.gradient_norm ==
          Approx(golden.steps["steps"][step]["gradient_norm"].get<double>()).epsilon(bound));
    if (step > 0) continue;
    const Tensors gradients = read_tensors(golden.dir / "gradients.safetensors");
    for (const auto& [parameter, expected] : gradients) {
      CAPTURE(parameter);
      const Tensor got = model->parameters().at(parameter).gradient;
      const Tensor wanted = meaningful(parameter, expected);
      CHECK(distance(meaningful(parameter, got), wanted) < bound * norm(wanted));
    }
    std::size_t trained = 0;
    for (const Parameter& parameter : model->parameters()) trained += parameter.is_trained() ? 1 : 0;
    CHECK(trained == gradients.size());
  }
  if (steps < golden.steps["steps"].size()) return;
  const Tensors merged = model->named_tensors();
  for (const auto& [parameter, expected] : read_tensors(golden.dir / "after.safetensors")) {
    CAPTURE(parameter);
    const bool adapter = parameter.find(".lora_") != parameter.npos;
    const Tensor got = adapter ? model->parameters().at(parameter).master : merged.at(parameter);
    const Tensor wanted = meaningful(parameter, expected);
    CHECK(distance(meaningful(parameter, got), wanted) < bound * norm(wanted));
  }
}

TEST_CASE("What is trained is what the decoder computes, on the CPU bit for bit", "[train][golden][device]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  CAPTURE(device);
  const Case golden(GENERATE("gpt2", "qwen2", "llama"), device);
  const auto model = golden.model();
  const Decoder decoder(model->config(), Weights::from(model->named_tensors()));
  const TokenBatch batch = golden.batch(0, 0);
  const std::vector<float> losses = model->losses(batch);
  for (std::int64_t s = 0; s < batch.documents(); ++s) {
    const std::int64_t begin = batch.offsets[static_cast<std::size_t>(s)];
    const std::int64_t end = batch.offsets[static_cast<std::size_t>(s) + 1];
    const Tensor ids = Tensor::from(std::span(batch.ids), {batch.tokens()}).slice(0, begin, end).clone();
    const Tensor targets =
        Tensor::from(std::span(batch.targets), {batch.tokens()}).slice(0, begin, end).clone();
    const Tensor logits = decoder.forward(ids.view({1, end - begin}));
    const Tensor expected =
        ops::cross_entropy(logits.view({end - begin, -1}), targets.to(device)).to(Device::cpu);
    for (std::int64_t i = begin; i < end; ++i) {
      const float got = losses[static_cast<std::size_t>(i)],
                  wanted = expected.data<float>()[static_cast<std::size_t>(i - begin)];
      // Devices have one attention for training and another over a cache.
      if (device == Device::cpu) CHECK(got == wanted);
      CHECK(got == Approx(wanted).epsilon(1e-5));
    }
  }
}

}  // namespace adlib::train
