#include "unigram_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "adlib/core/error.h"
#include "utf8.h"

namespace adlib::tok {
namespace {

constexpr std::uint32_t kUnreached = 0xFFFFFFFF;

/// The best way to reach one byte offset.
struct Best {
  double score = -std::numeric_limits<double>::infinity();
  std::uint32_t start = kUnreached;
  TokenId id = 0;
};

}  // namespace

UnigramModel::UnigramModel(Vocabulary vocabulary, std::vector<double> scores, const UnigramOptions& options,
                           std::string_view where)
    : Model(std::move(vocabulary)), scores_(std::move(scores)), options_(options) {
  double least = 0;
  for (TokenId id = 0; id < this->vocabulary().size(); ++id) {
    const std::string& token = *this->vocabulary().token(id);
    const double score = scores_[static_cast<std::size_t>(id)];
    if (!std::isfinite(score)) fail(ErrorCode::bad_format, where, ": token '", token, "' has score ", score);
    if (!token.empty()) trie_.add(token, id, where);
    least = id == 0 ? score : std::min(least, score);
  }
  unk_score_ = least - 10.0;
  for (unsigned b = 0; b < 256; ++b) {
    static constexpr char digits[] = "0123456789ABCDEF";
    const std::string token = {'<', '0', 'x', digits[b >> 4], digits[b & 15], '>'};
    fallback_ids_[b] = this->vocabulary().find(token).value_or(-1);
  }
}

void UnigramModel::encode(std::string_view piece, Scratch& scratch, std::vector<TokenId>& out) const {
  if (piece.empty()) return;
  if (piece.size() >= 0xFFFFFFFF) fail(ErrorCode::invalid_argument, "encode: a word of more than 4 GiB");
  const bool cached = piece.size() <= PieceCache::kMaxBytes;
  const std::uint64_t hash = cached ? PieceCache::hash(piece) : 0;
  if (cached && scratch.cache.find(piece, hash, out)) return;

  const auto n = static_cast<std::uint32_t>(piece.size());
  const TokenId unk = options_.unk_id.value_or(-1);
  std::vector<Best> best(n + 1);
  best[0].score = 0;
  for (std::uint32_t start = 0; start < n;) {
    const auto width = static_cast<std::uint32_t>(decode_valid_utf8(piece.data() + start).size);
    const double here = best[start].score;
    bool character_known = false;
    const auto reach = [&](std::uint32_t end, double score, TokenId id) {
      if (best[end].start == kUnreached || score > best[end].score) best[end] = {score, start, id};
    };
    Trie::Node node = Trie::kRoot;
    for (std::uint32_t end = start; end < n;) {
      node = trie_.child(node, piece[end++]);
      if (node == Trie::kNone) break;
      const TokenId id = trie_.value(node);
      if (id < 0) continue;
      reach(end, here + scores_[static_cast<std::size_t>(id)], id);
      character_known = character_known || end == start + width;
    }
    if (!character_known) reach(start + width, here + unk_score_, unk);
    start += width;
  }

  // Backwards from the end; neighbouring unknowns join into one stretch.
  auto& ids = scratch.ids;
  ids.clear();
  for (std::uint32_t end = n; end > 0;) {
    std::uint32_t start = best[end].start;
    const TokenId id = best[end].id;
    if (id != unk) {
      ids.push_back(id);
      end = start;
      continue;
    }
    while (start > 0 && best[start].id == unk) start = best[start].start;
    const std::string_view unknown = piece.substr(start, end - start);
    const auto byte_id = [this](char c) { return fallback_ids_[static_cast<unsigned char>(c)]; };
    if (const auto whole = vocabulary().find(unknown)) {
      ids.push_back(*whole);
    } else if (options_.byte_fallback &&
               std::none_of(unknown.begin(), unknown.end(), [&](char c) { return byte_id(c) < 0; })) {
      for (auto c = unknown.rbegin(); c != unknown.rend(); ++c) ids.push_back(byte_id(*c));
    } else if (unk >= 0) {
      ids.push_back(unk);
    } else {
      fail(ErrorCode::invalid_argument, "encode: '", unknown,
           "' is not in the vocabulary, which has no unknown token");
    }
    end = start;
  }
  std::reverse(ids.begin(), ids.end());
  out.insert(out.end(), ids.begin(), ids.end());
  if (cached) scratch.cache.put(piece, hash, ids.data(), ids.size());
}

}  // namespace adlib::tok
