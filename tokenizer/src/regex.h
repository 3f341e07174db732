// tokenizer/src/regex.h: the regular expressions of tokenizer.json, run by PCRE2.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace adlib::tok {

struct Range {
  std::size_t begin;
  std::size_t end;
};

/// A compiled pattern; const use from many threads is safe. Hugging Face tokenizers runs these patterns with
/// Oniguruma; to_pcre2() bridges the differences of syntax and classes.
class Regex {
 public:
  /// Throws Error(unsupported) that names the construct if PCRE2 would read the pattern differently, and
  /// Error(bad_format) if it does not compile. `where` begins the message.
  Regex(std::string_view pattern, std::string_view where);

  /// All matches in valid UTF-8 `text`, left to right; an empty match right after a match is passed over.
  /// Throws Error(invalid_argument) if the pattern needs more steps than a text of this size can earn.
  void find_all(std::string_view text, std::vector<Range>& out) const;
  /// `text` with each match replaced by `content`, taken literally.
  std::string replace_all(std::string_view text, std::string_view content) const;

  const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;
  std::shared_ptr<void> code_;  // pcre2_code
};

/// Rewrites Oniguruma (Ruby syntax) as PCRE2: \s, \w and \u mean what they mean there.
std::string to_pcre2(std::string_view pattern, std::string_view where);

}  // namespace adlib::tok
