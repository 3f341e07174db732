// copywriter/polish/polish.h: the stage `polish`: every copy of a store checked, and mended where that is
// safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "copywriter/polish/check.h"
#include "copywriter/store/records.h"

namespace adlib::copywriter {

/// Holds copies against the rules, applies the fixes that findings offer, keeps what is left as findings, and
/// sets the status: blocked where one of level error or ban is left, else ready. What a fix changed is a
/// decision of "polish". An approved or published copy stays so unless it is blocked now, a rejected one
/// whatever is found; the text of what was published or rejected stays as it was. What the rules let pass
/// because it stands in the product's name, and would not let pass elsewhere, is a finding "names/RULE" of
/// level evidence.
class Polish {
 public:
  /// `store` must outlive this. Throws what RuleSet and Checker throw.
  Polish(const Store& store, const std::filesystem::path& rules,
         std::span<const std::filesystem::path> packs = {});
  Polish(const Store& store, std::shared_ptr<const RuleSet> rules);

  enum class Which {
    written,  ///< since the last time
    all,      ///< and all others, approved, published and rejected ones too: after a change of the rules
  };
  struct Summary {
    std::int64_t copies = 0, fixed = 0;
    std::int64_t ready = 0, blocked = 0;  ///< without and with a finding of level error or ban
    std::int64_t withdrawn = 0;           ///< were approved or published, and are blocked now
  };
  /// All of them, some hundreds to a transaction, with num_threads(). `done` is called with the number of
  /// copies that were committed.
  Summary run(Which which, const std::function<void(std::int64_t copies)>& done);

  /// How many copies run() would take.
  std::int64_t count(Which which) const;

  /// One copy, in the caller's transaction. False where it is blocked.
  bool polish(std::int64_t copy);

  /// What is found in a copy as it is now, by the rules, products and customers of now; nothing is changed.
  std::vector<Finding> findings(std::int64_t copy);
  /// What is found in a text that no model wrote and that stands in a message about a product: its title or
  /// subject, where nobody wrote one. The product's name is no excuse there.
  std::vector<Finding> title_findings(std::string_view title, Language language, const ChannelField* channel,
                                      const Product& product) const;
  const Checker& checker() const { return checker_; }
  StoredCustomers& customers() { return customers_; }

 private:
  Polish(const Store& store, std::shared_ptr<const RuleSet> rules, std::vector<StoredProduct>&& products);
  struct Outcome {
    bool fixed = false, blocked = false, withdrawn = false;
  };
  // A copy, and what is known about it.
  struct Row {
    std::int64_t copy = 0, product = 0;
    std::string before, status, tone;
    std::optional<Customer> customer;
    Subject subject;
    bool doubtful_name = false;
    std::vector<std::string> endings = {};  ///< of the request: the shop's own words
  };
  // A text with its safe fixes, and what is left to say of it.
  struct Mended {
    std::string text;
    std::vector<Finding> findings;
  };
  Row read(std::int64_t copy);
  std::vector<Finding> check(const Row& row, std::string_view text) const;
  Mended mend(const Row& row) const;
  Outcome save(const Row& row, const Mended& mended);
  bool has_doubtful_name(std::int64_t product, const Subject& subject);

  const Store& store_;
  std::vector<Product> catalogue_;
  Checker checker_;
  StoredCustomers customers_;
  // Of products, which have many copies.
  std::map<std::int64_t, std::vector<std::string>> kinds_;
  std::map<std::tuple<std::int64_t, Language, const ChannelField*>, bool> doubtful_names_;
  Statement find_, update_, drop_findings_, add_finding_, add_decision_;
};

}  // namespace adlib::copywriter
