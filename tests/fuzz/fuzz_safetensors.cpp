// Any bytes: SafetensorsFile opens them or throws Error, and every tensor it lists can be read to its end.
#include <cstdint>
#include <cstdlib>

#include "adlib/io/safetensors.h"
#include "support/memory_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const adlib::test::MemoryFile bytes(data, size);
  try {
    const auto file = adlib::io::SafetensorsFile::open(bytes.path());
    std::uint64_t claimed = 0;
    for (const auto& info : file.tensors()) {
      if (info.begin != claimed || info.end < info.begin || info.end > size) std::abort();
      claimed = info.end;
      try {
        (void)adlib::io::count_non_finite(file.tensor(info.name));
      } catch (const adlib::Error&) {
      }
    }
  } catch (const adlib::Error&) {
  }
  return 0;
}
