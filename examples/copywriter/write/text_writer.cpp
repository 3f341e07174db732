#include "copywriter/write/text_writer.h"

#include <cmath>
#include <string_view>
#include <utility>

namespace adlib::copywriter {
namespace {

std::string_view finish_reason(FinishReason reason) {
  return reason == FinishReason::length || reason == FinishReason::unlikely ? to_string(reason) : "stop";
}

GeneratedText text_of(const Result& result, bool guarded) {
  const Completion& completion = result.completions.front();
  return {.text = completion.text,
          .prompt_tokens = result.prompt_tokens,
          .generated_tokens = static_cast<std::int64_t>(completion.ids.size()),
          .seconds = std::round((result.prefill_seconds + result.decode_seconds) * 1e6) / 1e6,
          .finish_reason = std::string(finish_reason(completion.finish_reason)),
          .guarded = guarded};
}

}  // namespace

TextWriter::TextWriter(const Generator& generator, GenerationConfig config, const EngineOptions& options)
    : generator_(generator), config_(std::move(config)), max_sequences_(options.max_sequences) {
  if (config_.num_beams == 1) engine_ = std::make_unique<Engine>(generator, options);
}

std::future<GeneratedText> TextWriter::begin(TextRequest request, int priority,
                                             std::function<void()> on_end) const {
  GenerationConfig config = config_;
  config.seed = request.seed;
  config.logprob_threshold = request.logprob_threshold;
  const bool guarded = request.constraint != nullptr;
  config.constraint = std::move(request.constraint);
  if (engine_) {
    auto ticket = engine_->submit({.prompt = std::move(request.prompt),
                                   .config = std::move(config),
                                   .priority = priority,
                                   .on_end = std::move(on_end)});
    return std::async(std::launch::deferred, [result = std::move(ticket.result), guarded]() mutable {
      return text_of(result.get(), guarded);
    });
  }
  std::promise<GeneratedText> written;
  written.set_value(text_of(generator_.generate(request.prompt, config), guarded));
  if (on_end) on_end();
  return written.get_future();
}

}  // namespace adlib::copywriter
