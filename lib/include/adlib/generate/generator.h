// adlib/generate/generator.h: text from a prompt: tokenizer, decoder and sampler together.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/generate/config.h"
#include "adlib/models/checkpoint.h"
#include "adlib/models/decoder.h"

namespace adlib {

enum class FinishReason {
  eos,        ///< the model ended the text
  stop,       ///< a stop string was met
  length,     ///< max_new_tokens was reached, or every next token was forbidden
  cancelled,  ///< the callback returned false
  unlikely,   ///< logprob_threshold was crossed
};
/// "eos", "stop", "length", "cancelled", "unlikely".
std::string_view to_string(FinishReason reason);

struct TokenLogprob {
  TokenId id = 0;
  float logprob = 0;  ///< natural logarithm, of the model's own distribution before penalties and temperature
  std::vector<std::pair<TokenId, float>> top;  ///< the best alternatives, best first
};

/// One continuation.
struct Completion {
  std::string text;          ///< whole UTF-8, without the prompt, cut before a stop string
  std::vector<TokenId> ids;  ///< what was generated, an end-of-text token or a stop string's included
  FinishReason finish_reason = FinishReason::length;
  double score = 0;  ///< beams: the length-normalised log-probability
  std::vector<TokenLogprob> logprobs;
};

struct Result {
  /// num_return_sequences of them; beams can give fewer, when so few texts are allowed.
  std::vector<Completion> completions;
  std::int64_t prompt_tokens = 0;  ///< after truncation
  double prefill_seconds = 0;      ///< of the batch that the prompt was in
  double decode_seconds = 0;

  const std::string& text() const { return completions.front().text; }
};

/// Called with each piece of new text of completion 0, whole UTF-8 characters only and never a part of a stop
/// string; the pieces join to its text. Returning false stops. Beam search calls it once, at the end.
using OnPiece = std::function<bool(std::string_view text)>;

/// Const after construction: threads may share one.
class Generator {
 public:
  Generator(std::shared_ptr<const Decoder> decoder, std::shared_ptr<const Tokenizer> tokenizer,
            GenerationConfig defaults = {});
  /// Everything from a Hugging Face directory. Throws Error naming the file that is missing or wrong, also
  /// when the tokenizer can produce ids that the model does not have.
  static Generator from_directory(const std::filesystem::path& dir, const LoadOptions& options = {});

  const Decoder& decoder() const { return *decoder_; }
  const Tokenizer& tokenizer() const { return *tokenizer_; }
  /// What generation_config.json set, for callers to change.
  const GenerationConfig& defaults() const { return defaults_; }

  /// The ids of a prompt, with the special tokens that the tokenizer puts in front of a text, without those
  /// that it puts behind.
  std::vector<TokenId> encode(std::string_view prompt) const;
  /// Continues a prompt. Throws Error(invalid_argument) for a configuration that contradicts itself or
  /// a prompt that is empty or too long.
  Result generate(std::string_view prompt, const GenerationConfig& config,
                  const OnPiece& on_piece = {}) const;
  Result generate(std::string_view prompt) const { return generate(prompt, defaults_); }
  /// The same from ids, used as they are.
  Result generate(std::span<const TokenId> prompt, const GenerationConfig& config,
                  const OnPiece& on_piece = {}) const;
  /// Several prompts in one ragged batch; each result is the same as alone.
  std::vector<Result> generate(std::span<const std::string> prompts, const GenerationConfig& config) const;
  std::vector<Result> generate(std::span<const std::vector<TokenId>> prompts,
                               const GenerationConfig& config) const;

 private:
  std::shared_ptr<const Decoder> decoder_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  GenerationConfig defaults_;
};

}  // namespace adlib
