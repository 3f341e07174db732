// io/zip.h: where the records of a zip archive lie. Stored records only, zip64 included.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace adlib::io {

/// Bytes [begin, begin + size) of the archive.
struct ZipRecord {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
};

/// The records by name, every one inside the archive. Throws Error(bad_format), begun by `where`, for a
/// damaged archive, and Error(unsupported) for a compressed or encrypted record. Format: PKWARE's
/// APPNOTE.TXT, sections 4.3 to 4.5.
std::map<std::string, ZipRecord, std::less<>> read_zip_directory(std::string_view archive,
                                                                 const std::string& where);

}  // namespace adlib::io
