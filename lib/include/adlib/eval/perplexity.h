// adlib/eval/perplexity.h: how well a model predicts text.
#pragma once

#include <cmath>
#include <cstdint>
#include <functional>
#include <numbers>
#include <span>
#include <string_view>
#include <vector>

#include "adlib/models/decoder.h"
#include "adlib/tokenizer/tokenizer.h"

namespace adlib::eval {

/// One text to be predicted.
struct Document {
  std::vector<TokenId> ids;
  std::int64_t given = 1;       ///< the first ids, which are not predicted; at least 1
  std::int64_t characters = 0;  ///< code points that the predicted ids stand for
  std::int64_t bytes = 0;       ///< the same in UTF-8
};
/// A text, after the special tokens that the tokenizer puts in front of one (or its BOS token in front of an
/// empty text), and the token `end` after it, unless that is negative. Without any in front, the first token
/// cannot be predicted and does not count, nor do its characters.
Document text_document(const Tokenizer& tokenizer, std::string_view text, TokenId end = -1);
/// A completion, predicted after its prompt, and `end` after it. Prompt and completion are encoded apart, as
/// they are to train and to generate; nothing in a completion is a special token. Only the completion's
/// characters count.
Document completion_document(const Tokenizer& tokenizer, std::string_view prompt, std::string_view completion,
                             TokenId end = -1);

struct PerplexityOptions {
  /// Tokens of the windows that a longer document is read in; 0: the model's context.
  std::int64_t window = 0;
  /// Tokens by which windows move on; those read before are context only. 0: half a window.
  std::int64_t stride = 0;
  /// About how many tokens are read at once, which bounds the memory and changes no bit.
  std::int64_t batch_tokens = 1024;
  /// Told the documents that are done and all of them.
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

struct Perplexity {
  double total = 0;  ///< sum of -ln p(token | tokens before), in nats
  std::int64_t tokens = 0;
  std::int64_t characters = 0;
  std::int64_t bytes = 0;
  std::int64_t documents = 0;

  double loss() const { return total / static_cast<double>(tokens); }  ///< by token: what training reports
  double perplexity() const { return std::exp(loss()); }
  /// Comparable between tokenizers, as perplexity by token is not.
  double bits_per_character() const { return total / std::numbers::ln2 / static_cast<double>(characters); }
  double bits_per_byte() const { return total / std::numbers::ln2 / static_cast<double>(bytes); }
};
/// exp(-1/N Σ ln p(x_i | x_<i)) over the N tokens that count in all documents, each document by itself
/// (Jelinek et al. 1977). A document longer than a window is read in windows that overlap; every token is
/// predicted once, after at least window - stride tokens but for the first window. The sum is taken in
/// double, in the order of the documents: neither threads nor batches change it. Throws
/// Error(invalid_argument) for a document whose `given` is not from 1 to its length, for ids outside the
/// vocabulary, for windows that do not fit the context, and when no token counts.
Perplexity perplexity(const Decoder& decoder, std::span<const Document> documents,
                      const PerplexityOptions& options = {});

/// What a model takes for the likeliest next token, and the probability by which it leads the second.
struct Choice {
  TokenId token = 0;
  float lead = 0;
};
/// At every position that perplexity() counts, in its order. Throws what it throws.
std::vector<Choice> choices(const Decoder& decoder, std::span<const Document> documents,
                            const PerplexityOptions& options = {});

/// How often two models choose alike: what quantised weights change of a text.
struct Agreement {
  std::int64_t positions = 0, same = 0;
  std::int64_t clear = 0;  ///< where the reference's choice leads by more than `lead`
  std::int64_t clear_same = 0;
};
/// Throws Error(invalid_argument) for different numbers of choices.
Agreement agreement(std::span<const Choice> reference, std::span<const Choice> other, float lead = 0.02f);

}  // namespace adlib::eval
