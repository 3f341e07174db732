#include "copywriter/publish/last_check.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "copywriter/polish/polish.h"
#include "copywriter/prepare/history.h"
#include "copywriter/write/privacy.h"

namespace adlib::copywriter {
namespace {

std::string first_obstacle(const std::vector<Finding>& findings) {
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [](const Finding& finding) { return finding.level >= Level::error; });
  return found == findings.end() ? "" : concat(found->message, " [", found->rule, "]");
}

}  // namespace

LastCheck::LastCheck(const Store& store, const PublishOptions& options) {
  if (options.rules.empty()) {
    own_customers_ = std::make_unique<StoredCustomers>(store);
    customers_ = own_customers_.get();
    return;
  }
  privacy_ = std::make_unique<Privacy>(options.rules, std::set<std::string>());
  polish_ = std::make_unique<Polish>(store, options.rules, options.packs);
  customers_ = &polish_->customers();
}

LastCheck::~LastCheck() = default;

const std::unordered_map<std::int64_t, Product>& LastCheck::products() const {
  return customers_->products();
}

bool LastCheck::may_be_personal(std::int64_t user) {
  Customer customer = customers_->read(user);
  if (privacy_) return privacy_->permitted(std::move(customer)).personalised;
  return may_be_profiled(customer, true);  // whose wish customers_ has read
}

std::string LastCheck::why_not(std::int64_t copy) {
  return polish_ ? first_obstacle(polish_->findings(copy)) : "";
}

std::string LastCheck::why_not_title(std::string_view title, std::string_view language,
                                     std::string_view channel, const Product& product) {
  if (!polish_) return {};
  const auto [known, fresh] = titles_.try_emplace(
      concat(product.id, '\x1f', channel, '\x1f', language, '\x1f', title), std::string());
  if (fresh) {
    const ChannelField* field =
        channel.empty() ? nullptr : &find_channel(polish_->checker().channels(), channel);
    known->second = first_obstacle(polish_->title_findings(title, parse_language(language), field, product));
  }
  return known->second;
}

}  // namespace adlib::copywriter
