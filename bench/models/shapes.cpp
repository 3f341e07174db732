// Models, formats, and the least that a step costs.
#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "adlib/core/parallel.h"
#include "adlib/core/random.h"
#include "models/model_bench.h"

namespace adlib::bench {
namespace {

// OpenAI's GPT-2 small and medium.
DecoderConfig gpt2(std::int64_t width, std::int64_t layers, std::int64_t heads) {
  DecoderConfig config;
  config.family = DecoderConfig::Family::gpt2;
  config.vocab_size = 50257;
  config.context = 1024;
  config.width = width;
  config.layers = layers;
  config.heads = config.kv_heads = heads;
  config.head_dim = width / heads;
  config.mlp_width = 4 * width;
  return config;
}

}  // namespace

const std::vector<Format>& formats() {
  static const std::vector<Format> all = [] {
    const auto packed = [](const char* text, double Limits::*peak) {
      return Format{text, {.dtype = DType::f32, .weights = WeightFormats::parse(text)}, peak};
    };
    return std::vector<Format>{{"f32", {.dtype = DType::f32}, &Limits::f32},
                               packed("bf16", &Limits::bf16),
                               {"bf16-all", {.dtype = DType::bf16}, &Limits::bf16},
                               packed("int8", &Limits::i8),
                               packed("int8:64", &Limits::i8),
                               packed("int4:32", &Limits::i8),
                               packed("int4:64", &Limits::i8),
                               packed("int4:32/int4:32", &Limits::i8),
                               packed("int4:64/int4:64", &Limits::i8)};
  }();
  return all;
}

const Format& format_named(const std::string& name) {
  std::string names;
  for (const Format& format : formats()) {
    if (format.name == name) return format;
    names += " " + format.name;
  }
  fail(ErrorCode::invalid_argument, "format '", name, "' is not one of:", names);
}

Model open_model(const std::string& name, bool heavy_tailed) {
  if (name == "gpt2-124m") return {name, gpt2(768, 12, 12), {}, heavy_tailed};
  if (name == "gpt2-355m") return {name, gpt2(1024, 24, 16), {}, heavy_tailed};
  require(std::filesystem::is_directory(name), "model '", name,
          "' is neither gpt2-124m, gpt2-355m nor a directory");
  std::filesystem::path directory = std::filesystem::canonical(name);
  return {directory.filename().string(), read_config(directory), directory, heavy_tailed};
}

Weights heavy_tailed(const Weights& weights, const DecoderConfig& config, std::uint64_t seed) {
  const DecoderNames& names = names_of(config.family);
  std::map<std::string, Tensor> tensors;
  std::uint64_t stream = std::uint64_t{1} << 32;  // apart from those of random_weights()
  for (const std::string& name : weights.names()) {
    Tensor values = weights.take(name, weights.shape_of(name)).to(DType::f32).clone();
    const Philox random(seed, stream++);
    const std::span<float> data = values.data<float>();
    const bool in_layer = name.find("." + names.layer + ".") != std::string::npos;
    const auto has = [&](const std::string& part) {
      return name.find("." + part + ".weight") != std::string::npos;
    };
    if (values.rank() == 2) {
      constexpr std::int64_t chunk = 1 << 16;
      const auto count = static_cast<std::int64_t>(data.size());
      parallel_for(num_threads(), (count + chunk - 1) / chunk, [&](std::int64_t task) {
        for (std::int64_t i = task * chunk; i < std::min(count, (task + 1) * chunk); ++i) {
          const auto at = static_cast<std::uint64_t>(i);
          // χ² with four degrees of freedom is -2 log(u v) for u, v uniform on (0, 1].
          const double chi = -2 * std::log((1 - random.uniform(2 * at)) * (1 - random.uniform(2 * at + 1)));
          data[at] *= static_cast<float>(std::sqrt(4 / std::max(chi, 1e-9)));
        }
      });
    } else if (in_layer && (has(names.attention_norm) || has(names.mlp_norm))) {
      for (std::uint64_t outlier = 0; outlier < 2; ++outlier) {
        data[random.block(outlier)[0] % data.size()] *= 20;
      }
    }
    tensors[name] = values;
  }
  return Weights::from(std::move(tensors), "heavy-tailed " + weights.origin());
}

std::shared_ptr<const Decoder> decoder_of(const Model& model, const Format& format) {
  static std::pair<std::string, std::shared_ptr<const Decoder>> last;
  const std::string key = model.name + "/" + model.directory.string() + "/" + format.name;
  if (last.first == key) return last.second;
  last = {};
  if (!model.directory.empty()) {
    last = {key, std::make_shared<const Decoder>(load_decoder(model.directory, format.options))};
    return last.second;
  }
  // Drawing takes longer than building: the numbers are kept for the next format.
  static std::pair<std::string, std::shared_ptr<const Weights>> drawn;
  if (drawn.first != model.name) {
    drawn = {};
    Weights weights = random_weights(model.config, 1);
    if (model.heavy_tailed) weights = heavy_tailed(weights, model.config, 1);
    drawn = {model.name, std::make_shared<const Weights>(weights)};
  }
  std::map<std::string, Tensor> converted;
  for (const std::string& name : drawn.second->names()) {
    converted[name] =
        drawn.second->take(name, drawn.second->shape_of(name)).to(format.options.dtype.value_or(DType::f32));
  }
  last = {key, std::make_shared<const Decoder>(model.config, Weights::from(std::move(converted)),
                                               format.options.weights)};
  return last.second;
}

double layer_weights(const DecoderConfig& c) {
  const auto width = static_cast<double>(c.width), queries = static_cast<double>(c.heads * c.head_dim),
             keys = static_cast<double>(c.kv_heads * c.head_dim), mlp = static_cast<double>(c.mlp_width);
  const double products = c.mlp == DecoderConfig::Mlp::gated ? 3 : 2;
  return static_cast<double>(c.layers) *
         (width * (queries + 2 * keys) + queries * width + products * width * mlp);
}

double head_weights(const DecoderConfig& c) {
  return static_cast<double>(c.vocab_size) * static_cast<double>(c.width);
}

StepWork work_of(const Decoder& decoder, std::int64_t streams, std::int64_t tokens, std::int64_t past) {
  const DecoderConfig& c = decoder.config();
  const auto sequences = static_cast<double>(streams), rows = static_cast<double>(tokens),
             before = static_cast<double>(past);
  const double pairs = rows * before + rows * (rows + 1) / 2;  // of a query and a key that it sees
  const auto layers = static_cast<double>(c.layers), head_dim = static_cast<double>(c.head_dim);
  const double key_values =
      2 * layers * static_cast<double>(c.kv_heads) * head_dim * static_cast<double>(size_of(decoder.dtype()));
  return {.products = 2 * sequences * (rows * layer_weights(c) + head_weights(c)),
          .attention = sequences * layers * static_cast<double>(c.heads) * pairs * 4 * head_dim,
          .bytes = static_cast<double>(decoder.weight_bytes()) + sequences * (before + rows) * key_values};
}

double least_seconds(const StepWork& work, const Format& format, const Limits& limits, std::string& bound) {
  const double arithmetic = work.products / (limits.*format.peak) + work.attention / limits.f32;
  const double reading = work.bytes / limits.bandwidth(work.bytes);
  bound = reading >= arithmetic ? std::string(limits.level(work.bytes)) : format.name + " arithmetic";
  return std::max(arithmetic, reading);
}

}  // namespace adlib::bench
