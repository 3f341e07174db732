// adlib/models/checkpoint.h: decoders from and to directories in the Hugging Face layout.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/io/weights.h"
#include "adlib/models/decoder.h"

namespace adlib {

struct LoadOptions {
  Device device = Device::cpu;
  /// Converts the weights, and so decides in which dtype the model computes. Without it they keep the file's
  /// type, but a model with int8 or int4 weights computes in f32: codes are summed exactly, and 16 bits
  /// between products would lose more than they save.
  std::optional<DType> dtype = {};
  /// Packs the weights of products in this format. A quantised directory has its own: `same` or that one.
  WeightFormats weights = {};
  Progress progress = {};
};

/// Reads `config.json`. Throws Error naming the file and the field.
DecoderConfig read_config(const std::filesystem::path& dir);
/// The same from text; `where` names it in messages.
DecoderConfig decoder_config_from_json(std::string_view text, const std::string& where);
/// The format that `quantization_config` of a config.json names; `same` without one. Throws as read_config().
WeightFormats read_weight_formats(const std::filesystem::path& dir);
/// The text of a config.json for transformers. For quantised weights, which transformers cannot read, its
/// `quantization_config` names the format.
std::string decoder_config_to_json(const DecoderConfig& config, DType dtype,
                                   const WeightFormats& formats = {});

/// config.json and weights.
Decoder load_decoder(const std::filesystem::path& dir, const LoadOptions& options = {});

/// True for tensors that real checkpoints carry and that hold nothing to load: `attn.bias` and
/// `attn.masked_bias` masks, `rotary_emb.inv_freq`, and the head of a model that ties it.
bool is_known_extra(const DecoderConfig& config, std::string_view tensor_name);

/// Writes `config.json` and `model.safetensors` so that transformers opens the directory (not when the
/// weights are quantised: then only adlib does). Each file appears whole or not at all;
/// `generation_config.json` is the generator's, tokenizer files the tokenizer's.
void save(const Decoder& decoder, const std::filesystem::path& dir);

}  // namespace adlib
