#include "copywriter/shop/lines.h"

#include <algorithm>
#include <fstream>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {

void read_lines(const std::filesystem::path& file,
                const std::function<void(const std::string& line, const std::string& where)>& take) {
  std::ifstream in(file);
  if (!in.is_open()) fail(ErrorCode::not_found, "cannot open ", file.string());
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with("# ")) continue;
    const std::string where = concat(file.string(), ":", number);
    if (!is_utf8(line)) fail(ErrorCode::bad_format, where, ": the line is not UTF-8");
    take(line, where);
  }
  if (in.bad()) fail(ErrorCode::io, "cannot read ", file.string());
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    if (end > at) parts.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

}  // namespace adlib::copywriter
