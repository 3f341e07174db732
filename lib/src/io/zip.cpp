#include "io/zip.h"

#include <algorithm>
#include <cstring>

#include "adlib/core/error.h"
#include "io/text.h"

namespace adlib::io {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50;
constexpr std::uint32_t central_signature = 0x02014b50;
constexpr std::uint32_t end_signature = 0x06054b50;
constexpr std::uint32_t end64_signature = 0x06064b50;
constexpr std::uint32_t locator64_signature = 0x07064b50;
constexpr std::uint64_t local_size = 30, central_size = 46, end_size = 22, end64_size = 56,
                        locator64_size = 20;
constexpr std::uint32_t in_extra_field =
    0xffffffff;  // a 32-bit field whose value stands in the zip64 extra field

class Archive {
 public:
  Archive(std::string_view bytes, const std::string& where) : bytes_(bytes), where_(where) {}

  template <class... Args>
  [[noreturn]] void damaged(const Args&... problem) const {
    fail(ErrorCode::bad_format, where_, ": damaged zip archive: ", problem...,
         "; the download may be incomplete");
  }
  /// Bytes [at, at + size), checked.
  std::string_view part(std::uint64_t at, std::uint64_t size, const char* what) const {
    if (at > bytes_.size() || size > bytes_.size() - at) {
      damaged(what, " at byte ", at, " of ", size, " bytes is outside the file of ", bytes_.size());
    }
    return bytes_.substr(at, size);
  }
  template <class T>
  T number(std::uint64_t at, const char* what) const {
    T value;
    std::memcpy(&value, part(at, sizeof value, what).data(), sizeof value);
    return value;
  }
  std::uint64_t size() const { return bytes_.size(); }

  /// The end record is the last thing but for a comment of up to 64 KiB.
  std::uint64_t find_end() const {
    if (bytes_.size() < end_size) damaged("the file has only ", bytes_.size(), " bytes");
    const std::uint64_t last = bytes_.size() - end_size;
    const std::uint64_t first = last > 0xffff ? last - 0xffff : 0;
    for (std::uint64_t at = last + 1; at-- > first;) {
      if (number<std::uint32_t>(at, "end record") == end_signature &&
          number<std::uint16_t>(at + 20, "comment") == last - at) {
        return at;
      }
    }
    damaged("its central directory is missing");
  }

 private:
  std::string_view bytes_;
  const std::string& where_;
};

}  // namespace

std::map<std::string, ZipRecord, std::less<>> read_zip_directory(std::string_view archive,
                                                                 const std::string& where) {
  const Archive zip(archive, where);
  const std::uint64_t end = zip.find_end();
  std::uint64_t count = zip.number<std::uint16_t>(end + 10, "end record");
  std::uint64_t at = zip.number<std::uint32_t>(end + 16, "end record");
  if (end >= locator64_size &&
      zip.number<std::uint32_t>(end - locator64_size, "zip64 locator") == locator64_signature) {
    const auto end64 = zip.number<std::uint64_t>(end - locator64_size + 8, "zip64 locator");
    zip.part(end64, end64_size, "zip64 end record");
    if (zip.number<std::uint32_t>(end64, "zip64 end record") != end64_signature) {
      zip.damaged("its zip64 end record is missing");
    }
    count = zip.number<std::uint64_t>(end64 + 32, "zip64 end record");
    at = zip.number<std::uint64_t>(end64 + 48, "zip64 end record");
  }

  std::map<std::string, ZipRecord, std::less<>> records;
  for (std::uint64_t i = 0; i < count; ++i) {
    zip.part(at, central_size, "directory entry");
    if (zip.number<std::uint32_t>(at, "directory entry") != central_signature) {
      zip.damaged("directory entry ", i, " has a wrong signature");
    }
    const auto flags = zip.number<std::uint16_t>(at + 8, "directory entry");
    const auto method = zip.number<std::uint16_t>(at + 10, "directory entry");
    std::uint64_t packed = zip.number<std::uint32_t>(at + 20, "directory entry");
    std::uint64_t size = zip.number<std::uint32_t>(at + 24, "directory entry");
    const std::uint64_t name_size = zip.number<std::uint16_t>(at + 28, "directory entry");
    const std::uint64_t extra_size = zip.number<std::uint16_t>(at + 30, "directory entry");
    const std::uint64_t comment_size = zip.number<std::uint16_t>(at + 32, "directory entry");
    std::uint64_t local = zip.number<std::uint32_t>(at + 42, "directory entry");
    const std::string name(zip.part(at + central_size, name_size, "file name"));
    const std::uint64_t extra = at + central_size + name_size;
    zip.part(extra, extra_size + comment_size, "extra field");

    // Zip64: the 64-bit values of exactly those fields that are full, in this order.
    for (std::uint64_t field = 0; field + 4 <= extra_size;) {
      const auto id = zip.number<std::uint16_t>(extra + field, "extra field");
      const std::uint64_t length = zip.number<std::uint16_t>(extra + field + 2, "extra field");
      if (length > extra_size - field - 4)
        zip.damaged("the extra field of '", excerpt(name), "' is cut short");
      std::uint64_t value = extra + field + 4;
      for (std::uint64_t* wide : {&size, &packed, &local}) {
        if (id != 1 || *wide != in_extra_field) continue;
        if (value + 8 > extra + field + 4 + length)
          zip.damaged("the zip64 sizes of '", excerpt(name), "' are missing");
        *wide = zip.number<std::uint64_t>(value, "extra field");
        value += 8;
      }
      field += 4 + length;
    }
    if (method != 0 || (flags & 1u) != 0) {
      fail(ErrorCode::unsupported, where, ": record '", excerpt(name), "' is ",
           (flags & 1u) != 0 ? "encrypted"
                             : concat("compressed (zip method ", method, method == 8 ? ", deflate)" : ")"),
           "; torch.save stores records as they are: was the archive packed again?");
    }
    if (packed != size)
      zip.damaged("record '", excerpt(name), "' is stored but has two sizes, ", packed, " and ", size);

    zip.part(local, local_size, "local header");
    if (zip.number<std::uint32_t>(local, "local header") != local_signature) {
      zip.damaged("record '", excerpt(name), "' has no local header");
    }
    const std::uint64_t begin = local + local_size + zip.number<std::uint16_t>(local + 26, "local header") +
                                zip.number<std::uint16_t>(local + 28, "local header");
    zip.part(begin, size, "record");
    if (!records.emplace(name, ZipRecord{begin, size}).second) {
      zip.damaged("record '", excerpt(name), "' is there twice");
    }
    at = extra + extra_size + comment_size;
  }
  return records;
}

}  // namespace adlib::io
