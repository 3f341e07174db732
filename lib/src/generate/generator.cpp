#include "adlib/generate/generator.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "adlib/core/error.h"
#include "adlib/core/parallel.h"
#include "generate/beam_search.h"
#include "generate/continuation.h"
#include "generate/prompt.h"
#include "generate/runner.h"
#include "generate/text_stream.h"

namespace adlib {

namespace {

using generate::Continuation;
using generate::Runner;
using generate::TextStream;
using Clock = std::chrono::steady_clock;
using Prompt = std::vector<TokenId>;

/// Prompts are generated for in groups of about this many sequences, which bounds the cache's memory.
constexpr std::int64_t group_sequences = 64;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// Several prompts in one ragged batch, num_return_sequences continuations of each.
class Group {
 public:
  Group(const Decoder& decoder, const Tokenizer& tokenizer, const GenerationConfig& config,
        std::span<const Prompt> prompts)
      : prompts_(prompts),
        per_prompt_(config.num_return_sequences),
        runner_(decoder, std::ssize(prompts) * per_prompt_, longest(prompts) + config.max_new_tokens) {
    for (std::int64_t p = 0; p < std::ssize(prompts); ++p) {
      const Prompt& prompt = prompts[static_cast<std::size_t>(p)];
      const TextStream primed(tokenizer, prompt, config.stop_strings);
      for (std::int64_t n = 0; n < per_prompt_; ++n) {
        continuations_.emplace_back(config, prompt, static_cast<std::uint64_t>(n), primed);
      }
    }
  }

  std::vector<Result> run(const OnPiece& on_piece) {
    const auto start = Clock::now();
    Tensor scores = prefill();
    const double prefill_seconds = seconds_since(start);
    const auto decode_start = Clock::now();
    first_tokens(scores);
    while (stream(on_piece) && step()) {
    }
    return results(prefill_seconds, seconds_since(decode_start));
  }

 private:
  static std::int64_t longest(std::span<const Prompt> prompts) {
    std::int64_t length = 0;
    for (const Prompt& prompt : prompts) length = std::max(length, std::ssize(prompt));
    return length;
  }

  /// Each prompt is read once, into the slot of its first continuation.
  Tensor prefill() {
    std::vector<Runner::Piece> pieces;
    for (std::int64_t p = 0; p < std::ssize(prompts_); ++p) {
      pieces.push_back({p * per_prompt_, prompts_[static_cast<std::size_t>(p)]});
    }
    return runner_.feed(pieces);
  }
  void first_tokens(Tensor& scores) {
    std::vector<float> copy;
    for (std::int64_t slot = 0; slot < std::ssize(continuations_); ++slot) {
      const std::int64_t prompt = slot / per_prompt_;
      runner_.copy_sequence(prompt * per_prompt_, slot);
      const std::span<float> shared = generate::row(scores, static_cast<std::size_t>(prompt));
      copy.assign(shared.begin(), shared.end());
      continuations_[static_cast<std::size_t>(slot)].advance(copy);
    }
  }
  /// One token more for every continuation that has not ended; false when all have.
  bool step() {
    std::vector<Runner::Piece> pieces;
    std::vector<Continuation*> active;
    for (std::int64_t slot = 0; slot < std::ssize(continuations_); ++slot) {
      Continuation& continuation = continuations_[static_cast<std::size_t>(slot)];
      if (!continuation.active()) continue;
      active.push_back(&continuation);
      pieces.push_back({slot, continuation.ids().last(1)});
    }
    if (active.empty()) return false;
    Tensor scores = runner_.feed(pieces);
    // Each draws from its own random numbers: which thread does it changes nothing.
    parallel_for(num_threads(), std::ssize(active), [&](std::int64_t index) {
      const auto i = static_cast<std::size_t>(index);
      active[i]->advance(generate::row(scores, i));
    });
    return true;
  }
  /// Hands new text of the first continuation to the caller; false when the caller wants no more.
  bool stream(const OnPiece& on_piece) {
    if (!on_piece) return true;
    const std::string_view piece = continuations_.front().text().take();
    if (piece.empty() || on_piece(piece)) return true;
    for (Continuation& continuation : continuations_) {
      if (continuation.active()) continuation.finish(FinishReason::cancelled);
    }
    return false;
  }
  std::vector<Result> results(double prefill_seconds, double decode_seconds) {
    std::vector<Result> out(prompts_.size());
    for (std::size_t slot = 0; slot < continuations_.size(); ++slot) {
      out[slot / static_cast<std::size_t>(per_prompt_)].completions.push_back(
          continuations_[slot].take_completion());
    }
    for (std::size_t p = 0; p < out.size(); ++p) {
      out[p].prompt_tokens = std::ssize(prompts_[p]);
      out[p].prefill_seconds = prefill_seconds;
      out[p].decode_seconds = decode_seconds;
    }
    return out;
  }

  std::span<const Prompt> prompts_;
  std::int64_t per_prompt_;
  Runner runner_;
  std::vector<Continuation>
      continuations_;  // each in the slot of its index; those of one prompt side by side
};

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

std::vector<Result> run(const Decoder& decoder, const Tokenizer& tokenizer, const GenerationConfig& config,
                        const std::vector<Prompt>& prompts, const OnPiece& on_piece) {
  std::vector<Result> results;
  if (config.num_beams > 1) {
    for (const Prompt& prompt : prompts) {
      results.push_back(search_beams(decoder, tokenizer, config, prompt, on_piece));
    }
    return results;
  }
  const auto group_size =
      static_cast<std::size_t>(std::max<std::int64_t>(1, group_sequences / config.num_return_sequences));
  for (std::size_t begin = 0; begin < prompts.size(); begin += group_size) {
    const auto group = std::span(prompts).subspan(begin, std::min(group_size, prompts.size() - begin));
    for (Result& result : Group(decoder, tokenizer, config, group).run(on_piece))
      results.push_back(std::move(result));
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

Result Generator::generate(std::string_view prompt, const GenerationConfig& config,
                           const OnPiece& on_piece) const {
  const std::vector<TokenId> ids = generate::encode_prompt(*tokenizer_, prompt);
  return generate(ids, config, on_piece);
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
    ids[i] = generate::encode_prompt(*tokenizer_, prompts[i]);
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
