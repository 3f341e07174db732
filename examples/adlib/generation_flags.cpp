#include "generation_flags.h"

#include <charconv>
#include <random>

#include "adlib/core/error.h"
#include "app.h"

namespace adlib::cli {
namespace {

std::pair<TokenId, float> parse_bias(const std::string& text) {
  const std::size_t colon = text.find(':');
  TokenId id = 0;
  float bias = 0;
  const char* end = text.data() + text.size();
  if (colon != std::string::npos) {
    const auto [id_end, id_error] = std::from_chars(text.data(), text.data() + colon, id);
    const auto [bias_end, bias_error] = std::from_chars(text.data() + colon + 1, end, bias);
    if (id_error == std::errc{} && id_end == text.data() + colon && bias_error == std::errc{} &&
        bias_end == end) {
      return {id, bias};
    }
  }
  throw UsageError("--logit-bias is '" + text + "', expected TOKEN_ID:BIAS, such as 50256:-100");
}

bool shapes_sampling(const GenerationFlags& f) { return f.temperature || f.top_k || f.top_p || f.min_p; }

bool is_valid(const GenerationConfig& config) {
  try {
    validate(config);
    return true;
  } catch (const Error&) {
    return false;
  }
}

template <class T>
void set(T& field, const std::optional<T>& flag) {
  if (flag) field = *flag;
}

}  // namespace

void add_generation_flags(CLI::App& command, GenerationFlags& f, const std::string& without_seed) {
  const std::string length = "Length";
  command.add_option("--max-new-tokens", f.max_new_tokens, "Stop after this many tokens")->group(length);
  command.add_option("--min-new-tokens", f.min_new_tokens, "No end of text before this many tokens")
      ->group(length);
  command.add_option("--stop-strings", f.stop_strings, "End the text before this string; may be repeated")
      ->type_name("TEXT")
      ->expected(1)
      ->take_all()
      ->group(length);
  command
      .add_option("--eos-token-id", f.eos_token_id, "Token ids that end a text instead of the model's own")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->group(length);
  command
      .add_option("--too-long", f.too_long,
                  "A prompt that leaves no room: refuse it, or keep its end or beginning")
      ->check(CLI::IsMember({"error", "keep_end", "keep_begin"}))
      ->group(length);

  const std::string sampling = "Sampling (any of temperature, top-k, top-p, min-p switches it on)";
  command
      .add_flag_function(
          "--do-sample,!--no-do-sample", [&f](std::int64_t count) { f.do_sample = count > 0; },
          "Draw tokens instead of taking the likeliest")
      ->group(sampling);
  command.add_option("--temperature", f.temperature, "Divides the scores; above 1 is bolder")
      ->group(sampling);
  command.add_option("--top-k", f.top_k, "Draw from the k likeliest tokens; 0 is all")->group(sampling);
  command.add_option("--top-p", f.top_p, "Draw from the smallest set with this probability")->group(sampling);
  command
      .add_option("--min-p", f.min_p, "Draw from tokens with this share of the likeliest one's probability")
      ->group(sampling);
  command.add_option("--seed", f.seed, "Same seed, same text; " + without_seed)
      ->check(check_seed)
      ->group(sampling);
  command.add_option("--num-return-sequences", f.num_return_sequences, "Texts for each prompt")
      ->group(sampling);
  command
      .add_option("--logprob-threshold", f.logprob_threshold,
                  "Give a text up where some tokens in a row have a lower mean log-probability, such as -2.5")
      ->group(sampling);
  command.add_option("--logprob-window", f.logprob_window, "How many tokens in a row; default: 6")
      ->group(sampling);

  const std::string penalties = "Penalties and bans";
  command
      .add_option("--repetition-penalty", f.repetition_penalty,
                  "Above 1 makes tokens already there less likely")
      ->group(penalties);
  command
      .add_option("--presence-penalty", f.presence_penalty, "Subtracted once for a token already generated")
      ->group(penalties);
  command
      .add_option("--frequency-penalty", f.frequency_penalty,
                  "Subtracted for each time a token was generated")
      ->group(penalties);
  command
      .add_option("--no-repeat-ngram-size", f.no_repeat_ngram_size, "No sequence of n tokens twice; 0 is off")
      ->group(penalties);
  command.add_option("--bad-words", f.bad_words, "A text never written; may be repeated")
      ->type_name("TEXT")
      ->expected(1)
      ->take_all()
      ->group(penalties);
  command.add_option("--logit-bias", f.logit_bias, "Added to a token's score; may be repeated")
      ->type_name("ID:BIAS")
      ->expected(1)
      ->take_all()
      ->group(penalties);

  const std::string beams = "Beam search";
  command.add_option("--num-beams", f.num_beams, "Beams; 1 is no beam search")->group(beams);
  command.add_option("--length-penalty", f.length_penalty, "Above 0 favours longer texts")->group(beams);
  command.add_option("--early-stopping", f.early_stopping, "When beams that are done end the search")
      ->check(CLI::IsMember({"false", "true", "never"}))
      ->group(beams);
}

void check(const GenerationFlags& f) {
  if (shapes_sampling(f) && f.do_sample == false) {
    throw UsageError("--no-do-sample contradicts --temperature, --top-k, --top-p and --min-p");
  }
  if (f.temperature == 0.0f) {
    throw UsageError("--temperature is 0; for the likeliest text give --no-do-sample in its place");
  }
  for (const std::string& bias : f.logit_bias) parse_bias(bias);
}

GenerationConfig apply(const GenerationFlags& f, const GenerationConfig& defaults,
                       const Tokenizer& tokenizer) {
  GenerationConfig config = defaults;
  set(config.max_new_tokens, f.max_new_tokens);
  set(config.min_new_tokens, f.min_new_tokens);
  set(config.temperature, f.temperature);
  set(config.top_k, f.top_k);
  set(config.top_p, f.top_p);
  set(config.min_p, f.min_p);
  if (shapes_sampling(f)) config.do_sample = true;
  set(config.do_sample, f.do_sample);
  set(config.repetition_penalty, f.repetition_penalty);
  set(config.presence_penalty, f.presence_penalty);
  set(config.frequency_penalty, f.frequency_penalty);
  set(config.no_repeat_ngram_size, f.no_repeat_ngram_size);
  set(config.num_beams, f.num_beams);
  set(config.length_penalty, f.length_penalty);
  set(config.num_return_sequences, f.num_return_sequences);
  set(config.logprob_threshold, f.logprob_threshold);
  set(config.logprob_window, f.logprob_window);
  set(config.top_logprobs, f.top_logprobs);
  if (!f.eos_token_id.empty()) config.eos_token_id = f.eos_token_id;
  if (!f.stop_strings.empty()) config.stop_strings = f.stop_strings;
  for (const std::string& word : f.bad_words) config.bad_words_ids.push_back(tokenizer.encode(word));
  for (const std::string& bias : f.logit_bias) {
    const auto [id, value] = parse_bias(bias);
    config.logit_bias[id] = value;
  }
  using EarlyStopping = GenerationConfig::EarlyStopping;
  if (f.early_stopping == "false") config.early_stopping = EarlyStopping::no;
  if (f.early_stopping == "true") config.early_stopping = EarlyStopping::yes;
  if (f.early_stopping == "never") config.early_stopping = EarlyStopping::never;
  using TooLong = GenerationConfig::TooLong;
  if (f.too_long == "error") config.too_long = TooLong::error;
  if (f.too_long == "keep_end") config.too_long = TooLong::keep_end;
  if (f.too_long == "keep_begin") config.too_long = TooLong::keep_begin;
  if (f.seed) {
    config.seed = *f.seed;
  } else if (config.do_sample) {
    config.seed = std::random_device{}();
  }
  try {
    validate(config);
  } catch (const Error& error) {
    // Wrong use, unless the directory's own settings are what is wrong.
    if (is_valid(defaults)) throw UsageError(error.what());
    fail(ErrorCode::bad_format, "the model directory's generation_config.json: ", error.what());
  }
  return config;
}

}  // namespace adlib::cli
