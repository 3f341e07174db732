// bench/models/model_bench.h: the models that are measured, in which weight formats, and what they must do at
// least.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "adlib/models/checkpoint.h"
#include "bench/machine/machine.h"

namespace adlib::bench {

/// How the weights of products are stored, and so which arithmetic multiplies them.
struct Format {
  std::string name;      ///< "f32", or a WeightFormat as text, or "bf16-all": activations and cache too
  LoadOptions options;   ///< what load_decoder() needs to get there
  double Limits::*peak;  ///< the arithmetic that is fastest for it
};
/// Every format that this build has.
const std::vector<Format>& formats();
/// Throws Error(invalid_argument) naming those there are.
const Format& format_named(const std::string& name);

/// Where a model's weights come from.
struct Model {
  std::string name;  ///< "gpt2-124m", "gpt2-355m", or the name of a directory
  DecoderConfig config;
  std::filesystem::path directory;  ///< empty: random weights
  bool heavy_tailed = false;
};
/// "gpt2-124m" or "gpt2-355m" with random weights, or a checkpoint directory.
Model open_model(const std::string& name_or_directory, bool heavy_tailed);

/// The decoder of a model in a format. Keeps the last one, since building takes seconds.
std::shared_ptr<const Decoder> decoder_of(const Model& model, const Format& format);

/// The same weights with tails as trained ones have: each number times sqrt(4 / χ²(4)), which makes normal
/// ones Student's t with four degrees of freedom, and two channels of every norm in front of a product twenty
/// times as strong, drawn for each layer.
Weights heavy_tailed(const Weights& weights, const DecoderConfig& config, std::uint64_t seed);

/// Numbers in the matrices of all layers, that each token is multiplied with, and in the head's.
double layer_weights(const DecoderConfig& config);
double head_weights(const DecoderConfig& config);

struct StepWork {
  double products = 0;   ///< operations with weights
  double attention = 0;  ///< operations with keys and values, in f32
  double bytes = 0;      ///< weights once, keys and values of every stream
};
/// Of a step of `streams` sequences, each of which gets `tokens` tokens after `past` others, and logits for
/// its last.
StepWork work_of(const Decoder& decoder, std::int64_t streams, std::int64_t tokens, std::int64_t past);
/// The seconds that a step takes at least on this machine; `bound` becomes what binds it.
double least_seconds(const StepWork& work, const Format& format, const Limits& limits, std::string& bound);

/// The most memory that a fresh process held while it loaded the model, saved in `format`, and decoded
/// `tokens` tokens, in bytes. Throws Error when the process fails. `program` is this program.
double peak_memory(const std::filesystem::path& program, const Model& model, const Format& format,
                   int threads, std::int64_t tokens);
/// What that process runs: prints the bytes.
int peak_memory_child(const std::string& directory, const std::string& format, int threads,
                      std::int64_t tokens);

}  // namespace adlib::bench
