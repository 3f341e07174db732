// copywriter/collect/sniff.h: look at the first bytes of any stream, then read it from the beginning.
#pragma once

#include <cstddef>
#include <istream>
#include <streambuf>
#include <string>
#include <string_view>

namespace adlib::copywriter {

/// Serves the head that it read ahead, then the rest of the source, so that pipes can be sniffed too.
class SniffBuffer final : public std::streambuf {
 public:
  explicit SniffBuffer(std::istream& source) : source_(source), block_(kBlockBytes, '\0') { refill(); }
  std::string_view head() const { return {eback(), static_cast<std::size_t>(egptr() - eback())}; }

 private:
  static constexpr std::size_t kBlockBytes = 1 << 16;

  int_type underflow() override {
    if (gptr() == egptr() && !refill()) return traits_type::eof();
    return traits_type::to_int_type(*gptr());
  }
  bool refill() {
    source_.read(block_.data(), static_cast<std::streamsize>(block_.size()));
    setg(block_.data(), block_.data(), block_.data() + source_.gcount());
    return source_.gcount() > 0;
  }

  std::istream& source_;
  std::string block_;
};

/// True when the first character of the text, a byte order mark and blanks aside, opens a JSON object. Throws
/// Error(bad_format) for a JSON array, which must become one object a line.
bool looks_like_json_lines(std::string_view head, const std::string& where);

}  // namespace adlib::copywriter
