#include "models/training.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <vector>

#include "adlib/core/random.h"
#include "adlib/train/trainer.h"

namespace adlib::bench {
namespace {

// Model, optimizer and data. Built for itself, not from decoder_of(), whose copies would count as memory of
// training.
class Run {
 public:
  explicit Run(const TrainingCase& c)
      : case_(c),
        model_(initial(c.model), {.dtype = c.dtype, .checkpoint_activations = c.checkpoint_activations}),
        trainer_(model_, objective_, {}) {}

  train::StepReport step() {
    return trainer_.step([this] { return batch(); });
  }

 private:
  static Decoder initial(const Model& model) {
    if (!model.directory.empty()) return load_decoder(model.directory, {.dtype = DType::f32});
    const Weights weights = random_weights(model.config, 1);
    return Decoder(model.config, model.heavy_tailed ? heavy_tailed(weights, model.config, 1) : weights);
  }
  train::TokenBatch batch() {
    train::TokenBatch b;
    const auto vocab = static_cast<double>(case_.model.config.vocab_size);
    const auto draw = [&] { return static_cast<std::int32_t>(random_.uniform(drawn_++) * vocab); };
    for (std::int64_t document = 0; document < case_.documents; ++document) {
      std::int32_t id = draw();
      for (std::int64_t i = 0; i < case_.tokens; ++i) {
        b.ids.push_back(id);
        b.targets.push_back(id = draw());
      }
      b.offsets.push_back(b.tokens());
    }
    return b;
  }

  TrainingCase case_;
  train::LanguageModelling objective_;
  train::TrainableDecoder model_;
  train::Trainer trainer_;
  Philox random_{3};
  std::uint64_t drawn_ = 0;
};

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace

TrainingWork training_work(const TrainingCase& c) {
  const DecoderConfig& config = c.model.config;
  const auto documents = static_cast<double>(c.documents), length = static_cast<double>(c.tokens),
             layers = static_cast<double>(config.layers), heads = static_cast<double>(config.heads),
             head_dim = static_cast<double>(config.head_dim);
  double parameters = 0;
  for (const TensorSpec& spec : tensor_specs(config)) {
    parameters += static_cast<double>(spec.shape.numel());
  }
  const double pairs = documents * length * (length + 1) / 2;  // of a query and a key that it sees
  TrainingWork work;
  work.products = 6 * documents * length * (layer_weights(config) + head_weights(config));
  work.attention = layers * heads * pairs * 14 * head_dim;
  if (c.checkpoint_activations) {  // the layers once more
    work.products += 2 * documents * length * layer_weights(config);
    work.attention += layers * heads * pairs * 4 * head_dim;
  }
  // Reads weights, gradients and two moments; writes all but the gradients, and weights that are rounded
  // again.
  work.bytes = parameters * (7 * 4 + (c.dtype == DType::bf16 ? 2 : 0));
  return work;
}

double least_seconds(const TrainingWork& work, DType dtype, const Limits& limits) {
  return work.products / (dtype == DType::bf16 ? limits.bf16 : limits.f32) + work.attention / limits.f32 +
         work.bytes / limits.bandwidth(work.bytes);
}

void train(benchmark::State& state, const TrainingCase& c) {
  Run run(c);
  const double loss = run.step().totals.mean_loss(),
               uniform = std::log(static_cast<double>(c.model.config.vocab_size));
  if (c.model.directory.empty() && !c.model.heavy_tailed && !(std::abs(loss - uniform) < 0.5)) {
    state.SkipWithError(concat("the first loss is ", loss, ", expected about ", uniform).c_str());
    return;
  }
  std::vector<double> seconds;
  for (auto _ : state) {
    const auto begin = std::chrono::steady_clock::now();
    run.step();  // throws unless loss and gradients are finite
    seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  const double each = median(std::move(seconds)), tokens = static_cast<double>(c.documents * c.tokens);
  const TrainingWork work = training_work(c);
  state.counters["tok/s"] = tokens / each;
  state.counters["op/s"] = (work.products + work.attention) / each;
  state.counters["loss"] = loss;
  if (!c.with_limits) return;
  const double least = least_seconds(work, c.dtype, limits(c.threads));
  state.counters["limit_tok/s"] = tokens / least;
  state.counters["limit%"] = 100 * least / each;
}

}  // namespace adlib::bench
