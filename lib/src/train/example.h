// train/example.h: one line of a dataset as ids.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/io/json.h"
#include "adlib/tokenizer/tokenizer.h"
#include "adlib/train/dataset.h"

namespace adlib::train {

struct Example {
  struct Document {
    std::vector<TokenId> ids;
    std::size_t prompt = 0;  ///< how many of them are not learned
  };
  enum class Kind { completion, text, pair };

  Kind kind = Kind::completion;
  std::vector<Document> documents;  ///< two for a pair
  std::uint64_t key = 0;
  bool truncated_prompt = false;
  bool truncated_completion = false;
};

/// Uniform in 64 bits, the same on every machine.
std::uint64_t hash_of(std::string_view bytes);

/// Turns what stands in a file into ids; const, so that threads may share one.
class ExampleEncoder {
 public:
  /// `options` and `tokenizer` must outlive this. Throws Error(invalid_argument) for options that the
  /// tokenizer cannot follow.
  ExampleEncoder(const Tokenizer& tokenizer, const DatasetOptions& options);

  /// `where` begins the messages: "train.jsonl:17".
  Example encode(const io::Json& object, const std::string& where) const;
  /// A prompt or text, with nothing around it.
  std::vector<TokenId> encode_text(std::string_view text) const;

  std::optional<TokenId> bos() const { return bos_; }
  std::optional<TokenId> eos() const { return eos_; }

 private:
  Example::Document join(const std::vector<TokenId>& prompt, const std::string& completion) const;
  void truncate(Example& example) const;

  const Tokenizer& tokenizer_;
  const DatasetOptions& options_;
  std::optional<TokenId> bos_;
  std::optional<TokenId> eos_;
};

}  // namespace adlib::train
