#include "adlib/generate/generator.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <limits>
#include <memory>
#include <utility>

#include "adlib/core/error.h"
#include "adlib/core/parallel.h"
#include "generate/beam_search.h"
#include "generate/prompt.h"
#include "generate/scheduler.h"
#include "generate/text_stream.h"

namespace adlib {

namespace {

using generate::TextStream;
using Clock = std::chrono::steady_clock;
using Prompt = std::vector<TokenId>;

/// As many continuations as this are under way at once, which bounds the cache's memory.
constexpr std::int64_t sequences_at_once = 64;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Result search_beams(const Decoder& decoder, const Tokenizer& tokenizer, const GenerationConfig& config,
                    const Prompt& prompt, const OnPiece& on_piece) {
  Result result;
  result.prompt_tokens = std::ssize(prompt);
  auto start = Clock::now();
  const TextStream primed(tokenizer, prompt, config.stop_strings);
  result.completions = generate::beam_search(decoder, prompt, config, primed, [&] {
    result.prefill_seconds = seconds_since(start);
    start = Clock::now();
  });
  result.decode_seconds = seconds_since(start);
  if (on_piece && !result.text().empty()) on_piece(result.text());
  return result;
}

std::vector<Result> sample(const Decoder& decoder, const Tokenizer& tokenizer, const GenerationConfig& config,
                           const std::vector<Prompt>& prompts, const OnPiece& on_piece) {
  std::int64_t longest = 0;
  for (const Prompt& prompt : prompts) longest = std::max(longest, std::ssize(prompt));
  const std::int64_t per_prompt = config.num_return_sequences;
  const std::int64_t sequences =
      std::min(std::max(sequences_at_once, per_prompt), per_prompt * std::ssize(prompts));
  EngineOptions options;
  options.max_sequences = sequences;
  options.target_step_seconds = std::numeric_limits<double>::infinity();  // nobody waits for the first word
  generate::Scheduler scheduler(decoder, tokenizer, options,
                                decoder.make_cache(sequences, longest + config.max_new_tokens));
  std::vector<Result> results(prompts.size());
  std::exception_ptr error;
  std::size_t asked = 0, ended = 0;
  while (ended < prompts.size()) {
    // Some wait while others run, so that no place in the batch stays empty; not all, so that a step need not
    // look at all.
    for (; asked < prompts.size() && asked - ended < static_cast<std::size_t>(2 * sequences); ++asked) {
      auto job = std::make_unique<generate::Job>();
      job->id = asked;
      job->prompt = prompts[asked];
      job->config = config;
      if (asked == 0) job->on_piece = on_piece;
      job->submitted = generate::Scheduler::now();
      job->done = [&, index = asked](Result&& result) {
        results[index] = std::move(result);
        ++ended;
      };
      job->failed = [&](std::exception_ptr reason) {
        error = std::move(reason);
        ++ended;
      };
      scheduler.add(std::move(job));
    }
    scheduler.admit();
    scheduler.step();
    if (error) std::rethrow_exception(error);
  }
  return results;
}

std::vector<Result> run(const Decoder& decoder, const Tokenizer& tokenizer, const GenerationConfig& config,
                        const std::vector<Prompt>& prompts, const OnPiece& on_piece) {
  if (prompts.empty()) return {};
  if (config.num_beams == 1) return sample(decoder, tokenizer, config, prompts, on_piece);
  std::vector<Result> results;
  for (const Prompt& prompt : prompts) {
    results.push_back(search_beams(decoder, tokenizer, config, prompt, on_piece));
  }
  return results;
}

}  // namespace

std::string_view to_string(FinishReason reason) {
  switch (reason) {
    case FinishReason::eos:
      return "eos";
    case FinishReason::stop:
      return "stop";
    case FinishReason::length:
      return "length";
    case FinishReason::cancelled:
      return "cancelled";
    case FinishReason::unlikely:
      return "unlikely";
  }
  return "unknown";
}

Generator::Generator(std::shared_ptr<const Decoder> decoder, std::shared_ptr<const Tokenizer> tokenizer,
                     GenerationConfig defaults)
    : decoder_(std::move(decoder)), tokenizer_(std::move(tokenizer)), defaults_(std::move(defaults)) {
  require(decoder_ != nullptr && tokenizer_ != nullptr,
          "Generator: expected a decoder and a tokenizer, got none");
  generate::check_vocabularies(*tokenizer_, decoder_->config(), "Generator");
}

Generator Generator::from_directory(const std::filesystem::path& dir, const LoadOptions& options) {
  // Small files first: what is wrong with them should not wait for gigabytes of weights.
  const DecoderConfig config = read_config(dir);
  GenerationConfig defaults = read_generation_config(dir);
  std::shared_ptr<const Tokenizer> tokenizer = Tokenizer::from_directory(dir);
  generate::check_vocabularies(*tokenizer, config, dir.string());
  if (defaults.eos_token_id.empty() && tokenizer->eos_id()) defaults.eos_token_id = {*tokenizer->eos_id()};
  // Configurations that were copied from a larger model name an end that this one cannot produce.
  std::erase_if(defaults.eos_token_id, [&](TokenId id) { return id >= config.vocab_size; });
  auto decoder = std::make_shared<const Decoder>(load_decoder(dir, options));
  return {std::move(decoder), std::move(tokenizer), std::move(defaults)};
}

std::vector<TokenId> Generator::encode(std::string_view prompt) const {
  return generate::encode_prompt(*tokenizer_, prompt);
}

Result Generator::generate(std::string_view prompt, const GenerationConfig& config,
                           const OnPiece& on_piece) const {
  return generate(encode(prompt), config, on_piece);
}

Result Generator::generate(std::span<const TokenId> prompt, const GenerationConfig& config,
                           const OnPiece& on_piece) const {
  const GenerationConfig complete = generate::complete(config, defaults_, decoder_->config());
  const std::vector<Prompt> prompts = {
      generate::fit_prompt(prompt, complete, decoder_->config(), *tokenizer_)};
  return std::move(run(*decoder_, *tokenizer_, complete, prompts, on_piece).front());
}

std::vector<Result> Generator::generate(std::span<const std::string> prompts,
                                        const GenerationConfig& config) const {
  std::vector<std::vector<TokenId>> ids(prompts.size());
  parallel_for(num_threads(), std::ssize(prompts), [&](std::int64_t index) {
    const auto i = static_cast<std::size_t>(index);
    ids[i] = encode(prompts[i]);
  });
  return generate(ids, config);
}

std::vector<Result> Generator::generate(std::span<const std::vector<TokenId>> prompts,
                                        const GenerationConfig& config) const {
  const GenerationConfig complete = generate::complete(config, defaults_, decoder_->config());
  std::vector<Prompt> fitted;  // in order: of several that do not fit, the first is named
  for (const std::vector<TokenId>& prompt : prompts) {
    fitted.push_back(generate::fit_prompt(prompt, complete, decoder_->config(), *tokenizer_));
  }
  return run(*decoder_, *tokenizer_, complete, fitted, {});
}

}  // namespace adlib
