// Any bytes as a token cache: refused, or every document and id of it can be read. The checksum is mended
// first, since no search would ever find one.
#include <xxhash.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "adlib/core/error.h"
#include "adlib/train/token_cache.h"

using namespace adlib;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string bytes(reinterpret_cast<const char*>(data), size);
  if (size >= 16) {
    const XXH128_hash_t hash = XXH3_128bits(bytes.data(), size - 16);
    const std::uint64_t words[2] = {hash.high64, hash.low64};
    std::memcpy(bytes.data() + size - 16, words, 16);
  }
  try {
    const auto cache = train::TokenCache::from_bytes(bytes, "fuzz.tokens");
    for (std::int64_t d = 0; d < cache.documents(); ++d) {
      const train::TokenSpan span = cache.document(d);
      if (span.length < 2 || span.prompt >= span.length) std::abort();
      for (std::uint64_t t = span.begin; t < span.begin + span.length; ++t) {
        if (cache.id(t) < 0 || cache.id(t) >= cache.info().vocab_size) std::abort();
      }
    }
  } catch (const Error& error) {
    if (std::string_view(error.what()).find("fuzz.tokens") == std::string_view::npos) std::abort();
  }
  return 0;
}
