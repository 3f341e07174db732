#include "write_file.h"

#include <unistd.h>

#include <fstream>

#include "adlib/core/error.h"

namespace adlib::tok {

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::path temporary = path;
  temporary += concat(".tmp-", ::getpid());
  {
    std::ofstream out(temporary, std::ios::binary);
    out << text;
    out.flush();
    if (!out) {
      std::error_code ignored;
      std::filesystem::remove(temporary, ignored);
      fail(ErrorCode::io, path.string(), ": could not be written; is the directory there, is the disk full?");
    }
  }
  std::error_code error;
  std::filesystem::rename(temporary, path, error);
  if (error) {
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
    fail(ErrorCode::io, path.string(), ": could not be written: ", error.message());
  }
}

}  // namespace adlib::tok
