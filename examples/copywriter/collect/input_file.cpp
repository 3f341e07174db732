#include "copywriter/collect/input_file.h"

#include <iconv.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iostream>
#include <vector>

#include "adlib/core/error.h"
#include "copywriter/collect/rows.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kBlockBytes = 1 << 16;
constexpr char kNoUtf8 = '\xFF';

// Serves GB18030 as UTF-8 (iconv, which POSIX has).
class Gb18030Buffer final : public std::streambuf {
 public:
  explicit Gb18030Buffer(std::istream& source)
      : source_(source),
        converter_(iconv_open("UTF-8", "GB18030")),
        raw_(kBlockBytes),
        text_(2 * kBlockBytes) {
    if (converter_ == reinterpret_cast<iconv_t>(-1))
      fail(ErrorCode::unsupported, "iconv of this system knows no GB18030; save the file as UTF-8");
  }
  ~Gb18030Buffer() override { iconv_close(converter_); }
  Gb18030Buffer(const Gb18030Buffer&) = delete;
  Gb18030Buffer& operator=(const Gb18030Buffer&) = delete;

  std::int64_t mistakes() const { return mistakes_; }

 private:
  int_type underflow() override {
    while (gptr() == egptr()) {
      if (!convert()) return traits_type::eof();
    }
    return traits_type::to_int_type(*gptr());
  }
  // False at the end of the source.
  bool convert() {
    if (!ended_ && held_ < kBlockBytes / 2) {
      source_.read(raw_.data() + held_, static_cast<std::streamsize>(raw_.size() - held_));
      held_ += static_cast<std::size_t>(source_.gcount());
      ended_ = source_.gcount() == 0;
    }
    if (held_ == 0) return false;
    char *in = raw_.data(), *out = text_.data();
    std::size_t in_left = held_, out_left = text_.size();
    const std::size_t result = iconv(converter_, &in, &in_left, &out, &out_left);
    const int reason = result == static_cast<std::size_t>(-1) ? errno : 0;
    // A sequence that is none, or one that the end of the file cuts off.
    if (reason == EILSEQ || (reason == EINVAL && ended_)) {
      if (out_left == 0) fail(ErrorCode::io, "iconv has filled its buffer");
      *out++ = kNoUtf8;
      ++mistakes_, ++in, --in_left;
    }
    std::copy(in, in + in_left, raw_.data());
    held_ = in_left;
    setg(text_.data(), text_.data(), out);
    return true;
  }

  std::istream& source_;
  iconv_t converter_;
  std::vector<char> raw_, text_;
  std::size_t held_ = 0;  // bytes of raw_ that wait
  bool ended_ = false;
  std::int64_t mistakes_ = 0;
};

bool is_all_utf8(std::istream& in) {
  std::string block(kBlockBytes, '\0');
  std::size_t held = 0;
  for (;;) {
    in.read(block.data() + held, static_cast<std::streamsize>(block.size() - held));
    const std::size_t size = held + static_cast<std::size_t>(in.gcount());
    if (in.gcount() == 0) return held == 0;  // what is left is the beginning of a character
    // The last character may go on in the next block.
    std::size_t cut = size;
    while (cut > 0 && size - cut < 3 && (static_cast<unsigned char>(block[cut - 1]) & 0xC0) == 0x80) --cut;
    if (cut > 0 && static_cast<unsigned char>(block[cut - 1]) >= 0xC0)
      --cut;
    else
      cut = size;
    if (is_utf8(std::string_view(block).substr(0, size)))
      cut = size;
    else if (!is_utf8(std::string_view(block).substr(0, cut)))
      return false;
    std::copy(block.begin() + static_cast<std::ptrdiff_t>(cut),
              block.begin() + static_cast<std::ptrdiff_t>(size), block.begin());
    held = size - cut;
    if (held > 3) return false;
  }
}

bool is_all_gb18030(std::istream& in) {
  Gb18030Buffer buffer(in);
  std::istream stream(&buffer);
  std::vector<char> block(kBlockBytes);
  while (buffer.mistakes() == 0 && stream.read(block.data(), static_cast<std::streamsize>(block.size()))) {
  }
  return buffer.mistakes() == 0;
}

}  // namespace

const char* to_string(Encoding encoding) {
  return encoding == Encoding::utf8 ? "utf-8" : encoding == Encoding::gb18030 ? "gb18030" : "auto";
}

InputFile::InputFile(const std::filesystem::path& path, Encoding encoding)
    : where_(path == "-" ? "stdin" : path.string()), path_(path), encoding_(encoding) {
  const bool from_stdin = path == "-";
  std::ifstream named;
  if (!from_stdin) named = open_rows(path);
  std::error_code error;
  if (from_stdin || !std::filesystem::is_regular_file(path, error)) {
    copy_.reset(std::tmpfile());
    if (!copy_) fail(ErrorCode::io, where_, ": no temporary file can be made to copy it to; is TMPDIR full?");
    std::istream& in = from_stdin ? std::cin : static_cast<std::istream&>(named);
    std::vector<char> block(kBlockBytes);
    while (in.read(block.data(), static_cast<std::streamsize>(block.size())) || in.gcount() > 0) {
      const auto size = static_cast<std::size_t>(in.gcount());
      if (std::fwrite(block.data(), 1, size, copy_.get()) != size)
        fail(ErrorCode::io, where_, ": the temporary copy cannot be written; is the disk full?");
    }
    if (in.bad() || std::fflush(copy_.get()) != 0) fail(ErrorCode::io, where_, ": reading failed");
    path_ = concat("/dev/fd/", fileno(copy_.get()));
  }
  if (encoding_ == Encoding::automatic) {
    std::ifstream in(path_, std::ios::binary);
    encoding_ = Encoding::utf8;
    if (!is_all_utf8(in)) {
      std::ifstream again(path_, std::ios::binary);
      if (is_all_gb18030(again)) encoding_ = Encoding::gb18030;
    }
  }
  source_ = std::make_unique<std::ifstream>(path_, std::ios::binary);
  if (!*source_) fail(ErrorCode::io, where_, ": cannot be read");
  if (encoding_ == Encoding::gb18030) {
    converter_ = std::make_unique<Gb18030Buffer>(*source_);
    stream_ = std::make_unique<std::istream>(converter_.get());
  } else {
    stream_ = std::move(source_);
  }
}

InputFile::~InputFile() = default;

Digest InputFile::digest() const { return sha256_of_file(path_); }

}  // namespace adlib::copywriter
