#include "adlib/train/trainable_decoder.h"

#include <cmath>

#include "adlib/core/parallel.h"
#include "adlib/train/preference.h"
#include "adlib/train/trainer.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/error_of.h"
#include "train/models.h"

using namespace adlib;
using namespace adlib::test;
using train::Parameter;
using train::TokenBatch;
using train::TrainableDecoder;
using train::TrainableOptions;
using Family = DecoderConfig::Family;

namespace {

// Documents of these lengths; the first third of each does not count.
TokenBatch make_batch(const std::vector<std::int64_t>& lengths, std::uint64_t seed = 0) {
  TokenBatch batch;
  const Philox random(seed);
  std::uint64_t index = 0;
  for (const std::int64_t length : lengths) {
    for (std::int64_t i = 0; i < length; ++i) {
      batch.ids.push_back(static_cast<std::int32_t>(random.uniform(index++) * 257));
      const auto target = static_cast<std::int32_t>(random.uniform(index++) * 257);
      batch.targets.push_back(i < length / 3 ? -1 : target);
    }
    batch.offsets.push_back(batch.tokens());
  }
  return batch;
}

TokenBatch part(const TokenBatch& batch, std::size_t begin, std::size_t end) {
  TokenBatch out;
  for (std::size_t s = begin; s < end; ++s) {
    for (auto i = static_cast<std::size_t>(batch.offsets[s]);
         i < static_cast<std::size_t>(batch.offsets[s + 1]); ++i) {
      out.ids.push_back(batch.ids[i]);
      out.targets.push_back(batch.targets[i]);
    }
    out.offsets.push_back(out.tokens());
  }
  return out;
}

std::map<std::string, Tensor> gradients(const TrainableDecoder& model) {
  std::map<std::string, Tensor> out;
  for (const Parameter& parameter : model.parameters())
    if (parameter.is_trained()) out[parameter.name] = parameter.gradient.clone();
  return out;
}

double relative_distance(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = doubles(a), y = doubles(b);
  double distance = 0, length = 0;
  for (std::size_t i = 0; i < x.size(); ++i) distance += (x[i] - y[i]) * (x[i] - y[i]), length += y[i] * y[i];
  return std::sqrt(distance / (length + 1e-30));
}

// Changes the numbers of an f32 tensor wherever it lies.
template <class Change>
void change(Tensor& tensor, const Change& each) {
  Tensor host = tensor.to(Device::cpu).clone();
  for (float& value : host.data<float>()) each(value);
  ops::copy_into(tensor, host.to(tensor.device()));
}

}  // namespace

TEST_CASE("Gradients agree with central differences of the loss along random directions", "[train]") {
  const Family family = GENERATE(Family::gpt2, Family::qwen2);
  const bool lora = GENERATE(false, true);
  TrainableOptions options;
  if (lora) options.lora = train::LoraConfig{.rank = 3, .alpha = 5, .seed = 4};
  TrainableDecoder model(small_decoder(family), options);
  if (lora) {  // away from B = 0, where A has no gradient
    for (Parameter& parameter : model.parameters())
      if (parameter.name.ends_with(".lora_B.weight"))
        for (std::size_t i = 0; float& value : parameter.master.data<float>())
          value = 0.1f * std::sin(static_cast<float>(7 * i++));
  }
  const TokenBatch batch = make_batch({7, 1, 30, 12});
  const auto total = [&] {
    double sum = 0;
    for (const float loss : model.losses(batch)) sum += loss;
    return sum;
  };
  model.backward(batch, 1.0f);
  const auto analytic = gradients(model);
  for (Parameter& parameter : model.parameters()) {
    if (!parameter.is_trained()) continue;
    CAPTURE(parameter.name);
    // Along the gradient itself: its length is the slope. Only f32 limits how small the step may be.
    const std::vector<double> g = doubles(analytic.at(parameter.name));
    double length = 0;
    for (const double value : g) length += value * value;
    length = std::sqrt(length);
    if (length < 1e-3) continue;
    const double step = 1e-2 / std::max(1.0, length / 10);
    const Tensor before = parameter.master.clone();
    const auto moved = [&](double by) {
      float* values = parameter.master.data<float>().data();
      for (std::size_t i = 0; i < g.size(); ++i)
        values[i] = before.data<float>()[i] + static_cast<float>(by * g[i] / length);
      const double loss = total();
      ops::copy_into(parameter.master, before);
      return loss;
    };
    CHECK((moved(step) - moved(-step)) / (2 * step) == Approx(length).epsilon(2e-3));
  }
}

