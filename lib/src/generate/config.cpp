#include "adlib/generate/config.h"

#include <cmath>
#include <limits>

#include "adlib/core/error.h"
#include "io/text.h"

namespace adlib {

namespace {

/// "generate: top_p is 1.5, expected …".
template <class T>
void check(bool condition, const char* field, const T& value, const char* expected) {
  require(condition, "generate: ", field, " is ", value, ", expected ", expected);
}

void check_ranges(const GenerationConfig& c) {
  check(c.max_new_tokens >= 1, "max_new_tokens", c.max_new_tokens, "at least 1");
  check(c.min_new_tokens >= 0, "min_new_tokens", c.min_new_tokens, "at least 0");
  check(c.temperature >= 0 && std::isfinite(c.temperature), "temperature", c.temperature, "a number above 0");
  check(c.top_k >= 0, "top_k", c.top_k, "at least 1, or 0 to keep every token");
  check(c.top_p > 0 && c.top_p <= 1, "top_p", c.top_p, "a number in (0, 1]");
  check(c.min_p >= 0 && c.min_p <= 1, "min_p", c.min_p, "a number in [0, 1]");
  check(c.repetition_penalty > 0 && std::isfinite(c.repetition_penalty), "repetition_penalty",
        c.repetition_penalty, "a number above 0");
  check(std::isfinite(c.presence_penalty), "presence_penalty", c.presence_penalty, "a finite number");
  check(std::isfinite(c.frequency_penalty), "frequency_penalty", c.frequency_penalty, "a finite number");
  check(c.no_repeat_ngram_size >= 0, "no_repeat_ngram_size", c.no_repeat_ngram_size, "at least 0");
  check(c.num_beams >= 1 && c.num_beams <= 1024, "num_beams", c.num_beams, "1 to 1024");
  check(std::isfinite(c.length_penalty), "length_penalty", c.length_penalty, "a finite number");
  check(c.logprob_threshold <= 0, "logprob_threshold", c.logprob_threshold, "a number of at most 0");
  check(c.logprob_window >= 1, "logprob_window", c.logprob_window, "at least 1");
  check(c.num_return_sequences >= 1 && c.num_return_sequences <= 65536, "num_return_sequences",
        c.num_return_sequences, "1 to 65536");
}

void check_lists(const GenerationConfig& c) {
  for (const std::vector<TokenId>& word : c.bad_words_ids) {
    require(!word.empty(), "generate: bad_words_ids holds an empty sequence");
    for (const TokenId id : word) check(id >= 0, "an id in bad_words_ids", id, "at least 0");
  }
  for (const auto& [id, bias] : c.logit_bias) {
    check(id >= 0, "an id in logit_bias", id, "at least 0");
    require(!std::isnan(bias) && bias < std::numeric_limits<float>::infinity(),
            "generate: logit_bias of token ", id, " is ", bias,
            ", expected a number, or -infinity to forbid the token");
  }
  for (const TokenId id : c.eos_token_id) check(id >= 0, "an id in eos_token_id", id, "at least 0");
  for (const std::string& stop : c.stop_strings) {
    require(!stop.empty(), "generate: stop_strings holds an empty string, which every text begins with");
    require(io::is_utf8(stop), "generate: stop_strings holds \"", io::excerpt(stop),
            "\", which is not UTF-8");
  }
}

void check_contradictions(const GenerationConfig& c) {
  require(c.min_new_tokens <= c.max_new_tokens, "generate: min_new_tokens is ", c.min_new_tokens,
          ", more than max_new_tokens, which is ", c.max_new_tokens);
  require(!c.do_sample || c.temperature > 0,
          "generate: temperature is 0 and do_sample is true; for the highest score set do_sample to false");
  require(!c.do_sample || c.num_beams == 1, "generate: num_beams is ", c.num_beams,
          " and do_sample is true; beam search does not sample: choose one of them");
  require(
      c.do_sample || c.num_beams > 1 || c.num_return_sequences == 1, "generate: num_return_sequences is ",
      c.num_return_sequences,
      " but do_sample is false and num_beams is 1, so that all would be equal; set do_sample, or num_beams");
  require(c.num_beams == 1 || c.num_return_sequences <= c.num_beams, "generate: num_return_sequences is ",
          c.num_return_sequences, ", more than num_beams, which is ", c.num_beams);
  require(c.num_beams == 1 || !c.constraint, "generate: num_beams is ", c.num_beams,
          " and there is a constraint; beam search has no constraints: leave one of them out");
  require(c.num_beams == 1 || c.top_logprobs < 0, "generate: top_logprobs is ", c.top_logprobs,
          " and num_beams is ", c.num_beams,
          "; beam search reports one score a text, no log-probabilities of tokens");
  require(c.num_beams == 1 || std::isinf(c.logprob_threshold), "generate: logprob_threshold is ",
          c.logprob_threshold, " and num_beams is ", c.num_beams,
          "; beam search looks for the likeliest text anyway: leave one of them out");
}

}  // namespace

void validate(const GenerationConfig& config) {
  check_ranges(config);
  check_lists(config);
  check_contradictions(config);
}

}  // namespace adlib
