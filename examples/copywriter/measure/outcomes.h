// copywriter/measure/outcomes.h: what became of the copies, from the files of those who showed them.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "copywriter/collect/collect.h"
#include "copywriter/collect/input_file.h"
#include "copywriter/rules/channels.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

struct OutcomeOptions {
  std::int64_t max_errors = 0;              ///< bad rows that are left out; one more refuses the file
  std::vector<ChannelField> channels = {};  ///< to know the family that an unsubscribe is about
  std::int64_t now = copywriter::now();     ///< outcomes of later than a day behind it are bad rows
  std::function<void(std::int64_t rows)> progress = {};
  std::function<void(const RejectedRow&)> on_rejected = {};  ///< also for the rows of a file that is refused
};

struct OutcomeSummary {
  std::int64_t rows = 0, new_rows = 0;
  std::int64_t unsubscribed = 0;  ///< new unsubscribes
  /// Of these, the ones that changed nothing: a consent has a later date of its own.
  std::int64_t outdated = 0;
  std::int64_t forgotten = 0;  ///< rows of people who were erased, left out
  std::vector<RejectedRow> rejected;
};

/// Reads outcomes from JSON Lines or CSV into the table `outcome`, in one transaction: each row once,
/// whatever file it comes in again, and each unsubscribe as a consent that was withdrawn, unless the consent
/// has a later date of its own. A row is bad, too, where it tells of a copy that never went out, or of the
/// future. Bad rows are kept in `rejected` with their line and reason, which repeats nothing of the row.
/// docs/measure.md tells the fields. Throws Error(bad_format) "file:line: …" for a file that is no table or
/// has more than max_errors bad rows; then nothing of it was taken.
OutcomeSummary import_outcomes(const Store& store, InputFile& file, const OutcomeOptions& options = {});

}  // namespace adlib::copywriter
