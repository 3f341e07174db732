// copywriter/collect/csv_writer.h: RFC 4180 rows that no spreadsheet takes for formulas.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace adlib::copywriter {

/// What spreadsheet programs need at the start of a file to read it as UTF-8.
inline constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

/// True when a spreadsheet might run the cell: after apostrophes and spaces it begins with = + - @, their
/// full-width forms, a tab or an end of line (OWASP, CSV Injection).
bool looks_like_formula(std::string_view cell);
/// The cell with an apostrophe in front where it looks like a formula.
std::string formula_safe(std::string_view cell);
/// The cell that formula_safe() was given.
std::string formula_restored(std::string_view cell);

/// One row that ends in CRLF; every cell is formula_safe(), and quoted where it must be.
std::string csv_row(std::span<const std::string> cells);

}  // namespace adlib::copywriter
