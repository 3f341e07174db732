#include "copywriter/corpus/world.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "adlib/core/error.h"

namespace adlib::copywriter::corpus {
namespace {

// As shops price: between `low` and `high` evenly by order of magnitude, ending in .00, .90, .50 and so on.
std::string draw_amount(double low, double high, Random& random) {
  const auto whole = static_cast<std::int64_t>(std::exp(std::log(low) + random.unit() * std::log(high / low)));
  const std::array<const char*, 6> ends{".00", ".90", ".00", ".50", ".99", ".80"};
  return std::to_string(whole) + (random.chance(0.7) ? ends[random.below(ends.size())] : ".00");
}

std::string currency(Language language, Random& random) {
  if (language == Language::zh) return "CNY";
  return random.chance(0.7) ? "USD" : random.chance(0.5) ? "EUR" : "GBP";
}

template <class T>
void keep(std::vector<T>& items, std::size_t count) {
  if (items.size() > count) items.resize(count);
}

int age_band(int age) { return age < 18 ? 0 : age < 28 ? 1 : age < 41 ? 2 : age < 60 ? 3 : 4; }

int draw_age(const std::vector<std::string>& bands, Random& random) {
  constexpr std::array<std::array<int, 2>, 5> ranges{{{14, 17}, {18, 27}, {28, 40}, {41, 59}, {60, 79}}};
  const auto& names = trait_values(Trait::age);
  std::size_t band = random.below(5);
  if (!bands.empty() && random.chance(0.85)) {
    const auto found = std::find(names.begin(), names.end(), random.pick(bands));
    if (found != names.end()) band = static_cast<std::size_t>(found - names.begin());
  }
  return static_cast<int>(random.between(ranges[band][0], ranges[band][1]));
}

}  // namespace

World::World(const Lexicon& zh, const Lexicon& en, WorldOptions options)
    : options_(std::move(options)), invent_(zh, en) {
  const auto choose = [&](const Lexicon& lexicon, Side& side) {
    side.lexicon = &lexicon;
    for (const Book& book : lexicon.categories) {
      if (options_.held_out_categories.contains(book.id) == options_.held_out) side.categories.push_back(&book);
    }
    for (const Book& book : lexicon.kinds) {
      if (options_.held_out_kinds.contains(book.id) == options_.held_out) side.kinds.push_back(&book);
    }
    require(!side.categories.empty() && !side.kinds.empty(), "no category or no kind of customer is left in ",
            to_string(lexicon.language));
  };
  choose(zh, zh_);
  choose(en, en_);
}

std::string World::title(Language language, const Book& category, const std::string& brand, Random& random) const {
  if (category.titles.empty() || random.chance(0.12)) return invent_.title(language, random);
  Scope scope;
  scope.set(Slot::brand, brand);
  scope.set(Slot::model, invent_.model(language, random));
  std::string text;
  SlotMask used = 0;
  random.pick(category.titles).expand(scope, random, text, used);
  // Shops add words of their own to what a thing is called.
  if (random.chance(0.15)) text = invent_.phrase(language, random) + (language == Language::zh ? "" : " ") + text;
  return text;
}

void World::attributes(Language language, const Book& category, Product& product, Random& random) const {
  const std::size_t count = random.weighted({1, 1.5, 2, 2, 1.5, 1});
  for (const Attribute& attribute : random.sample(category.attributes, count)) {
    Scope scope;
    std::string value;
    SlotMask used = 0;
    if (attribute.values.empty() || random.chance(options_.invented_values)) {
      value = invent_.value(language, random);
    } else {
      random.pick(attribute.values).expand(scope, random, value, used);
    }
    const std::string name = random.chance(0.1) ? invent_.phrase(language, random) : attribute.name;
    const bool there = std::any_of(product.attributes.begin(), product.attributes.end(),
                                   [&](const auto& known) { return known.first == name; });
    if (!there) product.attributes.push_back({name, {value}});
  }
}

MadeProduct World::product(Language language, Random& random) const {
  // Now and then a shop's titles are in the other language.
  const Language words = random.chance(0.02) ? (language == Language::zh ? Language::en : Language::zh) : language;
  const Book& told = *random.pick(side(language).categories);
  const Book& book = words == language ? told : *random.pick(side(words).categories);

  MadeProduct made;
  made.category = words == language ? &told : nullptr;
  Product& product = made.product;
  const std::string brand = invent_.brand(words, random);
  product.title = title(words, book, brand, random);
  if (random.chance(0.8)) product.brand = brand;
  // The specific names come first in the files and oftener here.
  if (random.chance(0.8) && !book.names.empty()) {
    product.category = book.names[std::min(random.below(book.names.size()), random.below(book.names.size()))];
  }
  const std::string money = currency(language, random);
  if (random.chance(0.8)) {
    const std::string amount = draw_amount(5, language == Language::zh ? 9000 : 1500, random);
    product.price = parse_money(amount, money);
    if (random.chance(0.35)) {
      const double now = static_cast<double>(product.price->ten_thousandths()) / 1e4;
      product.compare_at_price = parse_money(draw_amount(now * 1.08 + 1, now * 1.8 + 2, random), money);
    }
  }
  attributes(words, book, product, random);
  if (random.chance(0.3)) {
    const bool zh = words == Language::zh;
    std::string text = invent_.phrase(words, random);
    if (!product.attributes.empty() && random.chance(0.5)) text += (zh ? "，" : ", ") + random.pick(product.attributes).second[0];
    if (!book.names.empty()) text += (zh ? "的" : " ") + random.pick(book.names);
    const auto& with = book.lists[static_cast<std::size_t>(List::with)];
    if (!with.empty() && random.chance(0.4)) {
      Scope scope;
      SlotMask used = 0;
      text += zh ? "，配" : " with ";
      random.pick(with).expand(scope, random, text, used);
    }
    product.description = text;
  }
  return made;
}

Event World::event(Language language, const Book* kind, Random& random) const {
  const Side& here = side(language);
  const Book* category = random.pick(here.categories);
  if (kind && !kind->buys.empty() && random.chance(0.75)) {
    const std::string& id = random.pick(kind->buys);
    for (const Book* book : here.categories) {
      if (book->id == id) category = book;
    }
  }
  Event event;
  event.category = category->names.empty() ? "" : category->names[0];
  if (event.category.empty() || random.chance(0.92)) {
    event.title = title(language, *category, invent_.brand(language, random), random);
  }
  return event;
}

MadeCustomer World::customer(Language language, Random& random) const {
  const Side& here = side(language);
  const Book& general = here.lexicon->general;
  MadeCustomer made;
  if (random.chance(0.04)) return made;  // a customer of whom nothing is known
  Customer& customer = made.customer;
  const Book* kind = random.chance(0.85) ? random.pick(here.kinds) : nullptr;

  if (kind && random.chance(0.75)) {
    made.kind = kind;
    customer.interests = random.sample(kind->interests, 1 + random.weighted({5, 2, 1}));
  }
  for (std::size_t more = random.weighted({5, 3, 1}); more > 0; --more) {
    if (random.chance(0.35)) {
      customer.interests.push_back(invent_.phrase(language, random));
    } else {
      customer.interests.push_back(random.pick(random.pick(here.kinds)->interests));
    }
  }
  customer.interests = random.sample(customer.interests, 4);
  if (random.chance(0.25)) customer.name = invent_.person(language, random);
  if (random.chance(0.45)) {
    customer.age = draw_age(kind ? kind->ages : std::vector<std::string>{}, random);
    made.traits.set(Trait::age, age_band(*customer.age));
  }
  if (random.chance(0.4)) {
    const bool male = random.chance(0.5);
    customer.gender = male ? "male" : "female";
    made.traits.set(Trait::gender, male ? 0 : 1);
  }
  if (random.chance(0.15)) {
    customer.extras["city"] = random.chance(0.7) ? random.pick(general.cities) : invent_.person(language, random);
  }
  if (random.chance(0.35)) {
    const Entry& level = random.pick(general.levels);
    SlotMask used = 0;
    level.pattern.expand({}, random, customer.member_level, used);
    Traits high;
    high.set(Trait::level, 0);
    made.traits.set(Trait::level, level.conditions.hold(high) ? 0 : 1);
  }
  if (random.chance(0.25)) {
    const bool high = random.chance(0.5);
    const double scale = language == Language::zh ? 1 : 0.15;
    customer.spend = parse_money(draw_amount((high ? 3000 : 20) * scale, (high ? 60000 : 300) * scale, random),
                                 currency(language, random));
    made.traits.set(Trait::spend, high ? 0 : 1);
  }
  if (random.chance(0.2)) {
    const bool high = random.chance(0.65);
    customer.extras["price_sensitivity"] = high ? "high" : "low";
    made.traits.set(Trait::sensitivity, high ? 0 : 1);
  }
  const auto add_events = [&](std::vector<Event>& events, double share, std::size_t most) {
    if (!random.chance(share)) return;
    for (std::size_t count = 1 + random.below(most); count > 0; --count) events.push_back(event(language, kind, random));
  };
  add_events(customer.purchases, 0.3, 2);
  add_events(customer.browsing, 0.3, 2);
  add_events(customer.cart, 0.15, 1);
  add_events(customer.favourites, 0.15, 1);
  if (random.chance(0.2)) {
    const Book& book = *random.pick(here.categories);
    Review review;
    if (book.reviews.empty() || random.chance(0.25)) {
      review.text = invent_.phrase(language, random);
    } else {
      SlotMask used = 0;
      random.pick(book.reviews).expand({}, random, review.text, used);
    }
    customer.reviews.push_back(std::move(review));
  }
  return made;
}

}  // namespace adlib::copywriter::corpus
