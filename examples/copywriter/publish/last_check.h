// copywriter/publish/last_check.h: what was approved some time ago, held against what is known now.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "copywriter/publish/publish.h"
#include "copywriter/store/records.h"

namespace adlib::copywriter {

class Polish;
class Privacy;

/// People opt out, prices change and laws are read anew between the approval and the day on which a text goes
/// out. Without the rules of `options` only what the store itself tells is looked at.
class LastCheck {
 public:
  /// Everything must outlive this. Throws what Polish and Privacy throw.
  LastCheck(const Store& store, const PublishOptions& options);
  ~LastCheck();

  /// False for a user who opted out of personal marketing since, or is known to be under 18: what was made of
  /// their data must not be used.
  bool may_be_personal(std::int64_t user);
  /// Why the rules and the shop's data of now forbid a copy; "" when they do not.
  std::string why_not(std::int64_t copy);
  /// The same of a title or subject that is the product's name, which nobody approved. A channel "" is none.
  std::string why_not_title(std::string_view title, std::string_view language, std::string_view channel,
                            const Product& product);
  /// Of the store, by row, as they were when this was made.
  const std::unordered_map<std::int64_t, Product>& products() const;

 private:
  std::unique_ptr<Privacy> privacy_;
  std::unique_ptr<Polish> polish_;
  std::unique_ptr<StoredCustomers> own_customers_;  // without a polish_, which has some
  StoredCustomers* customers_;
  std::map<std::string, std::string> titles_;  // what was said of them: users share them
};

}  // namespace adlib::copywriter
