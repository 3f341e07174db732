#include "bpe_model.h"

#include <algorithm>
#include <bit>

#include "adlib/core/error.h"
#include "byte_alphabet.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

constexpr TokenId kMissing = -1;
/// Up to this many symbols, scanning for the lowest rank beats a queue.
constexpr std::size_t kShortWord = 96;

// A priority queue of rank << 32 | position, four children a node: the keys of a long word fall out of cache,
// and a shallow heap touches fewer lines.
void push(std::vector<std::uint64_t>& heap, std::uint64_t key) {
  std::size_t at = heap.size();
  heap.push_back(key);
  while (at > 0) {
    const std::size_t parent = (at - 1) / 4;
    if (heap[parent] <= key) break;
    heap[at] = heap[parent];
    at = parent;
  }
  heap[at] = key;
}

std::uint64_t pop(std::vector<std::uint64_t>& heap) {
  const std::uint64_t top = heap.front();
  const std::uint64_t key = heap.back();
  heap.pop_back();
  if (heap.empty()) return top;
  std::size_t at = 0;
  for (;;) {
    const std::size_t first = 4 * at + 1;
    if (first >= heap.size()) break;
    std::size_t least = first;
    const std::size_t last = std::min(first + 4, heap.size());
    for (std::size_t child = first + 1; child < last; ++child) {
      if (heap[child] < heap[least]) least = child;
    }
    if (heap[least] >= key) break;
    heap[at] = heap[least];
    at = least;
  }
  heap[at] = key;
  return top;
}

std::string fallback_token(unsigned byte) {
  static constexpr char digits[] = "0123456789ABCDEF";
  return {'<', '0', 'x', digits[byte >> 4], digits[byte & 15], '>'};
}

}  // namespace

BpeModel::BpeModel(Vocabulary vocabulary, const Merges& merges, const BpeOptions& options,
                   std::string_view where)
    : Model(std::move(vocabulary)), options_(options) {
  if (options_.unk_token) {
    unk_ = this->vocabulary().find(*options_.unk_token);
    if (!unk_) {
      fail(ErrorCode::bad_format, where, ": unk_token '", *options_.unk_token, "' is not in the vocabulary");
    }
  }
  build_table(merges, where);
  for (unsigned b = 0; b < 256; ++b)
    fallback_ids_[b] = this->vocabulary().find(fallback_token(b)).value_or(kMissing);
  if (options_.byte_level) build_byte_ids(where);
  if (options_.ignore_merges) {
    for (TokenId id = 0; id < this->vocabulary().size(); ++id) {
      const std::string* token = this->vocabulary().token(id);
      if (token == nullptr) continue;
      if (!options_.byte_level) {
        whole_pieces_.emplace(*token, id);
      } else if (auto bytes = from_byte_alphabet(*token)) {
        whole_pieces_.emplace(std::move(*bytes), id);
      }
    }
  }
}

void BpeModel::build_table(const Merges& merges, std::string_view where) {
  const std::size_t slots = std::bit_ceil(std::max<std::size_t>(16, 2 * merges.size() + 1));
  table_.assign(slots, Merge{kEmpty, kNoRank, kMissing});
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(slots));
  const std::string& prefix = options_.continuing_subword_prefix;
  for (std::size_t rank = 0; rank < merges.size(); ++rank) {
    const auto& [left, right] = merges[rank];
    const auto left_id = vocabulary().find(left);
    const auto right_id = vocabulary().find(right);
    const std::string joined = left + (right.starts_with(prefix) ? right.substr(prefix.size()) : right);
    const auto id = vocabulary().find(joined);
    if (!left_id || !right_id || !id) {
      fail(ErrorCode::bad_format, where, ": merge ", rank, " ('", left, "' + '", right,
           "') needs the token '",
           !left_id    ? left
           : !right_id ? right
                       : joined,
           "', which is not in the vocabulary");
    }
    const std::uint64_t pair = pair_of(*left_id, *right_id);
    std::size_t at = slot_of(pair);
    while (table_[at].pair != kEmpty && table_[at].pair != pair) at = (at + 1) & (table_.size() - 1);
    table_[at] = {pair, static_cast<std::uint32_t>(rank), *id};
  }
}

void BpeModel::build_byte_ids(std::string_view where) {
  for (unsigned b = 0; b < 256; ++b) {
    std::string symbol;
    append_utf8(symbol, byte_alphabet()[b]);
    for (const bool continues : {false, true}) {
      for (const bool ends : {false, true}) {
        const std::string token = (continues ? options_.continuing_subword_prefix : "") + symbol +
                                  (ends ? options_.end_of_word_suffix : "");
        byte_ids_[continues][ends][b] = vocabulary().find(token).value_or(kMissing);
      }
    }
    if (options_.byte_fallback && byte_ids_[0][0][b] == kMissing) {
      fail(ErrorCode::unsupported, where,
           ": byte_fallback with a ByteLevel pre-tokenizer and no token for byte ", b, " is not supported");
    }
  }
}

void BpeModel::add_symbols_of_bytes(std::string_view piece, std::vector<TokenId>& ids) const {
  bool after_unk = false;
  for (std::size_t i = 0; i < piece.size(); ++i) {
    const TokenId id = byte_ids_[i > 0][i + 1 == piece.size()][static_cast<unsigned char>(piece[i])];
    if (id != kMissing) {
      ids.push_back(id);
      after_unk = false;
    } else if (unk_ && !(after_unk && options_.fuse_unk)) {
      ids.push_back(*unk_);
      after_unk = true;
    }
  }
}