TEST_CASE("A document learns the same alone as packed with others", "[train][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Family family = GENERATE(Family::gpt2, Family::qwen2);
  const TrainableDecoder model(small_decoder(family, device));
  const TokenBatch batch = make_batch({9, 33, 1, 20});
  const std::vector<float> together = model.losses(batch);
  std::vector<float> apart;
  for (std::size_t s = 0; s < 4; ++s) {
    const std::vector<float> own = model.losses(part(batch, s, s + 1));
    apart.insert(apart.end(), own.begin(), own.end());
  }
  CHECK(together == apart);  // bit for bit
}

TEST_CASE("Checkpointed activations and the number of threads change no bit", "[train][threads][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Family family = GENERATE(Family::gpt2, Family::qwen2);
  const DType dtype = GENERATE(DType::f32, DType::bf16);
  if (is_emulated(device) && (family == Family::gpt2) != (dtype == DType::f32)) return;
  const Decoder decoder = small_decoder(family, device);
  const TokenBatch batch = make_batch({9, 33, 1, 20, 48});
  const auto gradients_with = [&](int threads, bool checkpoint) {
    set_num_threads(threads);
    TrainableDecoder model(decoder, {.dtype = dtype, .dropout = 0.1f, .checkpoint_activations = checkpoint});
    model.backward(batch, 0.01f, 7);
    set_num_threads(0);
    return gradients(model);
  };
  const auto expected = gradients_with(1, false);
  for (const auto& [threads, checkpoint] :
       std::vector<std::pair<int, bool>>{{2, false}, {3, true}, {1, true}}) {
    CAPTURE(threads, checkpoint);
    for (const auto& [name, gradient] : gradients_with(threads, checkpoint)) {
      CAPTURE(name);
      CHECK(same_bits(gradient, expected.at(name)));
    }
  }
}

TEST_CASE("Two batches accumulate to the gradient of both together", "[train][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  TrainableDecoder model(small_decoder(GENERATE(Family::gpt2, Family::qwen2), device));
  const TokenBatch batch = make_batch({9, 33, 5, 20});
  model.backward(batch, 0.5f);
  const auto whole = gradients(model);
  model.parameters().zero_gradients();
  model.backward(part(batch, 0, 2), 0.5f);
  model.backward(part(batch, 2, 4), 0.5f);
  for (const auto& [name, gradient] : gradients(model)) {
    CAPTURE(name);
    CHECK(relative_distance(gradient, whole.at(name)) < 1e-5);
  }
}

TEST_CASE("The gradient of any function of the losses is that of the losses it weighs", "[train][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  TrainableDecoder model(small_decoder(Family::gpt2, device));
  const TokenBatch batch = make_batch({9, 33, 5});
  const std::vector<float> losses = model.backward(batch, 0.25f);
  const auto expected = gradients(model);
  model.parameters().zero_gradients();
  std::vector<float> seen;
  model.backward(batch, [&](std::span<const float> values) {
    seen.assign(values.begin(), values.end());
    return std::vector<float>(values.size(), 0.25f);
  });
  CHECK(seen == losses);
  for (const auto& [name, gradient] : gradients(model)) {
    CAPTURE(name);
    CHECK(same_bits(gradient, expected.at(name)));
  }
}

TEST_CASE("Dropout follows from its seed, leaves the expectation, and is off when measuring",
          "[train][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Decoder decoder = small_decoder(Family::gpt2, device);
  TrainableDecoder plain(decoder), dropping(decoder, {.dropout = 0.2f});
  const TokenBatch batch = make_batch({9, 33, 5});
  CHECK(plain.losses(batch) == dropping.losses(batch));
  const std::vector<float> first = dropping.backward(batch, 1.0f, 1);
  CHECK(dropping.backward(batch, 1.0f, 1) == first);
  CHECK(dropping.backward(batch, 1.0f, 2) != first);
  CHECK(dropping.losses(batch) != first);
}

