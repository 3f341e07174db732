#include "copywriter/write/text_writer.h"

#include <cmath>
#include <utility>

namespace adlib::copywriter {
namespace {

GeneratedText text_of(const Result& result, bool guarded) {
  const Completion& completion = result.completions.front();
  return {.text = completion.text,
          .prompt_tokens = result.prompt_tokens,
          .generated_tokens = static_cast<std::int64_t>(completion.ids.size()),
          .seconds = std::round((result.prefill_seconds + result.decode_seconds) * 1e6) / 1e6,
          .finish_reason = completion.finish_reason == FinishReason::length ? "length" : "stop",
          .guarded = guarded};
}

}  // namespace

TextWriter::TextWriter(const Generator& generator, GenerationConfig config, const EngineOptions& options)
    : generator_(generator), config_(std::move(config)), max_sequences_(options.max_sequences) {
  if (config_.num_beams == 1) engine_ = std::make_unique<Engine>(generator, options);
}

std::future<GeneratedText> TextWriter::begin(std::vector<TokenId> prompt, std::uint64_t seed,
                                             std::shared_ptr<const Constraint> constraint, int priority,
                                             std::function<void()> on_end) const {
  GenerationConfig config = config_;
  config.seed = seed;
  const bool guarded = constraint != nullptr;
  config.constraint = std::move(constraint);
  if (engine_) {
    auto ticket = engine_->submit({.prompt = std::move(prompt),
                                   .config = std::move(config),
                                   .priority = priority,
                                   .on_end = std::move(on_end)});
    return std::async(std::launch::deferred, [result = std::move(ticket.result), guarded]() mutable {
      return text_of(result.get(), guarded);
    });
  }
  std::promise<GeneratedText> written;
  written.set_value(text_of(generator_.generate(prompt, config), guarded));
  if (on_end) on_end();
  return written.get_future();
}

}  // namespace adlib::copywriter
