// tokenizer/src/normalizer.h: rewriting a text before it is cut.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "unicode.h"

namespace adlib::tok {

/// One entry of the "normalizer" of tokenizer.json: rewrites valid UTF-8 in place.
using NormalizerStep = std::function<void(std::string&)>;

NormalizerStep normalize_to(NormalForm form);
NormalizerStep lowercase();
NormalizerStep strip_spaces(bool left, bool right);
NormalizerStep strip_accents();
NormalizerStep prepend(std::string text);
NormalizerStep replace(std::string from, std::string to);

/// BERT's BasicTokenizer before its splitting.
struct BertOptions {
  bool clean_text = true;            ///< drop control characters, make white space a space
  bool handle_chinese_chars = true;  ///< a space on either side of each ideograph
  bool strip_accents = true;
  bool lowercase = true;
};
NormalizerStep bert_normalizer(const BertOptions& options);

/// A whole normalizer; empty means none.
class Normalizer {
 public:
  std::vector<NormalizerStep> steps;

  bool empty() const { return steps.empty(); }
  /// The normalised text. Bytes that are not UTF-8 pass through unchanged; each valid stretch is normalised
  /// alone.
  std::string operator()(std::string_view text) const;
};

}  // namespace adlib::tok
