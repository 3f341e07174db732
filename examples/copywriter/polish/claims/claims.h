// copywriter/polish/claims/claims.h: what a text says of a product, held against what the shop says of it.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "copywriter/polish/finding.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/language.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter {

/// Finds numbers, attribute values, awards and comparisons that a product's facts do not bear out. Const use
/// from many threads is safe.
class Claims {
 public:
  /// `rules` is a directory of rules: units.txt, attributes/. `catalogue` are all products of the shop: a
  /// value that one of them has and the product at hand lacks is a mix-up. It may be empty, and must outlive
  /// this. Throws Error(bad_format) "file:line: …".
  explicit Claims(const std::filesystem::path& rules, std::span<const Product> catalogue = {});
  ~Claims();
  Claims(Claims&&) noexcept;

  /// Findings are named "facts/…", sorted by place. `customer` may be null; what they looked at and bought
  /// may be told, their age and spending may not. Of a `generated` text a value must be told by the name of
  /// its property, and a price once: a model that leaves the name out has mostly mistaken the value for
  /// another's.
  std::vector<Finding> check(std::string_view text, const Product& product, const Customer* customer,
                             Language language, bool generated = false) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace adlib::copywriter
