// tests/copywriter/typography_support.h: what typography finds in a text, and what its fixes make of it.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/polish/typography/typography.h"
#include "support/catch.h"

namespace adlib::copywriter::typography_data {

using Strings = std::vector<std::string>;

inline Strings rules_of(std::string_view text, Language language) {
  Strings rules;
  for (const Finding& finding : check_typography(text, language)) rules.push_back(finding.rule);
  return rules;
}

// The text with all fixes; what is wrong with the findings themselves fails the test.
inline std::string fixed(const std::string& text, Language language) {
  std::string out;
  std::size_t done = 0, place = 0;
  for (const Finding& finding : check_typography(text, language)) {
    CAPTURE(text, finding.rule);
    REQUIRE((finding.rule.starts_with("typography/") || finding.rule.starts_with("grammar/")));
    REQUIRE(finding.where.begin >= place);
    REQUIRE(finding.where.end >= finding.where.begin);
    REQUIRE(finding.where.end <= text.size());
    REQUIRE_FALSE(finding.message.empty());
    place = finding.where.begin;
    if (!finding.fix) continue;
    REQUIRE(finding.where.begin >= done);
    out += text.substr(done, finding.where.begin - done) + *finding.fix;
    done = finding.where.end;
  }
  return out + text.substr(done);
}

inline bool has_fix(std::string_view text, Language language) {
  const std::vector<Finding> findings = check_typography(text, language);
  return std::any_of(findings.begin(), findings.end(), [](const Finding& f) { return f.fix.has_value(); });
}

struct Case {
  Language language;
  std::string rule, text, fixed;
};

inline void check_cases(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.text);
    const Strings rules = rules_of(one.text, one.language);
    CAPTURE(rules);
    CHECK(std::count(rules.begin(), rules.end(), one.rule) > 0);
    CHECK(fixed(one.text, one.language) == one.fixed);
    CHECK_FALSE(has_fix(one.fixed, one.language));
  }
}

inline void check_innocent(Language language, const Strings& texts) {
  for (const std::string& text : texts) {
    CAPTURE(text);
    CHECK(rules_of(text, language) == Strings{});
  }
}

inline constexpr Language zh = Language::zh, en = Language::en;

// What cannot be fixed stays as it is.
inline Case only_found(Language language, const std::string& rule, const std::string& text) {
  return {language, rule, text, text};
}

}  // namespace adlib::copywriter::typography_data
