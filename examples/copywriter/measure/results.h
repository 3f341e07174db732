// copywriter/measure/results.h: what the copies brought, by variant, segment, scene and channel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "copywriter/measure/off_policy.h"
#include "copywriter/measure/sequential.h"
#include "copywriter/measure/statistics.h"
#include "copywriter/shop/json_line.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// Copies of one kind. A trial is a copy that its user saw; of a copy for everybody, an impression.
struct ResultRow {
  std::string name;
  Count clicked, converted;
  std::int64_t unsubscribed = 0;
};

/// Users who got copy against users who were held out; a user converts once, after the assignment.
struct Lift {
  Count got_copy, held_out;
  Estimate difference;         ///< of the conversion rates, newcombe()
  RateRatioTest::Range ratio;  ///< of the rates: the 95% confidence sequence
  double p_value = 1;          ///< safe to look at any time
};

/// The click rate if variants had been drawn otherwise, over draws that could have been.
struct WhatIf {
  std::string policy;  ///< "everyone: warm", "thompson", "contextual"
  std::int64_t draws = 0;
  OffPolicy value;
  /// An estimate as a rate for people, within 0 and 1, which these estimates may leave.
  static Estimate as_rate(const Estimate& estimate);
  /// Whether the doubly robust estimate says anything: from enough draws, and a rate.
  bool is_telling() const;
};

struct Results {
  std::int64_t impressions = 0, clicks = 0, conversions = 0, unsubscribes = 0;  ///< rows of outcomes
  ResultRow all;
  std::vector<ResultRow> arms, life_cycles, interests, scenes, channels, languages;
  std::optional<Lift> lift;  ///< where somebody was held out and somebody was not
  Estimate as_drawn;         ///< the click rate of the draws that what_if is about
  std::vector<WhatIf> what_if;
};

/// Of fewer trials than this a rate says next to nothing: what is told is its interval, and that there is too
/// little data.
inline constexpr std::int64_t kFewTrials = 10;

/// Segments of fewer users than this are put together under "other", so that a table tells of nobody in
/// particular.
inline constexpr std::int64_t kSmallestSegment = 5;

Results measure(const Store& store);
/// docs/measure.md tells the fields.
OrderedJson to_json(const Results& results);
/// Tables for people, in English.
std::string to_text(const Results& results);

}  // namespace adlib::copywriter
