// copywriter/corpus/example.h: one example of the corpus: a product, a customer, a brief, and the copy for
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "copywriter/corpus/compose.h"
#include "copywriter/corpus/world.h"
#include "copywriter/shop/json_line.h"
#include "copywriter/write/prompt.h"

namespace adlib::copywriter::corpus {

struct Example {
  Brief brief;
  MadeProduct product;
  MadeCustomer customer;
  TaggedPrompt prompt;
  std::string copy;
};

/// {prompt, completion, language, category, kind}: a line of a corpus. Without a category or a kind where
/// there is none.
OrderedJson training_record(const Example& example);
/// Stands before words that an exercise asks to repeat; no prompt of `adlib write` has it.
inline constexpr std::string_view kRepeatTag = "<|repeat|>";

class ExampleMaker {
 public:
  /// Both lexicons must outlive this. `drafts`: of Composer.
  ExampleMaker(const Lexicon& zh, const Lexicon& en, const WorldOptions& options, int drafts = 1)
      : world_(zh, en, options), zh_(zh, drafts), en_(en, drafts) {}

  /// The same example for the same three arguments, whatever else is made. Without a language, either. Throws
  /// Error(invalid_argument) when the sentences there are make no copy.
  Example make(std::uint64_t seed, std::uint64_t index, std::optional<Language> language = {}) const;
  /// A line of a corpus: the record of that example, or, for three indices of ten, an exercise in its place:
  /// words nobody has used, to be repeated as they are. Copying names and facts is what a small model learns
  /// last, and soonest where there is nothing else to learn.
  OrderedJson record(std::uint64_t seed, std::uint64_t index, std::optional<Language> language = {}) const;

 private:
  World world_;
  Composer zh_, en_;
};

}  // namespace adlib::copywriter::corpus
