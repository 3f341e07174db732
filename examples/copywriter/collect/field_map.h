// copywriter/collect/field_map.h: the small file that tells what a shop calls things.
#pragma once

#include <filesystem>

#include "copywriter/collect/collect.h"
#include "copywriter/collect/rows.h"

namespace adlib::copywriter {

/// Names and values for each kind of file. docs/collect.md has the format:
///
///     [events.columns]
///     "买家编号" = "user"
///     [events.values]
///     behaviour = "buy"
class FieldMap {
 public:
  FieldMap() = default;
  /// Throws Error(not_found) where there is no such file, Error(bad_format) "file:line:column: …".
  static FieldMap read(const std::filesystem::path& file);
  const FieldNames& of(FileKind kind) const { return names_[static_cast<std::size_t>(kind)]; }

 private:
  std::array<FieldNames, kFileKinds> names_;
};

}  // namespace adlib::copywriter
