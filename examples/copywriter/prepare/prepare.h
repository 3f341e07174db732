// copywriter/prepare/prepare.h: the stage that tells of each customer what copy can be made of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>

#include "copywriter/prepare/features.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct PrepareOptions {
  FeatureOptions features;
  std::filesystem::path lexicon;                         ///< the directory of zh.toml and en.toml
  std::function<void(std::int64_t customers)> progress;  ///< now and then; may be empty
};

struct PrepareSummary {
  std::int64_t customers = 0;    ///< who have features now
  std::int64_t cold_starts = 0;  ///< of them
  std::int64_t unprofiled = 0;   ///< opted out of personal marketing, or known to be under 18: no features
  std::int64_t changed = 0;      ///< features that are not what they were
};

/// Fills the table `feature`, all or nothing. The same store at the same `now` gives the same bytes, and rows
/// that would stay as they are keep their run. Throws what Store throws, and Error(bad_format) for a record
/// or lexicon that is malformed.
PrepareSummary prepare(const Store& store, const PrepareOptions& options);

}  // namespace adlib::copywriter
