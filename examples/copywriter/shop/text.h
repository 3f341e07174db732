// copywriter/shop/text.h: small tools for text that came from outside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace adlib::copywriter {

/// The code point that starts at `at` (advanced past it), or U+FFFD for a malformed byte (advanced by one).
char32_t next_code_point(std::string_view text, std::size_t& at);
void append_utf8(std::string& out, char32_t code_point);
/// True for well-formed UTF-8 (no overlong forms, no surrogates).
bool is_utf8(std::string_view text);

/// True for what nobody sees and no script needs: controls, direction marks, zero-width spaces. Not for
/// U+200C and U+200D, by which scripts and emoji are joined.
bool is_invisible(char32_t c);

/// Without ASCII whitespace at both ends.
std::string_view trim(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b);

/// One clean line: every run of whitespace (newlines, tabs, no-break and ideographic spaces, U+2028, U+2029)
/// becomes one space, ends are trimmed, control characters and invisible direction marks are dropped, and
/// malformed bytes become U+FFFD. What a person may have typed can therefore not start a new line of a
/// prompt.
std::string clean_text(std::string_view text);

/// The first `count` code points, with "…" after them when something was cut.
std::string first_characters(std::string_view text, std::size_t count);

/// The items of a list cell, separated by '|' if there is one and by ';' or '；' otherwise; trimmed, empty
/// ones dropped.
std::vector<std::string> split_list(std::string_view cell);

/// Plain text of an HTML fragment: tags, comments, and the content of script and style are dropped, block
/// elements separate words, entities are decoded once and last, so "&lt;b&gt;" stays the text "<b>". Never
/// fails.
std::string html_to_text(std::string_view html);

/// Unix seconds from digits ("1512189107"; thirteen are milliseconds), an ISO date ("2025-11-02") or a date
/// and time ("2025-11-02 08:30:00", "2025-11-02T08:30:00.250Z", "2025-11-02T08:30:00+08:00"). Without a zone
/// it is UTC; fractions of a second are dropped. Nothing when it is none of them.
std::optional<std::int64_t> parse_time(std::string_view text);
/// "2025-11-02", in UTC.
std::string date_text(std::int64_t unix_seconds);

/// Levenshtein distance in bytes, for "did you mean".
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace adlib::copywriter
