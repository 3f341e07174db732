// copywriter/write/text_writer.h: a model that writes many texts at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "adlib/generate/engine.h"

namespace adlib::copywriter {

/// What a writer hands back for one prompt.
struct GeneratedText {
  std::string text;
  std::int64_t prompt_tokens = 0;
  std::int64_t generated_tokens = 0;
  double seconds = 0;
  std::string finish_reason;  ///< "stop", "length", "unlikely"
  bool guarded = false;       ///< under the rules of a Guard
  int attempt = 0;            ///< which of a request's texts it is (GuardedWriter), from 0
  bool unfit = false;         ///< the last attempt, for which GuardedWriter would have asked again
};

/// What a writer is asked for.
struct TextRequest {
  std::vector<TokenId> prompt;
  std::uint64_t seed = 0;
  std::shared_ptr<const Constraint> constraint = {};                  ///< what is given one counts as guarded
  float logprob_threshold = -std::numeric_limits<float>::infinity();  ///< as GenerationConfig's
};

/// Texts by an Engine; with beams, which are searched one prompt at a time, by the generator alone.
class TextWriter {
 public:
  /// `generator` must outlive this. Each text gets `config` with what its request says.
  TextWriter(const Generator& generator, GenerationConfig config, const EngineOptions& options);

  /// Texts to ask for before the first is taken: a slow one holds up those behind it, not the model.
  std::size_t ahead() const { return static_cast<std::size_t>(4 * max_sequences_); }
  const Tokenizer& tokenizer() const { return generator_.tokenizer(); }

  /// Begins a text and comes back. Higher priorities go first. `on_end` is called, on another thread or
  /// before begin() returns, when the text is there; it must neither throw nor begin another.
  std::future<GeneratedText> begin(TextRequest request, int priority = 0,
                                   std::function<void()> on_end = {}) const;

 private:
  const Generator& generator_;
  GenerationConfig config_;
  std::int64_t max_sequences_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace adlib::copywriter
