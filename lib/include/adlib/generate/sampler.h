// adlib/generate/sampler.h: from scores to a token. The sampler is a function of (scores, history, seed,
// stream): it keeps nothing from token to token, so that a text can be stopped, resumed or batched and stays
// the same. Its arithmetic is in core/sampling.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "adlib/core/sampling.h"
#include "adlib/generate/logits_processors.h"

namespace adlib {

/// What of a configuration, of continuation `stream` of a prompt, an operation of a batch takes.
inline SampleRow sample_row(const GenerationConfig& config, std::uint64_t stream = 0) {
  SampleRow row;
  row.seed = config.seed;
  row.stream = stream;
  row.top_k = static_cast<std::int32_t>(
      std::min<std::int64_t>(config.top_k, std::numeric_limits<std::int32_t>::max()));
  row.do_sample = config.do_sample ? 1 : 0;
  row.temperature = config.temperature;
  row.top_p = config.top_p;
  row.min_p = config.min_p;
  row.repetition_penalty = config.repetition_penalty;
  row.presence_penalty = config.presence_penalty;
  row.frequency_penalty = config.frequency_penalty;
  return row;
}

namespace sampling {

/// The tokens that may be drawn, by the configuration's temperature, top_k, top_p and min_p.
inline std::vector<Candidate> candidates(std::span<const float> scores, const GenerationConfig& config) {
  return candidates(scores, sample_row(config));
}

}  // namespace sampling

/// Chooses the next token of one sequence. Its random numbers are Philox words of (seed, stream, index of the
/// token), so that a text depends only on prompt, configuration, seed and stream. `config` must outlive the
/// sampler.
class Sampler {
 public:
  /// `stream`: which of several continuations of one prompt this is.
  Sampler(const GenerationConfig& config, std::uint64_t stream)
      : config_(&config), row_(sample_row(config, stream)) {}

  /// scores (V) are the model's and are overwritten. Nothing when every token is forbidden. Throws
  /// Error(bad_format) for scores that are NaN or +infinity.
  std::optional<TokenId> operator()(std::span<float> scores, const logits::History& history) const {
    return (*this)(scores, history, [](TokenId) { return true; });
  }
  /// The same among the tokens for which accepts(TokenId) holds, which is only asked of those drawn: a token
  /// that is refused leaves its probability to the others. When it refuses all that top_k, top_p and min_p
  /// let through, the best of the rest is taken.
  template <class Accepts>
  std::optional<TokenId> operator()(std::span<float> scores, const logits::History& history,
                                    Accepts&& accepts) const {
    logits::check_finite(scores);
    logits::process(scores, history, *config_);
    return sampling::take(scores, row(history), accepts);
  }
  /// For ops::sample: the same token, where the configuration changes scores by penalties alone. Its ids are
  /// those of `history`, from the batch's first on.
  SampleRow row(const logits::History& history) const {
    SampleRow row = row_;
    row.index = history.generated().size();
    row.history_length = static_cast<std::int32_t>(history.ids.size());
    row.prompt_length = static_cast<std::int32_t>(history.prompt_length);
    return row;
  }

 private:
  const GenerationConfig* config_;
  SampleRow row_;
};

}  // namespace adlib
