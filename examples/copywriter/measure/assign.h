// copywriter/measure/assign.h: draws which variant of a placement its user gets.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "copywriter/measure/bandit.h"
#include "copywriter/rules/channels.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct AssignOptions {
  Policy policy = Policy::thompson;
  double control = 0.1;  ///< the share of users who get no copy at all, to compare with
  std::uint64_t seed = 0;
  bool allow_finance = false;  ///< the contextual policy may know how much prices matter to a user
  std::vector<ChannelField> channels = {};  ///< to know the family that a consent is about
  std::function<void(std::int64_t done, std::int64_t total)> progress = {};
};

struct AssignSummary {
  std::int64_t assigned = 0;                   ///< placements that got a variant
  std::int64_t held_out = 0;                   ///< placements of users in the control
  std::int64_t users = 0, users_held_out = 0;  ///< of these placements; the second in the control
  std::int64_t refused = 0;                    ///< placements of users who do not want the channel
  std::int64_t before = 0;                     ///< placements that had an assignment
};

/// Draws for every placement of a user that has approved copies, that the user did not refuse, and that has
/// no assignment yet, and logs the policy, the probability of what was drawn (of the whole draw: control
/// included), and what the policy knew. The draw depends on the seed, the user, the product, scene, channel
/// and language, and on what was learned so far; who is in the control depends on the seed and the user
/// alone, and a user who has an assignment stays on that side. A thousand draws are one transaction. Throws
/// Error(invalid_argument) for a control outside [0, 0.9].
AssignSummary assign_variants(const Store& store, const AssignOptions& options);

/// What consent is given for, as collect's Consent has it: wechat, or the family of a channel ("mi-push" is
/// push, "email-subject" email).
std::string consent_channel(const std::vector<ChannelField>& channels, std::string_view channel);

}  // namespace adlib::copywriter
