// copywriter/corpus/world.h: products and customers that do not exist.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "copywriter/corpus/invent.h"
#include "copywriter/corpus/lexicon.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter::corpus {

struct MadeProduct {
  Product product;
  const Book* category =
      nullptr;  ///< null when its words are in the other language, where it has no sentences
};

struct MadeCustomer {
  Customer customer;
  const Book* kind = nullptr;  ///< the kind that some interests were drawn from, or null
  Traits traits;               ///< of the customer: known where the field is
};

struct WorldOptions {
  /// Ids that are left out, in both languages, or, with `held_out`, the only ones there are.
  std::set<std::string> held_out_categories, held_out_kinds;
  bool held_out = false;
  /// The share of attribute values that are made up, instead of what such products have.
  double invented_values = 0.25;
};
/// What is held out, from a file such as corpus.txt: "category NAME" and "kind NAME", a line each. Throws
/// Error(bad_format) "file:line: …" for any other line, Error(not_found) when there is no such file.
WorldOptions read_held_out(const std::filesystem::path& file);

class World {
 public:
  /// Both lexicons must outlive this. Throws Error(not_found) for an id that one of them lacks,
  /// Error(invalid_argument) when nothing is left.
  World(const Lexicon& zh, const Lexicon& en, WorldOptions options);

  MadeProduct product(Language language, Random& random) const;
  MadeCustomer customer(Language language, Random& random) const;
  /// Titles, brands, values and words, one behind the other.
  std::string words(Language language, Random& random) const;

 private:
  struct Side {
    const Lexicon* lexicon = nullptr;
    std::vector<const Book*> categories, kinds;
  };
  const Side& side(Language language) const { return language == Language::zh ? zh_ : en_; }
  std::string title(Language language, const Book& category, const std::string& brand, Random& random) const;
  std::string description(Language language, const Book& category, const Product& product,
                          Random& random) const;
  Event event(Language language, const Book* kind, Random& random) const;
  void attributes(Language language, const Book& category, Product& product, Random& random) const;

  WorldOptions options_;
  Inventor invent_;
  Side zh_, en_;
};

}  // namespace adlib::copywriter::corpus
