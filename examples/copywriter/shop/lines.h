// copywriter/shop/lines.h: the text files that adlib brings along, line by line.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace adlib::copywriter {

/// Calls `take` for every line of a UTF-8 file that is neither empty nor a comment ("# …"), with "file:line"
/// for messages. Lines may end as on Windows. Throws Error(not_found) for a file that cannot be opened,
/// Error(bad_format) for a line that is not UTF-8, Error(io) when reading fails.
void read_lines(const std::filesystem::path& file,
                const std::function<void(const std::string& line, const std::string& where)>& take);

/// The parts between separators, without empty ones.
std::vector<std::string_view> split(std::string_view text, char separator);

}  // namespace adlib::copywriter
