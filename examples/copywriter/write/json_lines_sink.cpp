#include "copywriter/write/json_lines_sink.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>
#include <utility>

#include "adlib/core/error.h"

namespace adlib::copywriter {
namespace {

[[noreturn]] void system_error(const std::filesystem::path& path, const char* what) {
  const int reason = errno;
  fail(ErrorCode::io, path.string(), ": ", what, " failed: ", std::strerror(reason));
}

void write_all(int file, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) system_error(path, "writing");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

// Bytes up to and with the last newline: what is after it was torn by the end of the process that wrote it.
off_t whole_lines(int file, const std::filesystem::path& path) {
  off_t end = ::lseek(file, 0, SEEK_END);
  if (end < 0) system_error(path, "seeking");
  char block[4096];
  while (end > 0) {
    const off_t begin = end > off_t{sizeof block} ? end - off_t{sizeof block} : 0;
    const ssize_t got = ::pread(file, block, static_cast<std::size_t>(end - begin), begin);
    if (got != end - begin) system_error(path, "reading");
    const std::size_t newline = std::string_view(block, static_cast<std::size_t>(got)).rfind('\n');
    if (newline != std::string_view::npos) return begin + static_cast<off_t>(newline) + 1;
    end = begin;
  }
  return 0;
}

// What a symbolic link points to, so that the link stays a link; any other path unchanged.
std::filesystem::path link_target(std::filesystem::path path) {
  if (!std::filesystem::is_symlink(path)) return path;
  return std::filesystem::weakly_canonical(path);
}

void copy_file(const std::filesystem::path& from, int to, const std::filesystem::path& to_path) {
  std::ifstream in(from, std::ios::binary);
  if (!in) system_error(from, "opening");
  char block[1 << 16];
  while (in.read(block, sizeof block), in.gcount() > 0) {
    write_all(to, {block, static_cast<std::size_t>(in.gcount())}, to_path);
  }
}

}  // namespace

JsonLinesSink::JsonLinesSink(std::filesystem::path output, Start start)
    : output_(link_target(std::move(output))), partial_(output_.string() + ".partial") {
  const bool left_over = std::filesystem::exists(partial_);
  is_kept_ = left_over;
  if (start == Start::fresh && left_over) {
    fail(ErrorCode::invalid_argument, partial_.string(),
         ": an interrupted run left this file; go on with --resume, or remove it to start over");
  }
  if (std::filesystem::is_directory(output_)) {
    fail(ErrorCode::io, output_.string(), " is a directory, expected the path of a file to write");
  }
  // finish() would replace the device or pipe itself; for root, also /dev/null.
  if (std::filesystem::exists(output_) && !std::filesystem::is_regular_file(output_)) {
    fail(ErrorCode::io, output_.string(),
         " is a device or a pipe, which cannot be renamed over; write to stdout in its place");
  }
  file_ = ::open(partial_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (file_ < 0) system_error(partial_, "opening");
  try {
    if (::flock(file_, LOCK_EX | LOCK_NB) != 0) {
      fail(ErrorCode::io, partial_.string(), ": another process is writing this output");
    }
    if (start == Start::resume && !left_over && std::filesystem::exists(output_)) {
      copy_file(output_, file_, partial_);
    }
    if (::ftruncate(file_, whole_lines(file_, partial_)) != 0) system_error(partial_, "truncating");
  } catch (...) {
    ::close(file_);
    throw;
  }
}

JsonLinesSink::~JsonLinesSink() {
  if (file_ < 0) return;
  if (!is_kept_) ::unlink(partial_.c_str());  // a run that never began leaves nothing to go on with
  ::close(file_);
}

void JsonLinesSink::for_each_record(
    const std::function<void(const io::Json& record, const std::string& place)>& visit) const {
  std::ifstream in(partial_, std::ios::binary);
  if (!in) system_error(partial_, "opening");
  io::for_each_json_line(in, partial_.string(), [&](io::Json&& record, std::int64_t line) {
    visit(record, concat(partial_.string(), ":", line));
  });
}

void JsonLinesSink::write(const OrderedJson& record) {
  require(file_ >= 0, output_.string(), ": the output is already finished");
  is_kept_ = true;
  write_all(file_, to_line(record), partial_);
}

void JsonLinesSink::finish() {
  require(file_ >= 0, output_.string(), ": the output is already finished");
  if (::fsync(file_) != 0) system_error(partial_, "flushing");
  std::error_code error;
  std::filesystem::rename(partial_, output_, error);
  if (error)
    fail(ErrorCode::io, output_.string(), ": renaming ", partial_.string(), " failed: ", error.message());
  ::close(std::exchange(file_, -1));
}

}  // namespace adlib::copywriter
