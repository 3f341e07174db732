// copywriter/collect/file_kind.h: what kind of file it is, told from what its columns are called.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "copywriter/collect/collect.h"
#include "copywriter/collect/rows.h"

namespace adlib::copywriter {

/// The kind of file that has columns or fields of these names, where they clearly are those of one kind.
std::optional<FileKind> kind_of_fields(std::span<const std::string> names);

/// "past copy" for copy; the others as to_string() has them.
const char* kind_name(FileKind kind);
/// Whether one of the names is one of the field's, in any case.
bool has_field(std::span<const std::string> names, const FlatField& field);

}  // namespace adlib::copywriter