void BpeModel::add_symbols_of_characters(std::string_view piece, std::vector<TokenId>& ids) const {
  const bool plain = options_.continuing_subword_prefix.empty() && options_.end_of_word_suffix.empty();
  std::string decorated;
  // Hugging Face holds an unknown back until the next known symbol or unknown, but lets byte tokens overtake
  // it.
  bool unk_waits = false;
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t size = decode_valid_utf8(piece.data() + at).size;
    std::string_view symbol = piece.substr(at, size);
    if (!plain) {
      decorated = at > 0 ? options_.continuing_subword_prefix : "";
      decorated += symbol;
      if (at + size == piece.size()) decorated += options_.end_of_word_suffix;
      symbol = decorated;
    }
    at += size;
    if (const auto id = vocabulary().find(symbol)) {
      if (unk_waits) ids.push_back(*unk_);
      unk_waits = false;
      ids.push_back(*id);
      continue;
    }
    const auto byte_id = [this](char c) { return fallback_ids_[static_cast<unsigned char>(c)]; };
    if (options_.byte_fallback &&
        std::none_of(symbol.begin(), symbol.end(), [&](char c) { return byte_id(c) == kMissing; })) {
      for (const char c : symbol) ids.push_back(byte_id(c));
      continue;
    }
    if (unk_) {
      if (unk_waits && !options_.fuse_unk) ids.push_back(*unk_);
      unk_waits = true;
    }
  }
  if (unk_waits) ids.push_back(*unk_);
}

// Merges the pair of lowest rank, the leftmost of equals, until none is left. One scan a merge.
void BpeModel::merge_short(Scratch& scratch) const {
  auto& ids = scratch.ids;
  auto& ranks = scratch.ranks;  // ranks[i]: the rank of the pair (i, i + 1)
  std::size_t n = ids.size();
  ranks.assign(n, kNoRank);
  for (std::size_t i = 0; i + 1 < n; ++i) ranks[i] = merge(ids[i], ids[i + 1]).rank;
  while (n > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < n; ++i) {
      if (ranks[i] < ranks[best]) best = i;
    }
    if (ranks[best] == kNoRank) break;
    ids[best] = merge(ids[best], ids[best + 1]).id;
    std::copy(ids.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              ids.begin() + static_cast<std::ptrdiff_t>(n),
              ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    std::copy(ranks.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              ranks.begin() + static_cast<std::ptrdiff_t>(n),
              ranks.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    --n;
    ranks[best] = best + 1 < n ? merge(ids[best], ids[best + 1]).rank : kNoRank;
    if (best > 0) ranks[best - 1] = merge(ids[best - 1], ids[best]).rank;
  }
  ids.resize(n);
}

// The same with a queue of candidate pairs: O(n log n), for words without a bound on their length. A
// candidate is stale when its symbol is gone or the pair that stands there now has another rank.
void BpeModel::merge_long(Scratch& scratch) const {
  auto& symbols = scratch.symbols;
  auto& queue = scratch.queue;
  const auto n = static_cast<std::int32_t>(scratch.ids.size());
  symbols.resize(scratch.ids.size());
  queue.clear();
  const auto propose = [&](std::int32_t left) {
    const BpeSymbol& symbol = symbols[static_cast<std::size_t>(left)];
    if (symbol.next < 0) return;
    const std::uint32_t rank = merge(symbol.id, symbols[static_cast<std::size_t>(symbol.next)].id).rank;
    if (rank != kNoRank) push(queue, std::uint64_t{rank} << 32 | static_cast<std::uint32_t>(left));
  };
  for (std::int32_t i = 0; i < n; ++i) {
    symbols[static_cast<std::size_t>(i)] = {scratch.ids[static_cast<std::size_t>(i)], i - 1,
                                            i + 1 < n ? i + 1 : -1};
  }
  for (std::int32_t i = 0; i < n; ++i) propose(i);
  while (!queue.empty()) {
    const std::uint64_t key = pop(queue);
    const auto at = static_cast<std::int32_t>(key & 0xFFFFFFFF);
    BpeSymbol& left = symbols[static_cast<std::size_t>(at)];
    if (left.id == kMissing || left.next < 0) continue;
    BpeSymbol& right = symbols[static_cast<std::size_t>(left.next)];
    const Merge& found = merge(left.id, right.id);
    if (found.rank != key >> 32) continue;
    left.id = found.id;
    left.next = right.next;
    right.id = kMissing;
    if (left.next >= 0) symbols[static_cast<std::size_t>(left.next)].previous = at;
    propose(at);
    if (left.previous >= 0) propose(left.previous);
  }
  scratch.ids.clear();
  for (std::int32_t i = 0; i >= 0; i = symbols[static_cast<std::size_t>(i)].next) {
    scratch.ids.push_back(symbols[static_cast<std::size_t>(i)].id);
  }
}

void BpeModel::encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  if (piece.empty()) return;
  const bool cached = piece.size() <= PieceCache::kMaxBytes;
  const std::uint64_t hash = cached ? PieceCache::hash(piece) : 0;
  if (cached && scratch.cache.find(piece, hash, out)) return;
  if (piece.size() > INT32_MAX) fail(ErrorCode::invalid_argument, "encode: a word of more than 2 GiB");

  auto& ids = scratch.ids;
  ids.clear();
  if (options_.ignore_merges) {
    const auto whole = whole_pieces_.find(std::string(piece));
    if (whole != whole_pieces_.end()) ids.push_back(whole->second);
  }
  if (ids.empty()) {
    options_.byte_level ? add_symbols_of_bytes(piece, ids) : add_symbols_of_characters(piece, ids);
    if (ids.size() > kShortWord) {
      merge_long(scratch);
    } else if (ids.size() > 1) {
      merge_short(scratch);
    }
  }
  out.insert(out.end(), ids.begin(), ids.end());
  if (cached) scratch.cache.put(piece, hash, ids.data(), ids.size());
}

}  // namespace adlib::tok
