// adlib/train/token_cache.h: the token ids of one input file, on disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace adlib::train {

/// 128 bits that name a content.
struct Fingerprint {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const Fingerprint&, const Fingerprint&) = default;
  std::string hex() const;  ///< 32 digits
};

/// A document: ids [begin, begin + length) of a cache. The first `prompt` of them are read, not learned.
struct TokenSpan {
  std::uint64_t begin = 0;
  std::uint32_t length = 0;  ///< at least 2
  std::uint32_t prompt = 0;  ///< below length
  std::uint64_t key = 0;     ///< uniform hash of what decides the side of a validation split
};

/// What a cache knows besides its ids.
struct TokenCacheInfo {
  Fingerprint key;                         ///< of everything that the ids depend on
  std::int64_t vocab_size = 0;             ///< every id is below; ids take two bytes up to 65536, else four
  std::int64_t documents_per_unit = 1;     ///< 2 for preference pairs: chosen, rejected
  std::int64_t truncated_prompts = 0;      ///< examples whose prompt lost tokens at its left
  std::int64_t truncated_completions = 0;  ///< examples whose completion lost its end
};

/// A cache file, read where it lies: memory holds only the pages in use. Const, so threads may share one.
class TokenCache {
 public:
  /// Maps the file and reads all of it once to verify it. Throws Error(bad_format) naming the path for a file
  /// that is cut short, damaged, or of another version; Error(not_found), Error(io).
  static TokenCache open(const std::filesystem::path& path);
  /// The same for bytes in memory; `where` begins the messages.
  static TokenCache from_bytes(std::string bytes, const std::string& where);

  const TokenCacheInfo& info() const { return info_; }
  std::int64_t tokens() const { return tokens_; }
  std::int64_t documents() const { return documents_; }
  /// Document `index` of [0, documents()).
  TokenSpan document(std::int64_t index) const;
  /// The id at `position` of [0, tokens()).
  std::int32_t id(std::uint64_t position) const {
    return wide_ ? static_cast<std::int32_t>(load<std::uint32_t>(ids_ + position * 4))
                 : load<std::uint16_t>(ids_ + position * 2);
  }

 private:
  TokenCache(std::shared_ptr<const void> owner, std::string_view bytes, const std::string& where);
  template <class T>
  static T load(const char* from) {
    T value;
    __builtin_memcpy(&value, from, sizeof(T));
    return value;
  }

  std::shared_ptr<const void> owner_;
  const char* ids_ = nullptr;
  const char* spans_ = nullptr;
  bool wide_ = false;
  std::int64_t tokens_ = 0;
  std::int64_t documents_ = 0;
  TokenCacheInfo info_;
};

/// Writes a cache file from first to last; memory stays flat. Destroyed without commit(), it leaves no file.
class TokenCacheWriter {
 public:
  /// Throws Error(io), as do the others.
  explicit TokenCacheWriter(const std::filesystem::path& path, std::int64_t vocab_size);
  ~TokenCacheWriter();
  TokenCacheWriter(const TokenCacheWriter&) = delete;
  TokenCacheWriter& operator=(const TokenCacheWriter&) = delete;

  /// Adds ids and returns the position of the first. Throws Error(invalid_argument) for one outside the
  /// vocabulary.
  std::uint64_t append(std::span<const std::int32_t> ids);
  /// Makes a document of ids appended before or after.
  void mark(const TokenSpan& span);
  std::int64_t documents() const;
  /// Puts the file in its place at once, whole. info.vocab_size must be that of the constructor.
  void commit(const TokenCacheInfo& info);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace adlib::train
