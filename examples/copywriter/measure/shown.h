// copywriter/measure/shown.h: which copies were shown to whom, how they were chosen, and what came of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "copywriter/measure/context.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// How the variant of a placement was drawn, as `assign` logged it.
struct Draw {
  std::string policy;
  double propensity = 1;                             ///< of the variant, among those that could be drawn
  std::vector<std::pair<std::string, double>> arms;  ///< all that could be drawn, with their probabilities
  ContextNumbers context{};
  std::int64_t time = 0;
};

/// Arms are compared within a scene, channel and language.
inline std::string cell_name(std::string_view scene, std::string_view channel, std::string_view language) {
  return concat(scene, '\x1f', channel, '\x1f', language);
}

/// A copy that was assigned, published, or has outcomes.
struct ShownCopy {
  std::int64_t copy = 0;
  std::optional<std::int64_t> user;  ///< none: it is for everybody
  std::string scene, channel, language, arm;
  /// A copy for one user is one trial at most: seen, clicked, converted or not. Of a copy for everybody each
  /// impression is one. Where a channel reports no impressions, a copy that was sent counts as seen,
  /// once the store has any outcome.
  std::int64_t seen = 0, clicked = 0, converted = 0;
  std::int64_t impressions = 0, unsubscribed = 0;
  std::optional<Draw> draw;
  std::string cell() const { return cell_name(scene, channel, language); }
};

/// In the order of their ids.
void for_each_shown_copy(const Store& store, const std::function<void(ShownCopy&&)>& take);

}  // namespace adlib::copywriter
