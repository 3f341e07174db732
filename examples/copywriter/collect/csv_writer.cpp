#include "copywriter/collect/csv_writer.h"

#include <algorithm>
#include <array>

namespace adlib::copywriter {

bool looks_like_formula(std::string_view cell) {
  // Apostrophes are looked through so that formula_restored() can tell its own from the text's.
  const std::size_t begin = cell.find_first_not_of("' ");
  if (begin == std::string_view::npos) return false;
  cell.remove_prefix(begin);
  constexpr std::array<std::string_view, 11> kBeginnings = {"=",  "+",  "-",  "@",  "\t", "\r",
                                                            "\n", "＝", "＋", "－", "＠"};
  return std::any_of(kBeginnings.begin(), kBeginnings.end(),
                     [&](std::string_view beginning) { return cell.starts_with(beginning); });
}

std::string formula_safe(std::string_view cell) {
  return (looks_like_formula(cell) ? "'" : "") + std::string(cell);
}

std::string formula_restored(std::string_view cell) {
  if (cell.starts_with('\'') && looks_like_formula(cell)) cell.remove_prefix(1);
  return std::string(cell);
}

std::string csv_row(std::span<const std::string> cells) {
  std::string row;
  for (const std::string& plain : cells) {
    if (!row.empty() || &plain != cells.data()) row += ',';
    const std::string cell = formula_safe(plain);
    const bool bare = cell.find_first_of("\",;\t\r\n' ") == std::string::npos && !cell.empty();
    if (bare) {
      row += cell;
      continue;
    }
    row += '"';
    for (const char c : cell) {
      row += c;
      if (c == '"') row += '"';
    }
    row += '"';
  }
  return row + "\r\n";
}

}  // namespace adlib::copywriter
