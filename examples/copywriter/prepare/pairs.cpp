#include "copywriter/prepare/pairs.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "copywriter/polish/check.h"
#include "copywriter/shop/text.h"
#include "copywriter/store/records.h"
#include "copywriter/write/privacy.h"
#include "copywriter/write/prompt.h"

namespace adlib::copywriter {
namespace {

constexpr int kMostOfProduct = 3;  // pairs with one description, which would be learned by heart

// How a text did: of how many it reached, how many did what is known of them. Clicks say more of a text than
// conversions, which the product and its price decide, and than opens, which the sender and the subject do.
struct Outcome {
  int kind = 0;  // 0 clicked, 1 converted, 2 opened
  std::int64_t sent = 0, responded = 0;
};

// Columns of the query from `first` on: sent, clicked, converted, opened.
std::optional<Outcome> outcome_of(const Statement& row, int first) {
  if (row.is_null(first) || row.integer(first) <= 0) return {};
  for (int kind = 0; kind < 3; ++kind) {
    if (!row.is_null(first + 1 + kind))
      return Outcome{kind, row.integer(first), row.integer(first + 1 + kind)};
  }
  return {};
}

struct PastCopy {
  const Product* product;
  Brief brief;
  std::string text;
  Outcome outcome;
};

template <class Name>
std::optional<Name> named(const std::vector<Name>& names, std::string_view name) {
  for (const Name one : names) {
    if (name == to_string(one)) return one;
  }
  return {};
}

class PairMaker {
 public:
  PairMaker(const Store& store, const PairOptions& options,
            const std::function<void(const OrderedJson&)>& take)
      : store_(store),
        privacy_(options.rules, options.allowed),
        take_(take),
        stored_(read_stored_products(store)),
        catalogue_(products_of(stored_)),
        checker_(options.rules, {}, catalogue_) {
    for (std::size_t i = 0; i < stored_.size(); ++i) {
      by_row_.emplace(stored_[i].row, &catalogue_[i]);
      by_id_.emplace(catalogue_[i].id, &catalogue_[i]);
    }
  }

  PairSummary run() {
    add_past_copy();
    add_purchases();
    return summary_;
  }

 private:
  static std::vector<Product> products_of(const std::vector<StoredProduct>& stored) {
    std::vector<Product> out;
    out.reserve(stored.size());
    for (const StoredProduct& one : stored) out.push_back(one.product);
    return out;
  }

  std::optional<Channel> channel_of(const std::string& name) const {
    if (const auto channel = named(all_channels(), name)) return channel;
    for (const ChannelField& field : checker_.channels()) {
      if (field.id == name) return named(all_channels(), field.family);
    }
    return {};
  }

  bool is_banned(const std::string& text, Language language, const Product& product) const {
    const auto findings = checker_.check({.text = text, .language = language, .product = &product});
    return std::any_of(findings.begin(), findings.end(),
                       [](const Finding& finding) { return finding.level == Level::ban; });
  }

  void emit(const TaggedPrompt& prompt, Language language, const std::string& text, const Product& product) {
    OrderedJson pair;
    pair["prompt"] = to_text(prompt);
    pair["completion"] = (language == Language::en ? " " : "") + text;  // as prompts have their fields
    pair["key"] = product.id;
    take_(pair);
  }

