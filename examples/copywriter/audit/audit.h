// copywriter/audit/audit.h: why a copy says what it says, and who let it out.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "copywriter/shop/json_line.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// Reads what the store knows of copies.
class Audit {
 public:
  /// `store` must outlive this.
  explicit Audit(const Store& store);

  /// The ids of all copies, or of those that went out, whatever was decided since.
  std::vector<std::int64_t> copies(bool published_only) const;

  /// {copy, customer, product, scene, channel, language, arm, status, text, written, prompt, request, seed,
  /// guarded, personalised, write: {run, time, adlib, model, …}, assignment, findings, decisions,
  /// publications}. `request` and `write` hold all that `adlib reproduce` needs. Throws
  /// Error(invalid_argument) where there is no such copy.
  OrderedJson record(std::int64_t copy);

 private:
  const Store& store_;
  Statement copy_, findings_, decisions_, publications_, assignment_;
};

}  // namespace adlib::copywriter
