#include "io/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstring>

#include "io/system_error.h"

namespace adlib::io {

MappedFile::MappedFile(const std::filesystem::path& path) {
  int file = -1;
  do {
    file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  } while (file < 0 && errno == EINTR);
  if (file < 0) fail_system("open", path, errno);
  struct Closer {
    int file;
    ~Closer() { ::close(file); }  // the mapping outlives its descriptor
  } closer{file};

  struct stat status {};
  if (::fstat(file, &status) != 0) fail_system("open", path, errno);
  if (!S_ISREG(status.st_mode)) {
    fail(ErrorCode::io, "cannot open '", path.string(), "': it is ",
         S_ISDIR(status.st_mode) ? "a directory" : "a device or pipe", ", expected a file");
  }
  if (status.st_size == 0) return;  // mmap refuses a length of 0
  size_ = static_cast<std::size_t>(status.st_size);
  // NORESERVE: pages are copied only where someone writes, so a 30 GB file must not claim 30 GB of swap.
  void* address = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, file, 0);
  if (address == MAP_FAILED) fail_system("map", path, errno);
  data_ = static_cast<std::byte*>(address);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

void MappedFile::release_pages() const noexcept {
  if (data_ != nullptr) (void)::madvise(data_, size_, MADV_DONTNEED);  // only advice: failure changes nothing
}

Tensor map_tensor(const std::shared_ptr<MappedFile>& file, std::byte* begin, const Shape& shape, DType dtype,
                  const std::string& where) {
  const std::size_t bytes = static_cast<std::size_t>(shape.numel()) * size_of(dtype);
  // Any other byte read as a bool is undefined behaviour.
  if (dtype == DType::boolean &&
      std::any_of(begin, begin + bytes, [](std::byte b) { return b > std::byte{1}; })) {
    fail(ErrorCode::bad_format, where, " is boolean but holds bytes other than 0 and 1");
  }
  if (reinterpret_cast<std::uintptr_t>(begin) % size_of(dtype) != 0) {
    Tensor copy = Tensor::empty(shape, dtype);
    if (bytes > 0) std::memcpy(copy.raw(), begin, bytes);
    return copy;
  }
  return Tensor::wrap(std::make_shared<Storage>(file, begin, bytes, Device::cpu), 0, shape, dtype);
}

std::string_view guess_content(std::string_view bytes) noexcept {
  const auto begins = [&](std::string_view prefix) { return bytes.substr(0, prefix.size()) == prefix; };
  if (bytes.empty()) return "; the file is empty: the download may have failed";
  if (begins("version https://git-lfs")) {
    return "; it is a git-lfs pointer, not the file itself: run `git lfs pull` in its directory";
  }
  if (begins("PK\3\4")) return "; it is a zip archive, as torch.save writes: name it pytorch_model.bin";
  if (begins("\x80\x02")) return "; it is a Python pickle, as old versions of torch.save write";
  if (begins("GGUF")) return "; it is a GGUF file: use the Hugging Face directory it was made from";
  if (begins("\x1f\x8b")) return "; it is compressed with gzip: run `gunzip` on it";
  const auto text = bytes.find_first_not_of(" \t\r\n");
  if (text == std::string_view::npos) return "";
  if (bytes[text] == '{') return "; it is a JSON text";
  constexpr std::string_view html[] = {"<!doctype", "<html", "<?xml"};
  for (const std::string_view tag : html) {
    const auto head = bytes.substr(text, tag.size());
    if (std::equal(head.begin(), head.end(), tag.begin(), tag.end(),
                   [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; })) {
      return "; it is a web page saved under this name: the download needs a login or another address";
    }
  }
  return "";
}

}  // namespace adlib::io
