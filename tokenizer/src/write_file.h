// tokenizer/src/write_file.h: small files, whole or not there.
#pragma once

#include <filesystem>
#include <string>

namespace adlib::tok {

/// Writes beside the target and renames: a reader sees the old file or the new one, never half of it. Throws
/// Error(io).
void write_file(const std::filesystem::path& path, const std::string& text);

}  // namespace adlib::tok
