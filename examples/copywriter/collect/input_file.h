// copywriter/collect/input_file.h: a file of the shop as UTF-8, whatever it was saved as.
#pragma once

#include <cstdio>
#include <filesystem>
#include <istream>
#include <memory>
#include <string>

#include "copywriter/store/digest.h"

namespace adlib::copywriter {

enum class Encoding { automatic, utf8, gb18030 };
const char* to_string(Encoding encoding);

/// One file, read from the beginning by stream(). A pipe is first copied into a nameless temporary file,
/// since its bytes are needed more than once.
class InputFile {
 public:
  /// "-" is stdin. `automatic` is UTF-8 where all of the file is, else GB18030 where all of it is that, else
  /// UTF-8 with mistakes. Throws Error(not_found) or Error(io).
  InputFile(const std::filesystem::path& path, Encoding encoding);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// For messages: the path, or "stdin".
  const std::string& where() const { return where_; }
  /// utf8 or gb18030.
  Encoding encoding() const { return encoding_; }
  /// SHA-256 of the bytes.
  Digest digest() const;
  /// UTF-8. A byte that is none of the encoding's becomes one that is none of UTF-8's, so that the row that
  /// it stands in is refused.
  std::istream& stream() { return *stream_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string where_;
  std::filesystem::path path_;  // of the file, or of the copy
  std::unique_ptr<std::FILE, Close> copy_;
  Encoding encoding_;
  std::unique_ptr<std::istream> source_;
  std::unique_ptr<std::streambuf> converter_;
  std::unique_ptr<std::istream> stream_;
};

}  // namespace adlib::copywriter
