#include "request.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string_view>

#include "adlib/core/error.h"

namespace adlib::cli {
namespace {

using io::Json;

// OpenAI's name for a setting -> Hugging Face's, under which it is read.
const std::map<std::string_view, const char*>& openai_names() {
  static const std::map<std::string_view, const char*> names = {{"max_tokens", "max_new_tokens"},
                                                                {"stop", "stop_strings"},
                                                                {"n", "num_return_sequences"},
                                                                {"logprobs", "top_logprobs"}};
  return names;
}

const std::set<std::string_view>& known_fields() {
  static const std::set<std::string_view> names = {"id",
                                                   "prompt",
                                                   "max_new_tokens",
                                                   "min_new_tokens",
                                                   "do_sample",
                                                   "temperature",
                                                   "top_k",
                                                   "top_p",
                                                   "min_p",
                                                   "repetition_penalty",
                                                   "presence_penalty",
                                                   "frequency_penalty",
                                                   "no_repeat_ngram_size",
                                                   "bad_words_ids",
                                                   "logit_bias",
                                                   "num_beams",
                                                   "length_penalty",
                                                   "early_stopping",
                                                   "num_return_sequences",
                                                   "eos_token_id",
                                                   "stop_strings",
                                                   "seed",
                                                   "top_logprobs",
                                                   "logprob_threshold",
                                                   "logprob_window",
                                                   "too_long"};
  return names;
}

// Every field is known, and no setting is there under both of its names.
void check_names(const Json& object, const std::string& where) {
  for (const auto& [name, unused_value] : object.items()) {
    const auto alias = openai_names().find(name);
    const std::string target = alias == openai_names().end() ? name : alias->second;
    if (!known_fields().contains(target)) {
      std::string names;
      for (const std::string_view known : known_fields())
        names += (names.empty() ? "" : ", ") + std::string(known);
      for (const auto& [openai, unused] : openai_names()) names += ", " + std::string(openai);
      fail(ErrorCode::bad_format, where, ": field '", name, "' is unknown; the fields are ", names);
    }
    if (target != name && object.contains(target)) {
      fail(ErrorCode::bad_format, where, ": field '", name, "' sets '", target,
           "' a second time; keep one of them");
    }
  }
}

class Fields {
 public:
  Fields(const Json& object, const std::string& where) : fields_(object, where) {}

  bool has(const char* name) const { return fields_.has(spelled(name)); }
  const Json& at(const char* name) const { return fields_.at(spelled(name)); }
  [[noreturn]] void wrong(const char* name, const char* expected) const {
    fail(ErrorCode::bad_format, fields_.where(), ": field '", spelled(name), "' is ", at(name).dump(),
         ", expected ", expected);
  }
  void read(const char* name, std::int64_t& value) const {
    if (has(name)) value = fields_.integer(spelled(name), 0, std::numeric_limits<std::int32_t>::max());
  }
  void read(const char* name, float& value) const {
    if (has(name)) value = static_cast<float>(fields_.number(name));
  }
  void read(const char* name, bool& value) const { value = fields_.boolean_or(name, value); }
  TokenId token(const char* name, const Json& value) const {
    if (!value.is_number_integer() || value < 0 || value > std::numeric_limits<TokenId>::max()) {
      wrong(name, "token ids, which are integers from 0");
    }
    return value.get<TokenId>();
  }
  const io::JsonFields& raw() const { return fields_; }

 private:
  // The name that the request has for a setting: errors speak of what was written.
  const char* spelled(const char* name) const {
    for (const auto& [openai, target] : openai_names()) {
      if (std::string_view(target) == name && fields_.has(openai.data())) return openai.data();
    }
    return name;
  }

