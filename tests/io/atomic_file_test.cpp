#include "adlib/io/atomic_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "error_of.h"
#include "support/catch.h"
#include "support/files.h"

using namespace adlib;
using adlib::io::AtomicFile;
using adlib::io::read_file;
using adlib::test::read_text;
using adlib::test::TempDir;
using adlib::test::write_text;

namespace {

std::size_t files_in(const std::filesystem::path& dir) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(dir), {}));
}

/// Makes writes past `bytes` fail with EFBIG, as a full disk fails with ENOSPC, while it lives.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

}  // namespace

TEST_CASE("a committed file holds every byte that was written, in pieces of any size", "[io]") {
  TempDir dir;
  std::string expected;
  AtomicFile file(dir / "out");
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{65535}, std::size_t{3}, std::size_t{65536},
        std::size_t{65537}, std::size_t{1000000}, std::size_t{7}}) {
    const std::string piece(size, static_cast<char>('a' + size % 26));
    file.write(piece);
    expected += piece;
  }
  CHECK_FALSE(std::filesystem::exists(dir / "out"));
  file.commit();
  CHECK(read_text(dir / "out") == expected);
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("a file that is not committed leaves the old one and nothing else", "[io]") {
  TempDir dir;
  write_text(dir / "out", "old");
  {
    AtomicFile file(dir / "out");
    file.write(std::string(100000, 'x'));
  }
  CHECK(read_text(dir / "out") == "old");
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("a write that the system refuses half way leaves the old file and nothing else", "[io]") {
  TempDir dir;
  write_text(dir / "out", "old");
  {
    const FileSizeLimit limit(100'000);
    AtomicFile file(dir / "out");
    CHECK_ERROR(file.write(std::string(300'000, 'x')), ErrorCode::io, "File too large");
  }
  CHECK(read_text(dir / "out") == "old");
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("a full disk is named as such", "[io]") {
  if (!test::have("/dev/full")) return;
  AtomicFile file("/dev/full");
  file.write("text");
  CHECK_ERROR(file.commit(), ErrorCode::io, "the disk is full");
}

TEST_CASE("writing to a device or pipe goes straight there and never renames over it", "[io]") {
  AtomicFile file("/dev/null");
  file.write("text");
  file.commit();
  CHECK(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("paths that cannot be written are refused with path, reason and cure", "[io]") {
  TempDir dir;
  write_text(dir / "file", "");
  CHECK_ERROR(AtomicFile(dir / "missing/out"), ErrorCode::not_found, "its directory exists");
  CHECK_ERROR(AtomicFile(dir / "missing/out"), ErrorCode::not_found, (dir / "missing/out").string());
  CHECK_ERROR(AtomicFile(dir.path()), ErrorCode::io, "Is a directory");
  CHECK_ERROR(AtomicFile(dir / "file/out"), ErrorCode::io, "not a directory");
  CHECK_ERROR(AtomicFile(dir / std::string(300, 'n')).commit(), ErrorCode::io, "choose a shorter name");
}

TEST_CASE("a directory without write permission is refused by name", "[io]") {
  if (::geteuid() == 0) {
    std::cout << "SKIPPED: root may write anywhere\n";
    return;
  }
  TempDir dir;
  std::filesystem::permissions(dir.path(),
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_exec);
  CHECK_ERROR(AtomicFile(dir / "out"), ErrorCode::io, "check the owner and the permissions");
  std::filesystem::permissions(dir.path(), std::filesystem::perms::owner_all);
}

TEST_CASE("replacing a file keeps its permissions, and a symbolic link stays one", "[io]") {
  TempDir dir;
  write_text(dir / "real", "old");
  ::chmod((dir / "real").c_str(), 0640);
  std::filesystem::create_symlink("real", dir / "link");
  AtomicFile file(dir / "link");
  file.write("new");
  file.commit();
  CHECK(std::filesystem::is_symlink(dir / "link"));
  CHECK(read_text(dir / "real") == "new");
  struct stat status {};
  ::stat((dir / "real").c_str(), &status);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("commit twice and write after commit are refused", "[io]") {
  TempDir dir;
  AtomicFile file(dir / "out");
  file.commit();
  CHECK_ERROR(file.commit(), ErrorCode::invalid_argument, "committed twice");
  CHECK_ERROR(file.write("x"), ErrorCode::invalid_argument, "after commit");
}

TEST_CASE("threads that replace one file leave one whole version of it", "[io][threads]") {
  TempDir dir;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round < 5; ++round) {
        AtomicFile file(dir / "out");
        file.write(std::string(200'000, static_cast<char>('a' + t)));
        file.commit();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  const std::string text = read_text(dir / "out");
  CHECK(text.size() == 200'000);
  CHECK(text == std::string(200'000, text.at(0)));
  CHECK(files_in(dir.path()) == 1);
}

TEST_CASE("read_file reads all, and refuses what is missing, too large or no file", "[io]") {
  TempDir dir;
  const std::string text(200'001, 'x');
  write_text(dir / "file", text);
  write_text(dir / "empty", "");
  CHECK(read_file(dir / "file") == text);
  CHECK(read_file(dir / "file", text.size()) == text);
  CHECK(read_file(dir / "empty").empty());
  CHECK(read_file("/proc/self/stat").size() > 10);  // a file that says its size is 0
  CHECK_ERROR(read_file(dir / "file", text.size() - 1), ErrorCode::bad_format,
              "over the limit of 200000 bytes");
  CHECK_ERROR(read_file("/dev/zero", 1000), ErrorCode::bad_format, "over the limit");
  CHECK_ERROR(read_file(dir / "missing"), ErrorCode::not_found, "missing");
  CHECK_ERROR(read_file(dir.path()), ErrorCode::io, "Is a directory");
}
