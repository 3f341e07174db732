// copywriter/polish/check_reader.h: what a text says of the person who reads it, held against what is known
// of them.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/polish/finding.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/language.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter {

/// Finds tastes, history and traits that a text tells its reader: "you who love music", 你买过的茶. Const use
/// from many threads is safe.
class ReaderRules {
 public:
  /// Reads rules/reader.toml, whose format is told there. Throws Error(bad_format) "file:line:column: …".
  ReaderRules(const std::filesystem::path& rules, std::span<const Product> catalogue);

  /// Findings are named "reader/…". `customer` null: a text made of the product alone, which may say nothing
  /// of a reader. Else what it says must stand in the record: a taste is a finding where it is one that the
  /// file, or a category of the catalogue, names and the record does not hold; history and quotations are
  /// where the record does not hold them.
  std::vector<Finding> check(std::string_view text, Language language, const Customer* customer) const;

 private:
  struct Statement {
    std::string id;
    std::vector<Language> languages;
    PhraseMatcher before, behind, except;
    bool exact = false;  ///< the record holds what stands there, letter by letter
    bool any = false;    ///< what stands there need not be known by name: a taste in a record of none
    bool own = false;    ///< wrong only where it is the record's city, name or level
    bool unpersonalised_only = false;
    std::string basis, zh, en;
  };
  static bool is_excepted(const Statement& statement, const FoldedText& text, Range before);

  std::vector<Statement> statements_;
  PhraseMatcher tastes_;
};

}  // namespace adlib::copywriter
