// generation_config.json, read and written.
#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/generate/config.h"
#include "adlib/io/json.h"
#include "models/config_fields.h"

namespace adlib {

namespace {

using io::Json;
using io::JsonFields;

constexpr std::int64_t max_count = std::int64_t{1} << 31;
constexpr std::int64_t max_id = (std::int64_t{1} << 31) - 1;

/// A field of Hugging Face's that changes the text, and the value with which it does not.
struct Unsupported {
  const char* name;
  Json harmless;
};

const std::vector<Unsupported>& unsupported_fields() {
  static const std::vector<Unsupported> fields = {
      {"begin_suppress_tokens", Json::array()},
      {"constraints", Json::array()},
      {"diversity_penalty", 0},
      {"dola_layers", nullptr},
      {"encoder_no_repeat_ngram_size", 0},
      {"encoder_repetition_penalty", 1},
      {"epsilon_cutoff", 0},
      {"eta_cutoff", 0},
      {"exponential_decay_length_penalty", nullptr},
      {"force_words_ids", Json::array()},
      {"forced_bos_token_id", nullptr},
      {"forced_decoder_ids", Json::array()},
      {"forced_eos_token_id", nullptr},
      {"guidance_scale", 1},
      {"max_time", nullptr},
      {"min_length", 0},
      {"num_beam_groups", 1},
      {"penalty_alpha", 0},
      {"remove_invalid_values", false},
      {"renormalize_logits", false},
      {"suppress_tokens", Json::array()},
      {"token_healing", false},
      {"top_h", nullptr},
      {"typical_p", 1},
      {"watermarking_config", nullptr},
  };
  return fields;
}

void refuse_unsupported(const JsonFields& fields) {
  for (const auto& [name, harmless] : unsupported_fields()) {
    if (!fields.has(name) || fields.at(name) == harmless) continue;
    fail(ErrorCode::unsupported, fields.where(), ": ", name, " = ", fields.at(name).dump(),
         " would change the text and is not supported", harmless.is_null() ? "" : "; its neutral value is ",
         harmless.is_null() ? "" : harmless.dump(), "; remove the field to load the model without it");
  }
}

TokenId token_id(const Json& value, const JsonFields& fields, const char* name) {
  if (!value.is_number_integer() || value < 0 || value > max_id) {
    fail(ErrorCode::bad_format, fields.where(), ": field '", name, "' holds ", value.dump(),
         ", expected a token id");
  }
  return value.get<TokenId>();
}

/// An id or a list of ids, as eos_token_id is written.
std::vector<TokenId> token_ids(const JsonFields& fields, const char* name, const Json& value) {
  std::vector<TokenId> ids;
  if (!value.is_array()) return {token_id(value, fields, name)};
  for (const Json& id : value) ids.push_back(token_id(id, fields, name));
  return ids;
}

const Json& list(const JsonFields& fields, const char* name) {
  const Json& value = fields.at(name);
  if (!value.is_array()) {
    fail(ErrorCode::bad_format, fields.where(), ": field '", name, "' is ", value.dump(),
         ", expected a list");
  }
  return value;
}

GenerationConfig::EarlyStopping early_stopping(const JsonFields& fields) {
  using EarlyStopping = GenerationConfig::EarlyStopping;
  const Json& value = fields.at("early_stopping");
  if (value == true) return EarlyStopping::yes;
  if (value == false) return EarlyStopping::no;
  if (value == "never") return EarlyStopping::never;
  fail(ErrorCode::bad_format, fields.where(), ": field 'early_stopping' is ", value.dump(),
       ", expected true, false or \"never\"");
}

std::vector<std::string> stop_strings(const JsonFields& fields) {
  const Json& value = fields.at("stop_strings");
  if (value.is_string()) return {value.get<std::string>()};
  std::vector<std::string> strings;
  for (const Json& string : list(fields, "stop_strings")) {
    if (!string.is_string()) {
      fail(ErrorCode::bad_format, fields.where(), ": field 'stop_strings' holds ", string.dump(),
           ", expected strings");
    }
    strings.push_back(string.get<std::string>());
  }
  return strings;
}

/// sequence_bias as a list of [ids, bias]; one id a sequence is OpenAI's logit_bias.
std::map<TokenId, float> sequence_bias(const JsonFields& fields) {
  std::map<TokenId, float> biases;
  for (const Json& entry : list(fields, "sequence_bias")) {
    const bool pair = entry.is_array() && entry.size() == 2 && entry[0].is_array() && entry[1].is_number();
    if (!pair) {
      fail(ErrorCode::bad_format, fields.where(), ": field 'sequence_bias' holds ", entry.dump(),
           ", expected [[id], bias]");
    }
    if (entry[0].size() != 1) {
      fail(
          ErrorCode::unsupported, fields.where(), ": sequence_bias of ", entry[0].dump(),
          " is not supported: only single tokens can be biased, sequences can be forbidden by bad_words_ids");
    }
    biases[token_id(entry[0][0], fields, "sequence_bias")] = entry[1].get<float>();
  }
  return biases;
}

void read_numbers(const JsonFields& fields, GenerationConfig& config) {
  const auto integer = [&](const char* name, std::int64_t& value) {
    value = fields.integer_or(name, value, 0, max_count);
  };
  const auto number = [&](const char* name, float& value) {
    if (fields.has(name)) value = static_cast<float>(fields.number(name));
  };
  integer("max_new_tokens", config.max_new_tokens);
  integer("min_new_tokens", config.min_new_tokens);
  integer("top_k", config.top_k);
  integer("no_repeat_ngram_size", config.no_repeat_ngram_size);
  integer("num_beams", config.num_beams);
  integer("num_return_sequences", config.num_return_sequences);
  integer("logprob_window", config.logprob_window);
  number("temperature", config.temperature);
  number("top_p", config.top_p);
  number("min_p", config.min_p);
  number("repetition_penalty", config.repetition_penalty);
  number("presence_penalty", config.presence_penalty);
  number("frequency_penalty", config.frequency_penalty);
  number("length_penalty", config.length_penalty);
  number("logprob_threshold", config.logprob_threshold);
  config.do_sample = fields.boolean_or("do_sample", config.do_sample);
}

void read_lists(const JsonFields& fields, GenerationConfig& config) {
  if (fields.has("early_stopping")) config.early_stopping = early_stopping(fields);
  if (fields.has("eos_token_id"))
    config.eos_token_id = token_ids(fields, "eos_token_id", fields.at("eos_token_id"));
  if (fields.has("stop_strings")) config.stop_strings = stop_strings(fields);
  if (fields.has("sequence_bias")) config.logit_bias = sequence_bias(fields);
  if (fields.has("bad_words_ids")) {
    config.bad_words_ids.clear();
    for (const Json& word : list(fields, "bad_words_ids")) {
      config.bad_words_ids.push_back(token_ids(fields, "bad_words_ids", word));
    }
  }
}

GenerationConfig from_json(const Json& json, const std::string& where, GenerationConfig base) {
  const JsonFields fields(json, where);
  refuse_unsupported(fields);
  read_numbers(fields, base);
  read_lists(fields, base);
  return base;
}

}  // namespace

GenerationConfig generation_config_from_json(std::string_view json, const std::string& where) {
  return from_json(io::parse_json(json, where), where, {});
}

GenerationConfig read_generation_config(const std::filesystem::path& dir, GenerationConfig base) {
  const std::filesystem::path path = dir / "generation_config.json";
  if (std::filesystem::exists(path)) {
    const Json json = io::read_json(path);
    base = from_json(json, path.string(), std::move(base));
    if (JsonFields(json, path.string()).has("eos_token_id")) return base;
  }
  // Older directories keep the end-of-text token beside the model's shape.
  const std::filesystem::path model_path = dir / "config.json";
  if (std::filesystem::exists(model_path)) {
    const Json json = io::read_json(model_path);
    const JsonFields fields(json, model_path.string());
    if (fields.has("eos_token_id"))
      base.eos_token_id = token_ids(fields, "eos_token_id", fields.at("eos_token_id"));
  }
  return base;
}

std::string generation_config_to_json(const GenerationConfig& config) {
  const GenerationConfig usual;
  Json json = {{"do_sample", config.do_sample}, {"max_new_tokens", config.max_new_tokens}};
  const auto integer = [&](const char* name, std::int64_t value, std::int64_t fallback) {
    if (value != fallback) json[name] = value;
  };
  const auto number = [&](const char* name, float value, float fallback) {
    if (value != fallback) json[name] = models::shortest(value);
  };
  integer("min_new_tokens", config.min_new_tokens, usual.min_new_tokens);
  integer("top_k", config.top_k, usual.top_k);
  integer("no_repeat_ngram_size", config.no_repeat_ngram_size, usual.no_repeat_ngram_size);
  integer("num_beams", config.num_beams, usual.num_beams);
  integer("num_return_sequences", config.num_return_sequences, usual.num_return_sequences);
  number("temperature", config.temperature, usual.temperature);
  number("top_p", config.top_p, usual.top_p);
  number("min_p", config.min_p, usual.min_p);
  number("repetition_penalty", config.repetition_penalty, usual.repetition_penalty);
  number("presence_penalty", config.presence_penalty, usual.presence_penalty);
  number("frequency_penalty", config.frequency_penalty, usual.frequency_penalty);
  number("length_penalty", config.length_penalty, usual.length_penalty);
  number("logprob_threshold", config.logprob_threshold, usual.logprob_threshold);
  integer("logprob_window", config.logprob_window, usual.logprob_window);
  if (config.early_stopping == GenerationConfig::EarlyStopping::yes) json["early_stopping"] = true;
  if (config.early_stopping == GenerationConfig::EarlyStopping::never) json["early_stopping"] = "never";
  if (config.eos_token_id.size() == 1) json["eos_token_id"] = config.eos_token_id.front();
  if (config.eos_token_id.size() > 1) json["eos_token_id"] = config.eos_token_id;
  if (!config.stop_strings.empty()) json["stop_strings"] = config.stop_strings;
  if (!config.bad_words_ids.empty()) json["bad_words_ids"] = config.bad_words_ids;
  for (const auto& [id, bias] : config.logit_bias) {
    const float finite = std::max(bias, std::numeric_limits<float>::lowest());  // JSON has no infinity
    json["sequence_bias"].push_back(Json::array({Json::array({id}), models::shortest(finite)}));
  }
  return json.dump(2) + "\n";
}

}  // namespace adlib
