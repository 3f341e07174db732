// adlib/io/atomic_file.h: output that is whole or not there.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace adlib::io {

/// Writes to a temporary file beside `path`; commit() flushes it to disk and renames it to `path`. Destroyed
/// without commit(), it leaves an existing `path` as it was. Throws Error(io) naming the path and the
/// system's reason.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(const void* data, std::size_t bytes);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Hands bytes written so far to the operating system.
  void flush();
  void commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Replaces `path` by a file of `text`, as AtomicFile does. Throws Error(io).
void write_file(const std::filesystem::path& path, std::string_view text);

/// Creates the directory and those above it that are missing. Throws Error(io) naming it.
void make_directories(const std::filesystem::path& path);

/// The whole of a file. Throws Error(not_found) or Error(io) naming the path; Error(bad_format) over `limit`
/// bytes.
std::string read_file(const std::filesystem::path& path, std::size_t limit = std::size_t{1} << 31);

}  // namespace adlib::io
