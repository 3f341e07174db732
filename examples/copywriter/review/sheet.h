// copywriter/review/sheet.h: the review as a sheet that people fill in with a spreadsheet program.
#pragma once

#include <cstdint>
#include <functional>
#include <istream>
#include <string>
#include <string_view>

#include "copywriter/review/review.h"

namespace adlib::copywriter {

/// Writes the sheet (docs/review.md has its columns) in pieces, and returns the number of copies in it.
std::int64_t export_sheet(const Store& store, const ReviewFilter& filter,
                          const std::function<void(std::string_view piece)>& write);

/// For a sheet that a new one would overwrite: throws Error(invalid_argument) "sheet.csv:3: …" where people
/// wrote into it what the store does not have (a decision, a new or changed text, a note), and where it is no
/// sheet that can be read. An empty file may be overwritten.
void check_overwrite(const Store& store, std::istream& in, const std::string& where);

/// Reads a sheet, whole, and then does all that it decides in one transaction. Rows without a decision are
/// passed over, and what was done before is not done again. Throws Error(bad_format) "sheet.csv:3: …", with
/// up to twenty mistakes and nothing changed: an id that there is not or that is there twice, a decision that
/// is none, a copy that cannot be approved, a text or decision that changed underneath since the export.
ReviewResult import_sheet(const Store& store, std::istream& in, const std::string& where,
                          const Reviewer& reviewer, const CheckCopy& check);

}  // namespace adlib::copywriter
