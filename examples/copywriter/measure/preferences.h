// copywriter/measure/preferences.h: pairs of copies of which one was liked better, for `adlib train`.
#pragma once

#include <cstdint>
#include <functional>

#include "copywriter/shop/json_line.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct PreferenceOptions {
  double probability = 0.95;     ///< that the chosen text is clicked more often, at least
  std::int64_t most_pairs = 20;  ///< of one product, scene, channel, language and life cycle
};

/// Calls `take` with {prompt, chosen, rejected, probability, product, scene, channel, language, life_cycle}
/// for pairs of texts about one product, in one scene, channel and language, for users in one stage of the
/// life cycle. Equal texts count as one; click rates have the prior Beta(1, 1). The prompt is that of the
/// chosen text. Texts that were written without the guard, or with a finding of level ban, are left out.
/// Throws Error(invalid_argument) for a probability outside (0.5, 1). Returns the number of pairs.
std::int64_t for_each_preference(const Store& store, const PreferenceOptions& options,
                                 const std::function<void(const OrderedJson& pair)>& take);

}  // namespace adlib::copywriter