TEST_CASE("bf16 computes what f32 does, to its precision, and keeps masters in f32", "[train][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Decoder decoder = small_decoder(GENERATE(Family::gpt2, Family::qwen2), device);
  TrainableDecoder wide(decoder), narrow(decoder, {.dtype = DType::bf16});
  const TokenBatch batch = make_batch({9, 33, 5, 48});
  const std::vector<float> a = wide.backward(batch, 0.01f), b = narrow.backward(batch, 0.01f);
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(b[i] == Approx(a[i]).margin(0.1));
  const auto expected = gradients(wide);
  double distance = 0, length = 0;  // a small parameter alone may be all noise
  for (const auto& [name, gradient] : gradients(narrow)) {
    const std::vector<double> x = doubles(gradient), y = doubles(expected.at(name));
    for (std::size_t i = 0; i < x.size(); ++i)
      distance += (x[i] - y[i]) * (x[i] - y[i]), length += y[i] * y[i];
  }
  CHECK(std::sqrt(distance / length) < 0.03);
  for (const Parameter& parameter : narrow.parameters()) {
    CHECK(parameter.master.dtype() == DType::f32);
    CHECK(parameter.value.dtype() == DType::bf16);
    CHECK(same_bits(parameter.master, wide.parameters().at(parameter.name).master));
  }
}

TEST_CASE("A model learns a small text by heart, in every way of training", "[train][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  TrainableOptions options;
  const int way = GENERATE(0, 1, 2, 3), steps = is_emulated(device) ? 4 : 120;
  const Family family = GENERATE(Family::gpt2, Family::qwen2);
  CAPTURE(way);
  if (is_emulated(device) && (family == Family::gpt2) != (way < 2)) return;
  if (way == 1) options.dtype = DType::bf16;
  if (way == 2) options.checkpoint_activations = true;
  if (way == 3) options.lora = train::LoraConfig{.rank = 8, .alpha = 32};
  TrainableDecoder model(small_decoder(family, device), options);
  const train::LanguageModelling objective;
  train::Trainer trainer(model, objective,
                         {.schedule = {.peak = 2e-2, .floor = 1e-3, .warmup = 5, .total = 120},
                          .optimizer = {.adamw = {.weight_decay = 0}}});
  const TokenBatch batch = make_batch({9, 20}, 3);
  const double before = trainer.step([&] { return batch; }).totals.mean_loss();
  double after = 0;
  for (int i = 1; i < steps; ++i) after = trainer.step([&] { return batch; }).totals.mean_loss();
  CHECK(before > 4);
  CHECK(after < (is_emulated(device) ? before - 0.1 : way == 3 ? 3.2 : 0.5));
}

TEST_CASE("LoRA leaves the model frozen and merges into what it computes", "[train][lora][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Decoder decoder = small_decoder(GENERATE(Family::gpt2, Family::qwen2), device);
  const bool gpt2 = decoder.config().family == Family::gpt2;
  train::LoraConfig lora{.rank = 2, .alpha = 3, .targets = {gpt2 ? "attn.c_proj" : "gate_proj"}};
  TrainableDecoder model(decoder, {.lora = lora});
  std::int64_t trained = 0;
  for (const Parameter& parameter : model.parameters()) {
    CHECK(parameter.is_trained() == (parameter.name.find(".lora_") != std::string::npos));
    trained += parameter.is_trained() ? 1 : 0;
  }
  CHECK(trained == 4);  // A and B in both layers
  const TokenBatch batch = make_batch({9, 33});
  CHECK(model.losses(batch) == TrainableDecoder(decoder).losses(batch));  // B = 0 changes nothing
  for (Parameter& parameter : model.parameters())
    if (parameter.is_trained()) change(parameter.master, [](float& value) { value += 0.3f; });
  const std::vector<float> adapted = model.losses(batch);
  CHECK(adapted != TrainableDecoder(decoder).losses(batch));
  const Decoder merged(model.config(), Weights::from(model.named_tensors()));
  const std::vector<float> again = TrainableDecoder(merged).losses(batch);
  for (std::size_t i = 0; i < again.size(); ++i)
    CHECK(again[i] == Approx(adapted[i]).epsilon(1e-5).margin(1e-5));
}

TEST_CASE("LoRA is merged by the scale that it was trained with", "[train][lora][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Decoder decoder = small_decoder(Family::gpt2, device);
  const TrainableOptions options{
      .dtype = DType::bf16,
      .lora = train::LoraConfig{.rank = 3, .alpha = 4, .targets = {"attn.c_attn"}}};  // bf16 has no 4/3
  TrainableDecoder model(decoder, options);
  const std::string layer = "transformer.h.0.attn.c_attn";
  change(model.parameters().at(layer + ".lora_B.weight").master, [](float& value) { value = 1; });
  const std::vector<double> a = doubles(model.parameters().at(layer + ".lora_A.weight").master),
                            frozen = doubles(decoder.named_tensors().at(layer + ".weight")),
                            merged = doubles(model.named_tensors().at(layer + ".weight"));
  const std::int64_t in = decoder.config().width, out = 3 * in;
  for (std::int64_t i = 0; i < in; ++i) {
    const auto at = static_cast<std::size_t>(i), element = static_cast<std::size_t>(i * out);
    const double sum =
        a[at] + a[at + static_cast<std::size_t>(in)] + a[at + static_cast<std::size_t>(2 * in)];
    CHECK(merged[element] - frozen[element] ==
          Approx(rounded(DType::bf16, 4.0 / 3) * sum).epsilon(1e-5).margin(1e-6));
  }
}

