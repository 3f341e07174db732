// The file: Header · ids (u16 or u32), padded to 8 bytes · one TokenSpan a document · Trailer. Counts stand
// at the end, since they are not known before; the last 16 bytes are the checksum of all before them.
#include "adlib/train/token_cache.h"

#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/io/atomic_file.h"
#include "io/mapped_file.h"
#include "io/system_error.h"

namespace adlib::train {
namespace {

static_assert(std::endian::native == std::endian::little, "cache files are little-endian");

struct Header {
  char magic[8] = {'a', 'd', 'l', 'i', 'b', 't', 'o', 'k'};
  std::uint32_t version = 1;
  std::uint32_t id_bytes = 0;
};

struct Trailer {
  std::uint64_t tokens = 0;
  std::uint64_t documents = 0;
  std::uint64_t documents_per_unit = 1;
  std::uint64_t truncated_prompts = 0;
  std::uint64_t truncated_completions = 0;
  std::uint64_t vocab_size = 0;
  Fingerprint key;
  Fingerprint checksum;
};

static_assert(sizeof(Header) == 16 && sizeof(Trailer) == 80 && sizeof(TokenSpan) == 24);

constexpr std::size_t checked_trailer = sizeof(Trailer) - sizeof(Fingerprint);

Fingerprint checksum_of(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

std::uint32_t id_bytes_of(std::int64_t vocab_size) { return vocab_size <= 65536 ? 2 : 4; }

std::uint64_t padded(std::uint64_t bytes) { return (bytes + 7) / 8 * 8; }

template <class T>
T load_as(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

}  // namespace

std::string Fingerprint::hex() const {
  std::string out;
  for (const std::uint64_t word : {high, low}) {
    for (int shift = 60; shift >= 0; shift -= 4) out += "0123456789abcdef"[word >> shift & 15];
  }
  return out;
}

TokenCache TokenCache::open(const std::filesystem::path& path) {
  const auto file = std::make_shared<io::MappedFile>(path);
  TokenCache cache(file, file->text(), path.string());
  file->release_pages();  // verifying has touched every page
  return cache;
}

TokenCache TokenCache::from_bytes(std::string bytes, const std::string& where) {
  const auto owner = std::make_shared<const std::string>(std::move(bytes));
  return TokenCache(owner, *owner, where);
}

TokenCache::TokenCache(std::shared_ptr<const void> owner, std::string_view bytes, const std::string& where)
    : owner_(std::move(owner)) {
  const auto refuse = [&](const auto&... why) {
    fail(ErrorCode::bad_format, where, ": ", why..., "; delete this cache file, and it is made anew");
  };
  if (bytes.size() < sizeof(Header) + sizeof(Trailer)) {
    refuse("has ", bytes.size(), " bytes, fewer than an empty token cache");
  }
  const auto header = load_as<Header>(bytes.data());
  const Header expected;
  if (std::memcmp(header.magic, expected.magic, sizeof header.magic) != 0) refuse("is no token cache");
  if (header.version != expected.version) {
    refuse("is a token cache of version ", header.version, ", expected ", expected.version);
  }
  const auto trailer = load_as<Trailer>(bytes.data() + bytes.size() - sizeof(Trailer));
  if (checksum_of(bytes.substr(0, bytes.size() - sizeof(Fingerprint))) != trailer.checksum) {
    refuse("is damaged: its checksum does not fit");
  }
  // Sums that a file of this size can hold: below them, no product overflows.
  const std::uint64_t room = bytes.size() - sizeof(Header) - sizeof(Trailer);
  if ((header.id_bytes != 2 && header.id_bytes != 4) || trailer.tokens > room / header.id_bytes ||
      trailer.documents > room / sizeof(TokenSpan) ||
      padded(trailer.tokens * header.id_bytes) + trailer.documents * sizeof(TokenSpan) != room) {
    refuse("claims ", trailer.tokens, " ids of ", header.id_bytes, " bytes and ", trailer.documents,
           " documents, which its ", bytes.size(), " bytes do not hold");
  }
  if (trailer.vocab_size == 0 || trailer.vocab_size > std::uint64_t{1} << 31 ||
      header.id_bytes != id_bytes_of(static_cast<std::int64_t>(trailer.vocab_size))) {
    refuse("claims a vocabulary of ", trailer.vocab_size, " with ids of ", header.id_bytes, " bytes");
  }
  if ((trailer.documents_per_unit != 1 && trailer.documents_per_unit != 2) ||
      trailer.documents % trailer.documents_per_unit != 0) {
    refuse("claims ", trailer.documents, " documents in units of ", trailer.documents_per_unit);
  }
  if (trailer.truncated_prompts > trailer.documents || trailer.truncated_completions > trailer.documents) {
    refuse("claims more truncated examples than it has documents");
  }
  wide_ = header.id_bytes == 4;
  tokens_ = static_cast<std::int64_t>(trailer.tokens);
  documents_ = static_cast<std::int64_t>(trailer.documents);
  ids_ = bytes.data() + sizeof(Header);
  spans_ = ids_ + padded(trailer.tokens * header.id_bytes);
  info_ = {trailer.key, static_cast<std::int64_t>(trailer.vocab_size),
           static_cast<std::int64_t>(trailer.documents_per_unit),
           static_cast<std::int64_t>(trailer.truncated_prompts),
           static_cast<std::int64_t>(trailer.truncated_completions)};
  for (std::int64_t d = 0; d < documents_; ++d) {
    const TokenSpan span = document(d);
    if (span.length < 2 || span.prompt >= span.length || span.begin > trailer.tokens ||
        span.length > trailer.tokens - span.begin) {
      refuse("document ", d, " claims ids [", span.begin, ", +", span.length, ") of ", trailer.tokens,
             " with a prompt of ", span.prompt);
    }
  }
  for (std::uint64_t t = 0; t < trailer.tokens; ++t) {
    if (static_cast<std::uint32_t>(id(t)) >= trailer.vocab_size) {
      refuse("holds the id ", static_cast<std::uint32_t>(id(t)), " outside its vocabulary of ",
             trailer.vocab_size);
    }
  }
}

TokenSpan TokenCache::document(std::int64_t index) const {
  return load_as<TokenSpan>(spans_ + static_cast<std::size_t>(index) * sizeof(TokenSpan));
}

struct TokenCacheWriter::Impl {
  Impl(const std::filesystem::path& target, std::int64_t vocabulary)
      : path(target), vocab_size(vocabulary), wide(id_bytes_of(vocabulary) == 4), file(target) {
    // Spans wait in a nameless file of the same disk until the ids are all written.
    std::string name = (target.parent_path() / ".adlib-spans-XXXXXX").string();
    const int descriptor = ::mkstemp(name.data());
    if (descriptor < 0) io::fail_system("create", name, errno);
    ::unlink(name.c_str());
    spans = ::fdopen(descriptor, "w+b");
    if (spans == nullptr) {
      const int code = errno;
      ::close(descriptor);
      io::fail_system("create", name, code);
    }
    XXH3_128bits_reset(&hash);
  }
  ~Impl() {
    if (spans != nullptr) std::fclose(spans);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void put(const void* data, std::size_t bytes) {
    if (bytes == 0) return;
    XXH3_128bits_update(&hash, data, bytes);
    file.write(data, bytes);
  }

  std::filesystem::path path;
  std::int64_t vocab_size;
  bool wide;
  io::AtomicFile file;
  std::FILE* spans = nullptr;
  XXH3_state_t hash;
  std::uint64_t tokens = 0;
  std::uint64_t documents = 0;
  std::vector<std::uint16_t> narrow;  // of one append(), kept for its capacity
};

TokenCacheWriter::TokenCacheWriter(const std::filesystem::path& path, std::int64_t vocab_size) {
  require(vocab_size > 0 && vocab_size <= std::int64_t{1} << 31, "TokenCacheWriter: vocab_size is ",
          vocab_size, ", expected from 1 to 2^31");
  impl_ = std::make_unique<Impl>(path, vocab_size);
  Header header;
  header.id_bytes = id_bytes_of(vocab_size);
  impl_->put(&header, sizeof header);
}

TokenCacheWriter::~TokenCacheWriter() = default;

std::uint64_t TokenCacheWriter::append(std::span<const std::int32_t> ids) {
  Impl& self = *impl_;
  for (const std::int32_t id : ids) {
    require(id >= 0 && id < self.vocab_size, "TokenCacheWriter: id ", id, " is outside the vocabulary of ",
            self.vocab_size);
  }
  if (self.wide) {
    self.put(ids.data(), ids.size() * 4);
  } else {
    self.narrow.assign(ids.begin(), ids.end());
    self.put(self.narrow.data(), ids.size() * 2);
  }
  const std::uint64_t begin = self.tokens;
  self.tokens += ids.size();
  return begin;
}

void TokenCacheWriter::mark(const TokenSpan& span) {
  if (std::fwrite(&span, sizeof span, 1, impl_->spans) != 1) io::fail_system("write", impl_->path, errno);
  ++impl_->documents;
}

std::int64_t TokenCacheWriter::documents() const { return static_cast<std::int64_t>(impl_->documents); }

void TokenCacheWriter::commit(const TokenCacheInfo& info) {
  Impl& self = *impl_;
  require(info.vocab_size == self.vocab_size, "TokenCacheWriter: info.vocab_size is ", info.vocab_size,
          ", expected ", self.vocab_size);
  const std::uint64_t id_bytes = self.tokens * (self.wide ? 4 : 2);
  const char zeros[8] = {};
  self.put(zeros, padded(id_bytes) - id_bytes);
  if (std::fflush(self.spans) != 0) io::fail_system("write", self.path, errno);
  std::rewind(self.spans);
  std::vector<char> block(std::size_t{1} << 16);
  std::uint64_t left = self.documents * sizeof(TokenSpan);
  while (left > 0) {
    const std::size_t read =
        std::fread(block.data(), 1, std::min<std::uint64_t>(block.size(), left), self.spans);
    if (read == 0) io::fail_system("read back", self.path, errno);
    self.put(block.data(), read);
    left -= read;
  }
  Trailer trailer;
  trailer.tokens = self.tokens;
  trailer.documents = self.documents;
  trailer.documents_per_unit = static_cast<std::uint64_t>(info.documents_per_unit);
  trailer.truncated_prompts = static_cast<std::uint64_t>(info.truncated_prompts);
  trailer.truncated_completions = static_cast<std::uint64_t>(info.truncated_completions);
  trailer.vocab_size = static_cast<std::uint64_t>(info.vocab_size);
  trailer.key = info.key;
  self.put(&trailer, checked_trailer);
  const XXH128_hash_t hash = XXH3_128bits_digest(&self.hash);
  trailer.checksum = {hash.high64, hash.low64};
  self.file.write(&trailer.checksum, sizeof trailer.checksum);
  self.file.commit();
}

}  // namespace adlib::train
