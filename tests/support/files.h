// tests/support/files.h: where test data lives, temporary directories, and skipping by name.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

namespace adlib::test {

/// The project's root: where it was built, or where ADLIB_SOURCE_DIR says that its tests/data was carried.
inline std::filesystem::path source_dir() {
  const char* carried = std::getenv("ADLIB_SOURCE_DIR");
  return carried != nullptr ? carried : ADLIB_SOURCE_DIR;
}
/// Goldens that the project keeps: tests/data.
inline std::filesystem::path data_dir() { return source_dir() / "tests" / "data"; }
/// The rules that adlib comes with.
inline std::filesystem::path rules_dir() { return source_dir() / "examples/copywriter/rules"; }
/// The folder of real data and third-party vectors beside the project; may be missing.
inline std::filesystem::path shared_dir() { return source_dir().parent_path() / "shared"; }

/// True when `path` is there; otherwise prints a line "SKIPPED: …", which the test runner reports by name.
/// Use: if (!have(shared_dir() / "vectors/onnx")) return;
inline bool have(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) return true;
  std::cout << "SKIPPED: " << path.lexically_relative(source_dir().parent_path()).string()
            << " is not here\n";
  return false;
}

inline std::string read_text(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// A fresh directory, removed at the end of the scope.
class TempDir {
 public:
  TempDir() {
    static std::atomic<int> next{0};
    path_ = std::filesystem::temp_directory_path() /
            ("adlib-test-" + std::to_string(::getpid()) + "-" + std::to_string(next++));
    std::filesystem::create_directories(path_);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

}  // namespace adlib::test
