// copywriter/recommend/item_to_item.h: which products go to the same customers, and what follows for one.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "copywriter/recommend/interactions.h"

namespace adlib::copywriter {

struct Neighbour {
  std::int32_t item = 0;
  float similarity = 0;
};

struct NeighbourOptions {
  std::size_t neighbours = 50;  ///< of an item, the most similar
  double shrinkage = 10;        ///< customers in common at which a similarity counts half
};

/// The nearest items of each item: s(i, j) = (Σ_u r_ui r_uj) / (|r_i| |r_j|) · n_ij / (n_ij + shrinkage),
/// with n_ij the customers who met both (Sarwar et al. 2001; the shrinkage is Bell & Koren's, 2007).
class Neighbours {
 public:
  /// Only items that may be recommended become neighbours.
  Neighbours(const Interactions& interactions, const std::vector<bool>& listed,
             const NeighbourOptions& options = {});
  /// From the most similar to the least; of two alike, the first item first.
  std::span<const Neighbour> of(std::int32_t item) const {
    const auto i = static_cast<std::size_t>(item);
    return std::span(entries_).subspan(begin_[i], begin_[i + 1] - begin_[i]);
  }

 private:
  std::vector<std::size_t> begin_;
  std::vector<Neighbour> entries_;
};

enum class Method { popular, item_to_item };
/// "popular", "item-to-item".
const char* to_string(Method method) noexcept;

struct Suggestion {
  std::int32_t item = 0;
  float score = 0;
  Method method = Method::popular;
  std::int32_t because = -1;  ///< the item of theirs that added most to the score; -1 for a popular one
};

/// Ranks products for one customer after the other. Not for several threads at once.
class Recommender {
 public:
  /// `neighbours` may be null, for popularity alone. All must outlive this.
  Recommender(const Interactions& interactions, const std::vector<bool>& listed,
              const Neighbours* neighbours);

  /// The `top` best for a customer with these interactions, without the items of `excluded`: by
  /// Σ_i r_ui s(i, j), and where that says nothing, by popularity, which is Σ_u r_uj.
  /// Nor those that do not `fit`, where that is given.
  std::vector<Suggestion> recommend(std::span<const Interaction> theirs,
                                    std::span<const std::int32_t> excluded, std::size_t top,
                                    const std::function<bool(std::int32_t item)>& fit = {});

 private:
  const Neighbours* neighbours_;
  std::vector<std::pair<float, std::int32_t>> popular_;  // listed items that somebody met come first
  struct Score {
    double sum = 0;
    float most = 0;
    std::int32_t because = -1;
    bool excluded = false;
  };
  std::vector<Score> scores_;  // of each item, empty between calls
};

}  // namespace adlib::copywriter
