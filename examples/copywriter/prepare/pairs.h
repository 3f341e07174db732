// copywriter/prepare/pairs.h: what a shop's own texts teach: prompts and completions for `adlib train`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <set>
#include <string>

#include "copywriter/shop/json_line.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct PairOptions {
  std::filesystem::path rules;    ///< a directory of rules
  std::set<std::string> allowed;  ///< what may be used of a person, as Privacy has it
};

struct PairSummary {
  std::int64_t of_past_copy = 0;     ///< pairs from texts that the shop sent
  std::int64_t of_purchases = 0;     ///< pairs from what was bought, with the product's description
  std::int64_t without_outcome = 0;  ///< past texts of which nobody knows how they did
  std::int64_t below_average = 0;    ///< past texts that did worse than others of their channel and language
  std::int64_t without_product = 0;  ///< past texts about no product that has a title
  std::int64_t banned = 0;           ///< texts with a finding of level ban
};

/// Calls `take` with {"prompt", "completion", "key"}, always in the same order: past copy that did at least
/// as well as the average of its channel and language, about its product alone, then for each customer the
/// newest purchase of a product with a description, with what was known of them before it. docs/features.md
/// tells the rest. Throws what Privacy, Checker and Store throw.
PairSummary make_pairs(const Store& store, const PairOptions& options,
                       const std::function<void(const OrderedJson& pair)>& take);

}  // namespace adlib::copywriter
