// The rules of a constraint, found by plain search in a finished text. Shares no code with lib/: it folds by
// ICU, searches with std::string::find and finds numbers with a regular expression.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "adlib/generate/constraint.h"

namespace adlib::test {

/// Whether a text holds a phrase that no exception covers.
bool plainly_holds(std::string_view text, const std::vector<std::string>& phrases,
                   const std::vector<std::string>& exceptions = {});

/// A number with what stands directly before and behind it, folded.
struct PlainNumber {
  std::string digits, before, behind;
};
std::vector<PlainNumber> plain_numbers(std::string_view text);

/// The runs of Latin letters, or of Han, of a text, folded: "Ｑ2 Pró" has "q" and "pro".
std::vector<std::string> plain_runs(std::string_view text, bool latin);

/// Whether a text begins with a Latin letter.
bool begins_with_latin(std::string_view text);

/// The length of a text in a unit.
std::int64_t plain_length(std::string_view text, LengthUnit unit);

/// A run of so many letters that stands twice in a text, spaces and accents left out; empty when there is
/// none.
std::string plain_repetition(std::string_view text, std::size_t letters,
                             const std::vector<std::string>& exempt);

}  // namespace adlib::test
