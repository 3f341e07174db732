// copywriter/recommend/evaluate.h: whether a way of recommending would have found what customers met next.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "copywriter/recommend/item_to_item.h"

namespace adlib::copywriter {

struct Interval {
  double mean = 0, low = 0, high = 0;
};

/// The means of several columns over the same rows, each with its 95% interval by the percentile bootstrap
/// (Efron 1979). Every resample draws the same rows for all columns, so that a column of differences gives
/// the paired interval. Columns are equally long and not empty.
std::vector<Interval> bootstrap_means(std::span<const std::vector<double>> columns, std::uint64_t seed,
                                      int resamples = 2000);

struct Measure {
  Interval hit, ndcg;
};

/// The last product of each customer held out: customers whose newest product (the one that they met for the
/// first time last) is listed. What they did before that meeting is known, and of all others everything. A
/// method ranks the listed products that the customer had not met; hit is 1 where the held-out one is among
/// the first ten, and NDCG is 1 / log2(1 + its rank) there, 0 elsewhere.
struct Evaluation {
  std::int64_t customers = 0;  ///< who were held out
  double candidates = 0;       ///< products to choose from, the mean over customers
  Measure random, popular, item_to_item;
  Measure over_popular;                 ///< item-to-item less popular, paired
  bool item_to_item_is_better = false;  ///< the lower end of over_popular.hit is above 0
};

inline constexpr std::size_t kEvaluatedTop = 10;
inline constexpr std::size_t kFewestEvaluated = 30;    ///< below, an interval says nothing
inline constexpr std::size_t kMostEvaluated = 20'000;  ///< customers, drawn by the seed

/// `random` is the expectation of a random order, 10 of the candidates. With fewer than kFewestEvaluated
/// customers nothing is measured and item_to_item_is_better is false.
Evaluation evaluate(const EventLog& log, const InteractionOptions& interactions,
                    const NeighbourOptions& neighbours, std::uint64_t seed);

}  // namespace adlib::copywriter