  io::JsonFields fields_;
};

void read_stop_strings(const Fields& fields, GenerationConfig& config) {
  if (!fields.has("stop_strings")) return;
  const Json& stop = fields.at("stop_strings");
  config.stop_strings.clear();
  if (stop.is_string()) {
    config.stop_strings.push_back(stop.get<std::string>());
    return;
  }
  if (!stop.is_array()) fields.wrong("stop_strings", "a string or a list of strings");
  for (const Json& item : stop) {
    if (!item.is_string()) fields.wrong("stop_strings", "a string or a list of strings");
    config.stop_strings.push_back(item.get<std::string>());
  }
}

void read_token_lists(const Fields& fields, GenerationConfig& config) {
  if (fields.has("eos_token_id")) {
    const Json& eos = fields.at("eos_token_id");
    config.eos_token_id.clear();
    for (const Json& id : eos.is_array() ? eos : Json::array({eos}))
      config.eos_token_id.push_back(fields.token("eos_token_id", id));
  }
  if (fields.has("bad_words_ids")) {
    const Json& words = fields.at("bad_words_ids");
    if (!words.is_array()) fields.wrong("bad_words_ids", "a list of lists of token ids");
    config.bad_words_ids.clear();
    for (const Json& word : words) {
      if (!word.is_array()) fields.wrong("bad_words_ids", "a list of lists of token ids");
      config.bad_words_ids.emplace_back();
      for (const Json& id : word) config.bad_words_ids.back().push_back(fields.token("bad_words_ids", id));
    }
  }
  if (fields.has("logit_bias")) {
    const Json& biases = fields.at("logit_bias");
    if (!biases.is_object()) fields.wrong("logit_bias", "an object of token ids and numbers");
    config.logit_bias.clear();
    for (const auto& [key, bias] : biases.items()) {
      TokenId id = -1;
      const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
      if (error != std::errc{} || end != key.data() + key.size() || id < 0 || !bias.is_number()) {
        fields.wrong("logit_bias", "an object of token ids and numbers");
      }
      config.logit_bias[id] = bias.get<float>();
    }
  }
}

void read_sampling(const Fields& fields, GenerationConfig& config) {
  if (fields.has("temperature") && fields.raw().number("temperature") == 0) {
    config.do_sample = false;  // OpenAI's way to ask for the likeliest text
    config.temperature = 1.0f;
  } else {
    fields.read("temperature", config.temperature);
    for (const char* name : {"temperature", "top_k", "top_p", "min_p"}) {
      if (!fields.has(name)) continue;
      config.do_sample = true;
      if (!fields.raw().boolean_or("do_sample", true))
        fields.wrong("do_sample", concat("true beside '", name, "'").c_str());
    }
  }
  fields.read("do_sample", config.do_sample);
  fields.read("top_k", config.top_k);
  fields.read("top_p", config.top_p);
  fields.read("min_p", config.min_p);
  if (fields.has("seed")) {
    const Json& seed = fields.at("seed");
    if (!seed.is_number_unsigned()) fields.wrong("seed", "an integer from 0 to 18446744073709551615");
    config.seed = seed.get<std::uint64_t>();
  }
}

void read_choices(const Fields& fields, GenerationConfig& config) {
  if (fields.has("early_stopping")) {
    const Json& value = fields.at("early_stopping");
    using EarlyStopping = GenerationConfig::EarlyStopping;
    if (value.is_boolean()) {
      config.early_stopping = value.get<bool>() ? EarlyStopping::yes : EarlyStopping::no;
    } else if (value == "never") {
      config.early_stopping = EarlyStopping::never;
    } else {
      fields.wrong("early_stopping", "true, false or \"never\"");
    }
  }
  if (fields.has("top_logprobs")) {  // false, true (the chosen token's), or the number of alternatives
    const Json& value = fields.at("top_logprobs");
    config.top_logprobs = -1;
    if (value.is_boolean()) {
      config.top_logprobs = value.get<bool>() ? 0 : -1;
    } else {
      fields.read("top_logprobs", config.top_logprobs);
    }
  }
  if (fields.has("too_long")) {
    const std::string value = fields.raw().string("too_long");
    using TooLong = GenerationConfig::TooLong;
    if (value != "error" && value != "keep_end" && value != "keep_begin") {
      fields.wrong("too_long", "\"error\", \"keep_end\" or \"keep_begin\"");
    }
    config.too_long = value == "error"      ? TooLong::error
                      : value == "keep_end" ? TooLong::keep_end
                                            : TooLong::keep_begin;
  }
}

Json logprobs_json(const Completion& completion, const Tokenizer& tokenizer) {
  Json tokens = Json::array();
  Json ids = Json::array();
  Json values = Json::array();
  Json top = Json::array();
  // A model's vocabulary is often padded beyond its tokenizer's: those ids have no spelling.
  const auto spelling = [&](TokenId id) {
    return id < tokenizer.vocab_size() ? tokenizer.id_to_token(id) : concat("token_id:", id);
  };
  for (const TokenLogprob& token : completion.logprobs) {
    tokens.push_back(spelling(token.id));
    ids.push_back(token.id);
    values.push_back(token.logprob);
    Json alternatives = Json::object();
    for (const auto& [id, logprob] : token.top) alternatives[spelling(id)] = logprob;
    top.push_back(std::move(alternatives));
  }
  return {{"tokens", tokens}, {"token_ids", ids}, {"token_logprobs", values}, {"top_logprobs", top}};
}

}  // namespace

Request parse_request(const Json& object, const std::string& where, const GenerationConfig& base,
                      const Tokenizer& tokenizer) {
  check_names(object, where);
  const Fields fields(object, where);
  Request request;
  request.id = fields.has("id") ? fields.at("id") : Json();
  request.prompt = fields.raw().string("prompt");
  GenerationConfig& config = request.config = base;
  fields.read("max_new_tokens", config.max_new_tokens);
  fields.read("min_new_tokens", config.min_new_tokens);
  read_sampling(fields, config);
  fields.read("repetition_penalty", config.repetition_penalty);
  fields.read("presence_penalty", config.presence_penalty);
  fields.read("frequency_penalty", config.frequency_penalty);
  fields.read("no_repeat_ngram_size", config.no_repeat_ngram_size);
  fields.read("num_beams", config.num_beams);
  fields.read("length_penalty", config.length_penalty);
  fields.read("num_return_sequences", config.num_return_sequences);
  fields.read("logprob_threshold", config.logprob_threshold);
  fields.read("logprob_window", config.logprob_window);
  read_stop_strings(fields, config);
  read_token_lists(fields, config);
  read_choices(fields, config);
  for (const auto& [id, bias] : config.logit_bias) {
    if (id >= tokenizer.vocab_size())
      fail(ErrorCode::bad_format, where, ": field 'logit_bias' names token ", id, ", the vocabulary ends at ",
           tokenizer.vocab_size() - 1);
  }
  try {
    validate(config);
  } catch (const Error& error) {
    fail(ErrorCode::bad_format, where, ": ", error.what());
  }
  return request;
}

Json response(const Request& request, const Result& result, const Tokenizer& tokenizer) {
  Json choices = Json::array();
  std::int64_t generated = 0;
  for (const Completion& completion : result.completions) {
    const bool ended = completion.finish_reason != FinishReason::length &&
                       completion.finish_reason != FinishReason::unlikely;
    Json choice = {{"index", choices.size()},
                   {"text", completion.text},
                   {"finish_reason", ended ? "stop" : to_string(completion.finish_reason)}};
    if (request.config.top_logprobs >= 0) choice["logprobs"] = logprobs_json(completion, tokenizer);
    choices.push_back(std::move(choice));
    generated += static_cast<std::int64_t>(completion.ids.size());
  }
  const auto milliseconds = [](double seconds) { return std::round(seconds * 1e5) / 100.0; };
  Json line = {{"prompt", request.prompt},
               {"choices", std::move(choices)},
               {"usage",
                {{"prompt_tokens", result.prompt_tokens},
                 {"completion_tokens", generated},
                 {"total_tokens", result.prompt_tokens + generated}}},
               {"seed", request.config.seed},
               {"timings",
                {{"prefill_ms", milliseconds(result.prefill_seconds)},
                 {"decode_ms", milliseconds(result.decode_seconds)}}}};
  if (!request.id.is_null()) line["id"] = request.id;
  return line;
}

}  // namespace adlib::cli
