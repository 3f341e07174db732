// io/mapped_file.h: a file's bytes in memory, read from disk as they are touched.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "adlib/core/tensor.h"

namespace adlib::io {

/// A private copy-on-write mapping of a whole file: writing to it changes this process's pages, never the
/// file. A file that another program cuts short while it is mapped ends this process with SIGBUS at the first
/// touch of a missing page; no check at open can prevent that, so checkpoints are to be replaced by rename,
/// as AtomicFile does.
class MappedFile {
 public:
  /// Throws Error(not_found) or Error(io) naming the path.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::byte* data() const noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  /// Gives the pages that were read back to the system; touching them reads the file again. Changes made in
  /// memory are lost.
  void release_pages() const noexcept;
  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data_), size_}; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

/// A CPU tensor over the row-major bytes that start at `begin` inside `file`, which lives as long as the
/// tensor; a copy when they are not aligned for the type. The caller has checked the bounds. Throws
/// Error(bad_format), begun by `where`, for a boolean that is neither 0 nor 1.
Tensor map_tensor(const std::shared_ptr<MappedFile>& file, std::byte* begin, const Shape& shape, DType dtype,
                  const std::string& where);

/// What a file that is not the expected kind seems to be, with its cure, for the end of a message:
/// "; it is a git-lfs pointer, not the file itself: run `git lfs pull`". Empty when nothing is recognised.
std::string_view guess_content(std::string_view bytes) noexcept;

}  // namespace adlib::io
