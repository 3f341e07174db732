// copywriter/collect/consent_rows.h: the table `consent`, and which of two answers stays in it.
#pragma once

#include <cstdint>
#include <string_view>

#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// Writes answers, in any order and any number of times with the same end: the latest wins. A consent without
/// a date of its own never wins over a refusal; a refusal wins over it, and over a dated consent that is not
/// later.
class ConsentRows {
 public:
  /// `store` must outlive this.
  explicit ConsentRows(const Store& store);

  enum class Origin {
    file,        ///< a file without a date: the time is when it was first read
    dated,       ///< a file that says when
    unsubscribe  ///< an outcome
  };
  /// False: another answer stays, or every channel is refused and this is a consent to one.
  bool put(std::int64_t user, std::string_view channel, bool granted, std::int64_t time, Origin origin);

 private:
  Statement put_, find_;
};

}  // namespace adlib::copywriter
