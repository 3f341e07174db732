// tokenizer/src/model.h: the step of the pipeline that turns one pre-token into ids, and what a call works
// in.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vocabulary.h"

namespace adlib::tok {

/// Ids of pieces seen before. Direct-mapped: a new piece takes the slot of the old, so the size is fixed.
/// Only short pieces with few ids are kept, one cache line each.
class PieceCache {
 public:
  static constexpr std::size_t kMaxBytes = 30;
  static constexpr std::size_t kMaxIds = 8;

  /// Appends the ids of `piece` and returns true, or returns false.
  bool find(std::string_view piece, std::uint64_t hash, std::vector<TokenId>& out) const {
    if (slots_.empty()) return false;
    const Slot& slot = slots_[hash & (kSlots - 1)];
    if (slot.bytes != piece.size() || std::memcmp(slot.text.data(), piece.data(), piece.size()) != 0)
      return false;
    out.insert(out.end(), slot.ids.begin(), slot.ids.begin() + slot.count);
    return true;
  }
  void put(std::string_view piece, std::uint64_t hash, const TokenId* ids, std::size_t count) {
    if (piece.empty() || piece.size() > kMaxBytes || count > kMaxIds) return;
    if (slots_.empty()) slots_.resize(kSlots);
    Slot& slot = slots_[hash & (kSlots - 1)];
    slot.bytes = static_cast<std::uint8_t>(piece.size());
    slot.count = static_cast<std::uint8_t>(count);
    std::memcpy(slot.text.data(), piece.data(), piece.size());
    std::copy(ids, ids + count, slot.ids.begin());
  }
  static std::uint64_t hash(std::string_view piece) {
    // Not for adversaries: a collision costs one slot, never more.
    std::uint64_t h = piece.size() * 0x9E3779B97F4A7C15u;
    std::size_t i = 0;
    for (; i + 8 <= piece.size(); i += 8) h = mix(h ^ load(piece.data() + i, 8));
    if (i < piece.size()) h = mix(h ^ load(piece.data() + i, piece.size() - i));
    return h;
  }

 private:
  static constexpr std::size_t kSlots = 1 << 14;  // 1 MiB
  struct alignas(64) Slot {
    std::uint8_t bytes = 0;
    std::uint8_t count = 0;
    std::array<char, kMaxBytes> text;
    std::array<TokenId, kMaxIds> ids;
  };
  static std::uint64_t load(const char* p, std::size_t n) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, n);
    return word;
  }
  static std::uint64_t mix(std::uint64_t h) {
    h *= 0xBF58476D1CE4E5B9u;
    return h ^ h >> 29;
  }

  std::vector<Slot> slots_;
};

/// One symbol of a word during the merges of BPE; a doubly linked list in a vector.
struct BpeSymbol {
  TokenId id;
  std::int32_t previous;
  std::int32_t next;
};

/// What one call of encode works in; reused by later calls, never shared by two at once.
struct Scratch {
  PieceCache cache;
  std::vector<TokenId> ids;
  std::vector<std::uint32_t> ranks;
  std::vector<BpeSymbol> symbols;
  std::vector<std::uint64_t> queue;
};

/// Hands out scratches. As many exist as calls have run at once; one lock per call, none per piece.
class ScratchPool {
 public:
  /// Borrows a scratch for the life of the lease.
  class Lease {
   public:
    explicit Lease(const ScratchPool& pool) : pool_(pool), scratch_(pool.take()) {}
    ~Lease() { pool_.give(std::move(scratch_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Scratch& operator*() const { return *scratch_; }

   private:
    const ScratchPool& pool_;
    std::unique_ptr<Scratch> scratch_;
  };

 private:
  std::unique_ptr<Scratch> take() const {
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        auto scratch = std::move(free_.back());
        free_.pop_back();
        return scratch;
      }
    }
    return std::make_unique<Scratch>();
  }
  void give(std::unique_ptr<Scratch> scratch) const noexcept;

  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Scratch>> free_;
};

/// Turns one piece of text into ids. Const after construction.
class Model {
 public:
  explicit Model(Vocabulary vocabulary) : vocabulary_(std::move(vocabulary)) {}
  virtual ~Model() = default;
  /// Appends the ids of `piece`: raw bytes for a byte-level model, else valid UTF-8.
  virtual void encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const = 0;
  /// What encode() gives for text that no other token covers.
  virtual std::optional<TokenId> unknown() const = 0;
  const Vocabulary& vocabulary() const { return vocabulary_; }

 private:
  Vocabulary vocabulary_;
};

}  // namespace adlib::tok
