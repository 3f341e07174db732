// copywriter/recommend/recommend.h: the stage that chooses products for customers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "copywriter/recommend/evaluate.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct RecommendOptions {
  std::size_t top = 5;                ///< products for each customer
  std::optional<Method> method = {};  ///< nothing: the one that the evaluation is for
  bool evaluate_only = false;         ///< measure, and leave the store as it is
  bool evaluate = true;               ///< measure also where the method is given
  std::uint64_t seed = 0;             ///< of the evaluation's draws
  InteractionOptions interactions;    ///< `now` must be set
  NeighbourOptions neighbours;
  std::function<void(std::int64_t customers)> progress;  ///< now and then; may be empty
};

struct RecommendSummary {
  Method method = Method::popular;
  std::string reason;                    ///< of the choice, a clause
  std::optional<Evaluation> evaluation;  ///< nothing where none was asked for
  std::int64_t products = 0;             ///< that could be recommended
  bool from_events = false;              ///< no product is listed: the titled ones of the log stand in
  std::int64_t customers = 0;            ///< with at least one recommendation
  std::int64_t unpersonalised = 0;       ///< of them, those who opted out and get what is popular
  std::int64_t recommendations = 0;
  std::int64_t by_item_to_item = 0;  ///< of them; the others are popular
  std::int64_t changed = 0;          ///< rows that are not what they were
};

/// Fills the table `recommendation`, all or nothing: for each customer the best listed products that they
/// have not bought. Rows that would stay as they are keep their run. Throws what Store throws, and
/// Error(invalid_argument) for a shop without a product that has a title.
RecommendSummary recommend(const Store& store, const RecommendOptions& options);

}  // namespace adlib::copywriter
