#include "generate/prompt.h"

#include <algorithm>
#include <iterator>

#include "adlib/core/error.h"

namespace adlib::generate {

namespace {

void check_id(TokenId id, const DecoderConfig& model, const char* what) {
  require(id >= 0 && id < model.vocab_size, "generate: ", what, " ", id,
          " is outside the model's vocabulary of ", model.vocab_size);
}

}  // namespace

void check_vocabularies(const Tokenizer& tokenizer, const DecoderConfig& model, std::string_view where) {
  if (tokenizer.vocab_size() <= model.vocab_size) return;
  fail(ErrorCode::bad_format, where, ": the tokenizer has ids up to ", tokenizer.vocab_size() - 1,
       ", but the model's vocabulary is ", model.vocab_size, "; they do not belong together");
}

GenerationConfig complete(GenerationConfig config, const GenerationConfig& defaults,
                          const DecoderConfig& model) {
  validate(config);
  if (config.eos_token_id.empty()) config.eos_token_id = defaults.eos_token_id;
  for (const TokenId id : config.eos_token_id) check_id(id, model, "eos_token_id");
  for (const auto& [id, bias] : config.logit_bias) check_id(id, model, "logit_bias of token");
  for (const std::vector<TokenId>& word : config.bad_words_ids) {
    for (const TokenId id : word) check_id(id, model, "bad_words_ids: token");
  }
  return config;
}

std::vector<TokenId> encode_prompt(const Tokenizer& tokenizer, std::string_view prompt) {
  std::vector<TokenId> ids = tokenizer.encode_with_special(prompt);
  if (!ids.empty() && tokenizer.is_special(ids.back())) {
    // What a tokenizer puts behind a text, such as BERT's [SEP], says that it is over. A prompt goes on.
    const std::vector<TokenId> text = tokenizer.encode(prompt);
    const auto begin = std::search(ids.begin(), ids.end(), text.begin(), text.end());
    if (begin != ids.end()) ids.erase(begin + std::ssize(text), ids.end());
  }
  if (ids.empty() && tokenizer.bos_id()) ids.push_back(*tokenizer.bos_id());
  return ids;
}

std::vector<TokenId> fit_prompt(std::span<const TokenId> ids, const GenerationConfig& config,
                                const DecoderConfig& model, const Tokenizer& tokenizer) {
  using TooLong = GenerationConfig::TooLong;
  require(!ids.empty(),
          "generate: the prompt is empty and the tokenizer has no BOS token to begin with; "
          "give at least one character");
  for (const TokenId id : ids) check_id(id, model, "prompt token");
  const std::int64_t room = model.context - config.max_new_tokens;
  require(room >= 1, "generate: max_new_tokens is ", config.max_new_tokens, ", the model's context is ",
          model.context, ", which leaves no room for a prompt; lower max_new_tokens");
  if (std::ssize(ids) <= room) return {ids.begin(), ids.end()};
  require(config.too_long != TooLong::error, "generate: the prompt has ", ids.size(),
          " tokens and max_new_tokens is ", config.max_new_tokens, ", the model's context is ", model.context,
          "; shorten the prompt, lower max_new_tokens or set too_long");
  const auto kept = static_cast<std::size_t>(room);
  if (config.too_long == TooLong::keep_begin) return {ids.begin(), ids.begin() + room};
  const auto tail = ids.last(kept);
  std::vector<TokenId> fitted(tail.begin(), tail.end());
  if (tokenizer.bos_id() && ids.front() == *tokenizer.bos_id()) fitted.front() = ids.front();
  return fitted;
}

}  // namespace adlib::generate
