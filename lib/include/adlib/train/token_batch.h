// adlib/train/token_batch.h: what one forward and backward pass of training reads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace adlib::train {

/// Documents of tokens end to end, without padding. Document s is tokens [offsets[s], offsets[s + 1]); it
/// stands at positions 0, 1, … and attends to itself only.
struct TokenBatch {
  std::vector<std::int32_t> ids;            ///< (N)
  std::vector<std::int32_t> targets;        ///< (N) the token that follows; -1 where the loss does not count
  std::vector<std::int64_t> offsets = {0};  ///< (S + 1), from 0 to N
  /// (S) the number of each document in its dataset; empty when it is from none.
  std::vector<std::int64_t> examples;

  std::int64_t tokens() const { return static_cast<std::int64_t>(ids.size()); }
  std::int64_t documents() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  /// How many tokens the loss counts.
  std::int64_t counted() const {
    return std::count_if(targets.begin(), targets.end(), [](std::int32_t target) { return target >= 0; });
  }
};

}  // namespace adlib::train
