#include "adlib/models/checkpoint.h"

#include "adlib/io/atomic_file.h"
#include "adlib/io/safetensors.h"
#include "adlib/models/gpt2.h"
#include "adlib/models/llama.h"
#include "config_fields.h"

namespace adlib {
namespace {

constexpr const char* quant_method = "adlib";

// The format of a quantised checkpoint's weights, `same` of one that is not.
WeightFormats read_formats(const io::JsonFields& fields) {
  if (!fields.has("quantization_config")) return {};
  const io::JsonFields quantization(fields.at("quantization_config"),
                                    fields.where() + ": quantization_config");
  models::refuse_if(quantization.string_or("quant_method", "") != quant_method, fields, "quantization_config",
                    "the weights are packed for another library; use the unquantised checkpoint");
  const auto parse = [&](const char* name) {
    const std::string text = quantization.string(name);
    try {
      return ops::WeightFormat::parse(text);
    } catch (const Error& error) {
      fail(ErrorCode::bad_format, quantization.where(), ": field '", name, "': ", error.what());
    }
  };
  const WeightFormats formats(parse("weights"), parse("embeddings"));
  if (!formats.quantized() || formats.head.type < ops::WeightFormat::Type::i8) {
    fail(ErrorCode::unsupported, quantization.where(), ": weights in ", to_string(formats.blocks),
         " with embeddings in ", to_string(formats.head),
         " is not supported: expected int8 or int4 for both");
  }
  return formats;
}

DecoderConfig read_fields(const io::JsonFields& fields) {
  const std::string type = fields.string("model_type");
  DecoderConfig config;
  if (type == "gpt2") {
    config = models::read_gpt2_config(fields);
  } else if (type == "llama" || type == "qwen2") {
    config = models::read_llama_config(fields);
  } else {
    fail(ErrorCode::unsupported, fields.where(), ": model_type = \"", type,
         "\" is not supported; expected gpt2, llama or qwen2");
  }
  read_formats(fields);  // refuses what it cannot honour
  models::refuse_if(fields.boolean_or("is_encoder_decoder", false), fields, "is_encoder_decoder",
                    "only decoder-only models are known");
  try {
    validate(config);
  } catch (const Error& error) {
    fail(ErrorCode::bad_format, fields.where(), ": ", error.what());
  }
  return config;
}

// True for "h.12.attn.bias" with prefix "h." and suffix ".attn.bias": a number stands between them.
bool is_of_layer(std::string_view name, std::string_view prefix, std::string_view suffix) {
  if (!name.starts_with(prefix) || !name.ends_with(suffix)) return false;
  if (name.size() <= prefix.size() + suffix.size()) return false;
  const std::string_view layer = name.substr(prefix.size(), name.size() - prefix.size() - suffix.size());
  return layer.find_first_not_of("0123456789") == layer.npos;
}

// Numbers in the place of codes would be quantised on the fly, and nobody would see that a tensor is foreign.
void expect_scales(const DecoderConfig& config, const Weights& weights, const WeightFormats& formats) {
  for (const TensorSpec& spec : tensor_specs(config)) {
    const ops::WeightFormat own = format_of(spec.role, formats);
    if (own == ops::WeightFormat{} || weights.contains(spec.name + "_scale")) continue;
    fail(ErrorCode::bad_format, weights.origin(), ": tensor '", spec.name,
         "_scale' is missing; by quantization_config of config.json '", spec.name, "' is ", to_string(own));
  }
}

const char* torch_dtype(DType dtype) {
  switch (dtype) {
    case DType::f16:
      return "float16";
    case DType::bf16:
      return "bfloat16";
    default:
      return "float32";
  }
}

}  // namespace

DecoderConfig decoder_config_from_json(std::string_view text, const std::string& where) {
  const io::Json json = io::parse_json(text, where);
  return read_fields(io::JsonFields(json, where));
}

DecoderConfig read_config(const std::filesystem::path& dir) {
  const std::filesystem::path file = dir / "config.json";
  return decoder_config_from_json(io::read_file(file), file.string());
}

WeightFormats read_weight_formats(const std::filesystem::path& dir) {
  const std::filesystem::path file = dir / "config.json";
  const io::Json json = io::read_json(file);
  return read_formats(io::JsonFields(json, file.string()));
}

std::string decoder_config_to_json(const DecoderConfig& config, DType dtype, const WeightFormats& formats) {
  io::Json json = config.family == DecoderConfig::Family::gpt2 ? models::write_gpt2_config(config)
                                                               : models::write_llama_config(config);
  json["torch_dtype"] = torch_dtype(dtype);
  if (formats.quantized()) {
    json["quantization_config"] = {{"quant_method", quant_method},
                                   {"weights", to_string(formats.blocks)},
                                   {"embeddings", to_string(formats.head)}};
  }
  return json.dump(2) + "\n";
}

Decoder load_decoder(const std::filesystem::path& dir, const LoadOptions& options) {
  const DecoderConfig config = read_config(dir);
  const WeightFormats own = read_weight_formats(dir);
  const bool came_quantized = own.quantized();
  if (came_quantized && options.weights != WeightFormats{} && options.weights != own) {
    fail(ErrorCode::invalid_argument, dir.string(), ": the weights are ", to_string(own),
         " already and cannot become ", to_string(options.weights),
         "; ask for 'same', or quantise the checkpoint that they were made from");
  }
  const WeightFormats& formats = came_quantized ? own : options.weights;
  std::optional<DType> dtype = options.dtype;
  if (!dtype && formats.quantized()) dtype = DType::f32;
  const Weights weights = Weights::open(dir, options.device, dtype, options.progress);
  if (came_quantized) expect_scales(config, weights, own);
  return Decoder(config, weights, formats);
}

bool is_known_extra(const DecoderConfig& config, std::string_view name) {
  const DecoderNames& names = names_of(config.family);
  if (config.tied_embeddings && name == names.head + ".weight") return true;
  const std::string root = names.root + ".";
  if (name.starts_with(root)) name.remove_prefix(root.size());
  const std::string layers = names.layer + ".";
  if (config.family == DecoderConfig::Family::gpt2) {
    return is_of_layer(name, layers, ".attn.bias") || is_of_layer(name, layers, ".attn.masked_bias");
  }
  return name == "rotary_emb.inv_freq" || is_of_layer(name, layers, ".self_attn.rotary_emb.inv_freq");
}

void save(const Decoder& decoder, const std::filesystem::path& dir) {
  io::make_directories(dir);
  io::save_safetensors(dir / "model.safetensors", decoder.named_tensors());
  // The configuration last: a directory without it is recognised as unfinished.
  io::write_file(dir / "config.json",
                 decoder_config_to_json(decoder.config(), decoder.dtype(), decoder.formats()));
}

}  // namespace adlib
