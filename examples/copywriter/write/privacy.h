// copywriter/write/privacy.h: what of a person copy may be made of.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/rules/rule_pack.h"
#include "copywriter/shop/customer.h"

namespace adlib::copywriter {

/// Lets through what is known of a customer as far as the campaign may use it. Const use from many threads is
/// safe.
class Privacy {
 public:
  /// `rules` is a directory of rules: what is sensitive stands in its privacy/sensitive-*.toml, each rule a
  /// class (health, belief, …). `allowed` names what the campaign may use: age, gender, finance, classes.
  /// Throws Error(invalid_argument) for a name that is none of them, listing those there are,
  /// Error(not_found) when there is no such file, and what RulePack::read() throws.
  Privacy(const std::filesystem::path& rules, const std::set<std::string>& allowed);

  /// What may be allowed, sorted. `minors` is a class that may not.
  std::vector<std::string> names() const;

  /// The customer without what is not allowed: age, gender, how much they spend, and every interest, event,
  /// review and other field that tells something sensitive, each as a whole. `withheld` names the fields, and
  /// `unspoken` holds the sensitive words of what is allowed. Of a person who opted out of personal
  /// marketing, and of one who is under 18 or says so in an interest, a review or a field, nothing but the id
  /// is left.
  Customer permitted(Customer customer) const;

 private:
  struct Class {
    std::string name;
    bool allowed = false;
    Rule rule;
  };
  const Class* forbidding(std::string_view text, std::vector<std::string>& unspoken) const;

  std::vector<Class> classes_;  // one for each rule
  PhraseMatcher any_;           // the phrases of all, since most texts have none
  bool age_, gender_, finance_;
};

}  // namespace adlib::copywriter