TEST_CASE("Wrong batches, options and targets of LoRA are refused by name", "[train]") {
  const Decoder decoder = small_decoder();
  TrainableDecoder model(decoder);
  TokenBatch batch = make_batch({9, 3});
  TokenBatch long_one = make_batch({49});
  CHECK_THAT(error_of([&] { model.losses(long_one); }), ContainsSubstring("document 0 has 49 tokens"));
  batch.targets[5] = 257;
  CHECK_THAT(error_of([&] { model.losses(batch); }), ContainsSubstring("target 257 of token 5"));
  batch.targets.pop_back();
  CHECK_THAT(error_of([&] { model.losses(batch); }), ContainsSubstring("12 tokens have 11 targets"));
  CHECK_THAT(error_of([&] { TrainableDecoder(decoder, {.dtype = DType::f16}); }),
             ContainsSubstring("expected f32 or bf16"));
  CHECK_THAT(error_of([&] { TrainableDecoder(decoder, {.dropout = 1.0f}); }),
             ContainsSubstring("dropout is 1"));
  CHECK_THAT(error_of([&] { TrainableDecoder(decoder, {.lora = train::LoraConfig{.targets = {"proj"}}}); }),
             ContainsSubstring("no layer is named 'proj'; a gpt2 model has attn.c_attn"));
  const Decoder quantised(decoder.config(), Weights::from(decoder.named_tensors()),
                          WeightFormats::parse("int8"));
  CHECK_THAT(error_of([&] { TrainableDecoder{quantised}; }), ContainsSubstring("the weights are int8"));
}

TEST_CASE("A loss that is not finite leaves the weights as they were", "[train][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  TrainableDecoder model(small_decoder(Family::gpt2, device));
  Parameter& poisoned = model.parameters().at("transformer.ln_f.bias");
  const Tensor good = poisoned.master.clone();
  const train::LanguageModelling objective;
  train::Trainer trainer(model, objective, {});
  const TokenBatch batch = make_batch({9});
  trainer.step([&] { return batch; });
  const auto before = model.named_tensors();
  std::map<std::string, Tensor> copies;
  for (const auto& [name, tensor] : before) copies[name] = tensor.clone();
  change(poisoned.master, [](float& value) { value = std::nanf(""); });
  CHECK_THAT(error_of([&] { trainer.step([&] { return batch; }); }),
             ContainsSubstring("step 2: the loss is nan") && ContainsSubstring("lower learning rate"));
  CHECK(trainer.optimizer().steps() == 1);
  ops::copy_into(poisoned.master, copies.at(poisoned.name));
  for (const auto& [name, tensor] : model.named_tensors()) CHECK(same_bits(tensor, copies.at(name)));
}

TEST_CASE("Preference learning prefers what it is shown, and starts at log 2",
          "[train][preference][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  TrainableDecoder model(small_decoder(Family::gpt2, device));
  TokenBatch batch = make_batch({9, 12, 20, 7});
  batch.examples = {0, 1, 2, 3};
  const train::DirectPreference objective(0.5, train::document_losses(model.losses(batch), batch));
  const int steps = is_emulated(device) ? 3 : 40;
  train::Trainer trainer(model, objective,
                         {.schedule = {.peak = 1e-2, .floor = 1e-3, .warmup = 2, .total = 40}});
  const train::Totals first = trainer.step([&] { return batch; }).totals;
  CHECK(first.count == 2);
  CHECK(first.mean_loss() == Approx(std::log(2.0)).epsilon(1e-6));
  for (int i = 1; i < steps; ++i) trainer.step([&] { return batch; });
  const train::Totals last = objective.evaluate(model, batch);
  CHECK(last.wins == 2);
  CHECK(last.mean_loss() < (is_emulated(device) ? 0.6 : 0.1));
  CHECK(last.margin > (is_emulated(device) ? 0 : 2));
  batch.examples = {0, 1, 2, 4};
  CHECK_THAT(error_of([&] { objective.evaluate(model, batch); }),
             ContainsSubstring("example 4 has no reference"));
}
