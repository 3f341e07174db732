#include "copywriter/recommend/item_to_item.h"

#include <algorithm>
#include <cmath>

namespace adlib::copywriter {
namespace {

struct Column {
  std::uint32_t user;
  float weight;
};

}  // namespace

Neighbours::Neighbours(const Interactions& interactions, const std::vector<bool>& listed,
                       const NeighbourOptions& options) {
  // The same matrix by item: whose it is, and how much.
  std::vector<std::size_t> column_begin(interactions.items + 1, 0);
  std::vector<double> norms(interactions.items, 0);
  for (const Interaction& entry : interactions.entries) {
    const auto item = static_cast<std::size_t>(entry.item);
    ++column_begin[item + 1];
    norms[item] += static_cast<double>(entry.weight) * entry.weight;
  }
  for (std::size_t i = 0; i < interactions.items; ++i) {
    column_begin[i + 1] += column_begin[i];
    norms[i] = std::sqrt(norms[i]);
  }
  std::vector<Column> columns(interactions.entries.size());
  std::vector<std::size_t> next(column_begin.begin(), column_begin.end() - 1);
  for (std::size_t user = 0; user < interactions.users(); ++user) {
    for (const Interaction& entry : interactions.of(user))
      columns[next[static_cast<std::size_t>(entry.item)]++] = {static_cast<std::uint32_t>(user),
                                                               entry.weight};
  }

  // One row of the products of columns at a time, in sums over all items of which few are touched.
  std::vector<double> dot(interactions.items, 0);
  std::vector<std::uint32_t> common(interactions.items, 0);
  std::vector<std::int32_t> touched;
  std::vector<Neighbour> row;
  begin_.reserve(interactions.items + 1);
  begin_.push_back(0);
  for (std::size_t item = 0; item < interactions.items; ++item) {
    touched.clear();
    for (std::size_t c = column_begin[item]; c < column_begin[item + 1]; ++c) {
      for (const Interaction& other : interactions.of(columns[c].user)) {
        const auto j = static_cast<std::size_t>(other.item);
        if (j == item || !listed[j]) continue;
        if (common[j]++ == 0) touched.push_back(other.item);
        dot[j] += static_cast<double>(columns[c].weight) * other.weight;
      }
    }
    row.clear();
    for (const std::int32_t other : touched) {
      const auto j = static_cast<std::size_t>(other);
      const double n = common[j], lengths = norms[item] * norms[j];
      const double similarity = lengths > 0 ? dot[j] / lengths * n / (n + options.shrinkage) : 0;
      if (similarity > 0) row.push_back({other, static_cast<float>(similarity)});
      dot[j] = 0;
      common[j] = 0;
    }
    const auto nearer = [](const Neighbour& a, const Neighbour& b) {
      return a.similarity != b.similarity ? a.similarity > b.similarity : a.item < b.item;
    };
    const std::size_t kept = std::min(row.size(), options.neighbours);
    std::partial_sort(row.begin(), row.begin() + static_cast<std::ptrdiff_t>(kept), row.end(), nearer);
    entries_.insert(entries_.end(), row.begin(), row.begin() + static_cast<std::ptrdiff_t>(kept));
    begin_.push_back(entries_.size());
  }
}

const char* to_string(Method method) noexcept {
  return method == Method::popular ? "popular" : "item-to-item";
}

Recommender::Recommender(const Interactions& interactions, const std::vector<bool>& listed,
                         const Neighbours* neighbours)
    : neighbours_(neighbours), scores_(interactions.items) {
  std::vector<double> sums(interactions.items, 0);
  for (const Interaction& entry : interactions.entries)
    sums[static_cast<std::size_t>(entry.item)] += entry.weight;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    if (listed[i]) popular_.emplace_back(static_cast<float>(sums[i]), static_cast<std::int32_t>(i));
  }
  std::sort(popular_.begin(), popular_.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  });
}

std::vector<Suggestion> Recommender::recommend(std::span<const Interaction> theirs,
                                               std::span<const std::int32_t> excluded, std::size_t top,
                                               const std::function<bool(std::int32_t item)>& fit) {
  for (const std::int32_t item : excluded) scores_[static_cast<std::size_t>(item)].excluded = true;
  std::vector<std::int32_t> touched;
  std::vector<Suggestion> out;
  if (neighbours_) {
    for (const Interaction& mine : theirs) {
      for (const Neighbour& near : neighbours_->of(mine.item)) {
        Score& score = scores_[static_cast<std::size_t>(near.item)];
        if (score.excluded || (fit && !fit(near.item))) continue;
        if (score.because < 0) touched.push_back(near.item);
        const float part = mine.weight * near.similarity;
        score.sum += part;
        if (score.because < 0 || part > score.most) score.most = part, score.because = mine.item;
      }
    }
    for (const std::int32_t item : touched) {
      const Score& score = scores_[static_cast<std::size_t>(item)];
      out.push_back({item, static_cast<float>(score.sum), Method::item_to_item, score.because});
    }
    const std::size_t kept = std::min(out.size(), top);
    std::partial_sort(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(kept), out.end(),
                      [](const Suggestion& a, const Suggestion& b) {
                        return a.score != b.score ? a.score > b.score : a.item < b.item;
                      });
    out.resize(kept);
  }
  for (std::size_t i = 0; i < popular_.size() && out.size() < top; ++i) {
    const auto [score, item] = popular_[i];
    const Score& known = scores_[static_cast<std::size_t>(item)];
    if (!known.excluded && known.because < 0 && (!fit || fit(item)))
      out.push_back({item, score, Method::popular, -1});
  }
  for (const std::int32_t item : touched) scores_[static_cast<std::size_t>(item)] = {};
  for (const std::int32_t item : excluded) scores_[static_cast<std::size_t>(item)] = {};
  return out;
}

}  // namespace adlib::copywriter
