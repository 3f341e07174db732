#include "adlib/io/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "io/system_error.h"

namespace adlib::io {
namespace {

constexpr std::size_t buffer_limit = std::size_t{1} << 16;

int open_retrying(const std::filesystem::path& path, int flags, mode_t mode = 0) {
  int file = -1;
  do {
    file = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  } while (file < 0 && errno == EINTR);
  return file;
}

/// Some file systems and devices have nothing to flush and say so; that is no failure.
bool synchronise(int file) {
  while (::fsync(file) != 0) {
    if (errno == EINTR) continue;
    return errno == EINVAL || errno == ENOTSUP || errno == EROFS;
  }
  return true;
}

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
}

}  // namespace

struct AtomicFile::Impl {
  std::filesystem::path path;       // the name the caller gave, for messages
  std::filesystem::path target;     // the same with symbolic links followed: the link stays a link
  std::filesystem::path temporary;  // empty when writing straight to a device or pipe, or after commit()
  std::string buffer;
  int file = -1;

  ~Impl() {
    if (file >= 0) ::close(file);
    if (!temporary.empty()) ::unlink(temporary.c_str());
  }

  void put(const char* data, std::size_t bytes) {
    while (bytes > 0) {
      const ssize_t written = ::write(file, data, bytes);
      if (written < 0) {
        if (errno == EINTR) continue;
        fail_system("write", path, errno);
      }
      data += written;
      bytes -= static_cast<std::size_t>(written);
    }
  }
};

AtomicFile::AtomicFile(std::filesystem::path path) : impl_(std::make_unique<Impl>()) {
  Impl& self = *impl_;
  self.path = std::move(path);
  self.target = self.path;
  std::error_code error;
  if (std::filesystem::is_symlink(self.path, error)) {
    self.target = std::filesystem::weakly_canonical(self.path, error);
    if (error) fail_system("write", self.path, error.value());
  }
  struct stat existing {};
  const bool exists = ::stat(self.target.c_str(), &existing) == 0;
  if (exists && S_ISDIR(existing.st_mode)) fail_system("write", self.path, EISDIR);
  if (exists && !S_ISREG(existing.st_mode)) {  // /dev/stdout, a named pipe: nothing to rename over
    self.file = open_retrying(self.target, O_WRONLY);
    if (self.file < 0) fail_system("write", self.path, errno);
    return;
  }
  static std::atomic<unsigned> next{0};
  const auto directory = directory_of(self.target);
  for (int attempt = 0; self.file < 0; ++attempt) {
    auto name = directory / (".adlib-tmp-" + std::to_string(::getpid()) + "-" + std::to_string(next++));
    self.file = open_retrying(name, O_WRONLY | O_CREAT | O_EXCL, 0666);
    if (self.file >= 0) {
      self.temporary = std::move(name);
    } else if (errno != EEXIST ||
               attempt == 100) {  // EEXIST: left behind by a killed process with the same id
      fail_system("write", self.path, errno);
    }
  }
  // Replacing a file must not change who may read it. Failure is harmless: the umask's mode stays.
  if (exists && ::fchmod(self.file, existing.st_mode & 07777) != 0) errno = 0;
}

AtomicFile::~AtomicFile() = default;

void AtomicFile::write(const void* data, std::size_t bytes) {
  require(impl_->file >= 0, "AtomicFile: '", impl_->path.string(), "' is written to after commit()");
  const auto* text = static_cast<const char*>(data);
  if (impl_->buffer.size() + bytes > buffer_limit) flush();
  if (bytes > buffer_limit) {
    impl_->put(text, bytes);
  } else {
    impl_->buffer.append(text, bytes);
  }
}

void AtomicFile::flush() {
  impl_->put(impl_->buffer.data(), impl_->buffer.size());
  impl_->buffer.clear();
}

void AtomicFile::commit() {
  Impl& self = *impl_;
  require(self.file >= 0, "AtomicFile: '", self.path.string(), "' is committed twice");
  flush();
  if (!synchronise(self.file)) fail_system("write", self.path, errno);
  // close() reports what a network file system could not store; on EINTR Linux has closed the descriptor.
  if (::close(std::exchange(self.file, -1)) != 0 && errno != EINTR) fail_system("write", self.path, errno);
  if (self.temporary.empty()) return;
  if (::rename(self.temporary.c_str(), self.target.c_str()) != 0) fail_system("write", self.path, errno);
  self.temporary.clear();
  // The new name survives a power cut only when its directory is flushed too. The file is whole either way.
  const int directory = open_retrying(directory_of(self.target), O_RDONLY | O_DIRECTORY);
  if (directory >= 0) {
    synchronise(directory);
    ::close(directory);
  }
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

void make_directories(const std::filesystem::path& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) fail(ErrorCode::io, path.string(), ": cannot create the directory: ", error.message());
}

std::string read_file(const std::filesystem::path& path, std::size_t limit) {
  const int file = open_retrying(path, O_RDONLY);
  if (file < 0) fail_system("read", path, errno);
  struct Closer {
    int file;
    ~Closer() { ::close(file); }
  } closer{file};
  struct stat status {};
  if (::fstat(file, &status) != 0) fail_system("read", path, errno);
  // The size only saves reallocation: a pipe says 0, and a file may grow meanwhile.
  std::string text;
  std::size_t used = 0;
  const auto expected = S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
  if (expected <= limit) text.resize(expected + 1);
  while (used <= limit && expected <= limit) {
    if (used == text.size()) text.resize(std::max<std::size_t>(buffer_limit, 2 * used));
    const ssize_t got = ::read(file, text.data() + used, text.size() - used);
    if (got < 0) {
      if (errno == EINTR) continue;
      fail_system("read", path, errno);
    }
    used += static_cast<std::size_t>(got);
    if (got == 0) {
      text.resize(used);
      return text;
    }
  }
  fail(ErrorCode::bad_format, "'", path.string(), "' is over the limit of ", limit,
       " bytes for this kind of file");
}

}  // namespace adlib::io
