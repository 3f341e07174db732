// copywriter/corpus/world.h: products and customers that do not exist.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "copywriter/collect/customer.h"
#include "copywriter/collect/product.h"
#include "copywriter/corpus/invent.h"
#include "copywriter/corpus/lexicon.h"

namespace adlib::copywriter::corpus {

struct MadeProduct {
  Product product;
  const Book* category = nullptr;  ///< nothing is said of it when the title follows no category
};

struct MadeCustomer {
  Customer customer;
  const Book* kind = nullptr;  ///< of an interest of theirs, if any has one
  Traits traits;
};

struct WorldOptions {
  /// Files that are left out, or, with `held_out`, the only ones there are.
  std::set<std::string> held_out_categories, held_out_kinds;
  bool held_out = false;
  /// The share of attribute values that are made up, instead of what such products have.
  double invented_values = 0.25;
};

class World {
 public:
  /// Both lexicons must outlive this.
  World(const Lexicon& zh, const Lexicon& en, WorldOptions options);

  MadeProduct product(Language language, Random& random) const;
  MadeCustomer customer(Language language, Random& random) const;

 private:
  struct Side {
    const Lexicon* lexicon = nullptr;
    std::vector<const Book*> categories, kinds;
  };
  const Side& side(Language language) const { return language == Language::zh ? zh_ : en_; }
  std::string title(Language language, const Book& category, const std::string& brand, Random& random) const;
  Event event(Language language, const Book* kind, Random& random) const;
  void attributes(Language language, const Book& category, Product& product, Random& random) const;

  WorldOptions options_;
  Inventor invent_;
  Side zh_, en_;
};

}  // namespace adlib::copywriter::corpus
