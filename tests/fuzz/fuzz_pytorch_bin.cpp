// Any bytes: PytorchFile opens them or throws Error, and every tensor it lists can be read to its end. Input
// that does not begin as an archive is taken for the pickle of one, so that the search need not learn the zip
// format first.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "adlib/io/pytorch_bin.h"
#include "support/memory_file.h"

namespace {

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

/// A zip archive of stored records: archive/data.pkl, and storages 0 (16 bytes of zeros) and 1 (8 of them).
std::string archive_of(std::string_view pickle) {
  static const std::string zeros(16, '\0');
  const std::pair<std::string, std::string_view> records[] = {
      {"archive/data.pkl", pickle},
      {"archive/data/0", zeros},
      {"archive/data/1", std::string_view(zeros).substr(8)},
  };
  std::string out;
  std::string directory;
  for (const auto& [name, bytes] : records) {
    std::string
        common;  // version, flags, method, time, date, CRC, both sizes, lengths of name and extra field
    for (int i = 0; i < 5; ++i) put<std::uint16_t>(common, 0);
    put<std::uint32_t>(common, 0);
    put(common, static_cast<std::uint32_t>(bytes.size()));
    put(common, static_cast<std::uint32_t>(bytes.size()));
    put(common, static_cast<std::uint16_t>(name.size()));
    put<std::uint16_t>(common, 0);
    directory += "PK\1\2";
    put<std::uint16_t>(directory, 0);
    directory += common;
    for (int i = 0; i < 5; ++i) put<std::uint16_t>(directory, 0);
    put(directory, static_cast<std::uint32_t>(out.size()));
    directory += name;
    out += "PK\3\4" + common + name;
    out += bytes;
  }
  const auto begin = static_cast<std::uint32_t>(out.size());
  out += directory + "PK\5\6";
  put<std::uint32_t>(out, 0);
  put<std::uint16_t>(out, 3);
  put<std::uint16_t>(out, 3);
  put(out, static_cast<std::uint32_t>(directory.size()));
  put(out, begin);
  put<std::uint16_t>(out, 0);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (!bytes.starts_with("PK")) bytes = archive_of(bytes);
  const adlib::test::MemoryFile memory(bytes.data(), bytes.size());
  try {
    const auto file = adlib::io::PytorchFile::open(memory.path());
    for (const auto& info : file.tensors()) {
      if (info.begin > info.end || info.end > bytes.size()) std::abort();
      try {
        if (file.tensor(info.name).shape() != info.shape) std::abort();
        (void)adlib::io::count_non_finite(file.tensor(info.name));
      } catch (const adlib::Error&) {
      }
    }
  } catch (const adlib::Error&) {
  }
  return 0;
}