  void add_past_copy() {
    std::vector<PastCopy> copies;
    // the sums of a kind of outcome over a channel and a language
    std::map<std::tuple<std::string, Language, int>, Outcome> sums;
    std::vector<std::tuple<std::string, Language, int>> groups;
    Statement rows = store_.prepare(
        "SELECT product, language, scene, channel, text, sent, clicked, converted, opened FROM past_copy "
        "ORDER BY hash");
    while (rows.step()) {
      const auto product = by_row_.find(rows.integer(0));
      const auto outcome = outcome_of(rows, 5);
      std::string text = clean_text(rows.text(4));
      summary_.without_product += product == by_row_.end() ? 1 : 0;
      summary_.without_outcome += product != by_row_.end() && !outcome ? 1 : 0;
      if (product == by_row_.end() || !outcome || text.empty()) continue;
      const std::string channel(rows.text(3));
      Brief brief;
      const std::string_view language = rows.text(1);
      brief.language = language == "zh" ? Language::zh : language == "en" ? Language::en : language_of(text);
      brief.scene = named(all_scenes(), rows.text(2));
      brief.channel = channel_of(channel);
      groups.emplace_back(channel, brief.language, outcome->kind);
      sums[groups.back()].sent += outcome->sent;
      sums[groups.back()].responded += outcome->responded;
      copies.push_back({product->second, brief, std::move(text), *outcome});
    }
    const Customer nobody;
    for (std::size_t i = 0; i < copies.size(); ++i) {
      const PastCopy& copy = copies[i];
      const Outcome& sum = sums.at(groups[i]);
      const auto rate = [](const Outcome& outcome) {
        return static_cast<double>(outcome.responded) / static_cast<double>(outcome.sent);
      };
      if (rate(copy.outcome) < rate(sum)) {
        ++summary_.below_average;
      } else if (is_banned(copy.text, copy.brief.language, *copy.product)) {
        ++summary_.banned;
      } else {
        ++summary_.of_past_copy;
        emit(tagged_prompt(copy.brief, *copy.product, nobody), copy.brief.language, copy.text, *copy.product);
      }
    }
  }

  void add_purchases() {
    std::unordered_map<const Product*, int> taken;
    std::unordered_map<const Product*, bool> banned;
    StoredCustomers customers(store_);
    for (const std::int64_t row : customers.rows()) {
      const Customer customer = privacy_.permitted(customers.read(row));
      if (customer.personalised) add_newest_purchase(customer, taken, banned);
    }
  }

  void add_newest_purchase(const Customer& customer, std::unordered_map<const Product*, int>& taken,
                           std::unordered_map<const Product*, bool>& banned) {
    for (std::size_t i = customer.purchases.size(); i-- > 0;) {
      const auto found = by_id_.find(customer.purchases[i].item);
      if (found == by_id_.end() || found->second->description.empty()) continue;
      const Product& product = *found->second;
      if (taken[&product] == kMostOfProduct) return;
      const std::string text = clean_text(product.description);
      const Language language = language_of(text);
      const auto [known, fresh] = banned.emplace(&product, false);
      if (fresh) {
        known->second = is_banned(text, language, product);
        summary_.banned += known->second ? 1 : 0;
      }
      if (known->second) return;
      Product told = product;
      told.description.clear();  // the prompt must not have what the completion is
      const Brief brief{language, Scene::recommendation, Channel::detail, {}};
      ++taken[&product];
      ++summary_.of_purchases;
      emit(tagged_prompt(brief, told, before(customer, customer.purchases[i])), language, text, product);
      return;
    }
  }

  // The customer as they were before they bought it.
  static Customer before(Customer customer, const Event& purchase) {
    const std::string item = purchase.item;
    const std::optional<std::int64_t> time = purchase.time;
    for (auto* list : {&customer.browsing, &customer.favourites, &customer.cart, &customer.purchases}) {
      std::erase_if(*list, [&](const Event& event) {
        return event.item == item || (time && event.time && *event.time >= *time);
      });
    }
    std::erase_if(customer.reviews,
                  [&](const Review& review) { return !time || !review.time || *review.time >= *time; });
    return customer;
  }

  const Store& store_;
  Privacy privacy_;
  const std::function<void(const OrderedJson&)>& take_;
  std::vector<StoredProduct> stored_;
  std::vector<Product> catalogue_;
  Checker checker_;
  std::unordered_map<std::int64_t, const Product*> by_row_;
  std::unordered_map<std::string, const Product*> by_id_;
  PairSummary summary_;
};

}  // namespace

PairSummary make_pairs(const Store& store, const PairOptions& options,
                       const std::function<void(const OrderedJson& pair)>& take) {
  return PairMaker(store, options, take).run();
}

}  // namespace adlib::copywriter
