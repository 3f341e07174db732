// tests/architecture/arrows.h: which folder may include which, as data, and the check of one file against it.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace adlib::test {

/// The room of the house that a file belongs to ("core", "kernels", "ops", …), or "" for files outside of it.
/// `path` is relative to the project's root, with '/' between folders.
std::string room_of(std::string_view path);

/// The text without comments and without what stands inside string and character literals; lines stay where
/// they are. Include lines keep their file names.
std::string strip_comments_and_strings(std::string_view text);

/// What is wrong with one source file: "path:line: why". Empty when all its arrows are allowed. `root` is
/// where private headers are looked up.
std::vector<std::string> check_arrows(const std::filesystem::path& root, const std::string& path,
                                      std::string_view text);

/// Every C++ and CUDA source of the project's rooms, relative to `root`, sorted.
std::vector<std::string> sources_of(const std::filesystem::path& root);

}  // namespace adlib::test
