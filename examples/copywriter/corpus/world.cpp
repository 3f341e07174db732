#include "copywriter/corpus/world.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "adlib/core/error.h"
#include "copywriter/shop/lines.h"

namespace adlib::copywriter::corpus {
namespace {

// As shops price: between `low` and `high` evenly by order of magnitude, ending in .00, .90, .50 and so on.
std::string draw_amount(double low, double high, Random& random) {
  const auto whole =
      static_cast<std::int64_t>(std::exp(std::log(low) + random.unit() * std::log(high / low)));
  const std::array<const char*, 6> ends{".00", ".90", ".00", ".50", ".99", ".80"};
  return std::to_string(whole) + (random.chance(0.7) ? ends[random.below(ends.size())] : ".00");
}

std::string currency(Language language, Random& random) {
  if (language == Language::zh) return "CNY";
  return random.chance(0.7) ? "USD" : random.chance(0.5) ? "EUR" : "GBP";
}

Money price(double low, double high, const std::string& currency, Random& random) {
  return *parse_money(draw_amount(low, high, random), currency);
}

constexpr std::array<std::array<int, 2>, 5> kAgeBands{{{14, 17}, {18, 27}, {28, 40}, {41, 59}, {60, 79}}};

std::string_view age_band(int age) {
  std::size_t band = 0;
  while (band + 1 < kAgeBands.size() && age > kAgeBands[band][1]) ++band;
  return trait_values(Trait::age)[band];
}

int draw_age(const std::vector<std::string>& bands, Random& random) {
  std::size_t band = random.below(kAgeBands.size());
  if (!bands.empty() && random.chance(0.85)) {
    const auto& names = trait_values(Trait::age);
    band =
        static_cast<std::size_t>(std::find(names.begin(), names.end(), random.pick(bands)) - names.begin());
  }
  return static_cast<int>(random.between(kAgeBands[band][0], kAgeBands[band][1]));
}

const char* high_or_low(bool high) { return high ? "high" : "low"; }

}  // namespace

WorldOptions read_held_out(const std::filesystem::path& file) {
  WorldOptions options;
  read_lines(file, [&](const std::string& line, const std::string& where) {
    const std::vector<std::string_view> words = split(line, ' ');
    if (words.size() != 2 || (words[0] != "category" && words[0] != "kind")) {
      fail(ErrorCode::bad_format, where, ": expected 'category NAME' or 'kind NAME', got '", line, "'");
    }
    (words[0] == "category" ? options.held_out_categories : options.held_out_kinds).emplace(words[1]);
  });
  return options;
}

World::World(const Lexicon& zh, const Lexicon& en, WorldOptions options)
    : options_(std::move(options)), invent_(zh, en) {
  const auto choose = [&](const Lexicon& lexicon, Side& side) {
    side.lexicon = &lexicon;
    const auto select = [&](const std::vector<Book>& books, const std::set<std::string>& held_out,
                            const char* what) {
      std::vector<const Book*> chosen;
      for (const Book& book : books) {
        if (held_out.contains(book.id) == options_.held_out) chosen.push_back(&book);
      }
      for (const std::string& id : held_out) {
        const bool there =
            std::any_of(books.begin(), books.end(), [&](const Book& book) { return book.id == id; });
        if (!there) {
          fail(ErrorCode::not_found, "corpus: the ", what, " '", id, "', which is held out, is not in ",
               to_string(lexicon.language));
        }
      }
      require(!chosen.empty(), "corpus: no ", what, " is left in ", to_string(lexicon.language));
      return chosen;
    };
    side.categories = select(lexicon.categories, options_.held_out_categories, "category");
    side.kinds = select(lexicon.kinds, options_.held_out_kinds, "kind of customer");
  };
  choose(zh, zh_);
  choose(en, en_);
}

std::string World::title(Language language, const Book& category, const std::string& brand,
                         Random& random) const {
  if (category.titles.empty() || random.chance(0.12)) return invent_.title(language, random);
  Scope scope;
  scope.set(Slot::brand, brand);
  scope.set(Slot::model, invent_.model(language, random));
  std::string text = random.pick(category.titles).expand(scope, random);
  // Shops add words of their own to what a thing is called.
  if (random.chance(0.15))
    text = invent_.phrase(language, random) + (language == Language::zh ? "" : " ") + text;
  return text;
}

void World::attributes(Language language, const Book& category, Product& product, Random& random) const {
  const std::size_t count = random.weighted({1.5, 2, 2.5, 1.5, 0.7, 0.3});
  for (const Attribute& attribute : random.sample(category.attributes, count)) {
    const bool invented = attribute.values.empty() || random.chance(options_.invented_values);
    const std::string value =
        invented ? invent_.value(language, random) : random.pick(attribute.values).expand({}, random);
    const std::string name = random.chance(0.1) ? invent_.phrase(language, random) : attribute.name;
    const bool there = std::any_of(product.attributes.begin(), product.attributes.end(),
                                   [&](const auto& known) { return known.first == name; });
    if (!there) product.attributes.push_back({name, {value}});
  }
}

MadeProduct World::product(Language language, Random& random) const {
  // Now and then a shop's titles are in the other language.
  const Language words =
      random.chance(0.02) ? (language == Language::zh ? Language::en : Language::zh) : language;
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
    product.price = price(5, language == Language::zh ? 9000 : 1500, money, random);
    if (random.chance(0.35)) {
      const double now = static_cast<double>(product.price->ten_thousandths()) / 1e4;
      product.compare_at_price = price(now * 1.08 + 1, now * 1.8 + 2, money, random);
    }
  }
  attributes(words, book, product, random);
  if (random.chance(0.22)) product.description = description(words, book, product, random);
  return made;
}

std::string World::description(Language language, const Book& category, const Product& product,
                               Random& random) const {
  const bool zh = language == Language::zh;
  std::string text = invent_.phrase(language, random);
  if (!product.attributes.empty() && random.chance(0.5)) {
    text += (zh ? "，" : ", ") + random.pick(product.attributes).second[0];
  }
  if (!category.names.empty()) text += (zh ? "的" : " ") + random.pick(category.names);
  const auto& with = category.lists[static_cast<std::size_t>(List::with)];
  if (!with.empty() && random.chance(0.4))
    text += (zh ? "，配" : " with ") + random.pick(with).expand({}, random);
  return text;
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
    customer.gender = random.chance(0.5) ? "male" : "female";
    made.traits.set(Trait::gender, customer.gender);
  }
  if (random.chance(0.15)) {
    customer.extras["city"] =
        random.chance(0.7) ? random.pick(general.cities) : invent_.person(language, random);
  }
  if (random.chance(0.35)) {
    const Entry& level = random.pick(general.levels);
    customer.member_level = level.pattern.expand({}, random);
    Traits high;
    high.set(Trait::level, "high");
    made.traits.set(Trait::level, high_or_low(level.conditions.hold(high)));
  }
  if (random.chance(0.25)) {
    const bool high = random.chance(0.5);
    const double scale = language == Language::zh ? 1 : 0.15;
    const std::string money = currency(language, random);
    customer.spend = price((high ? 3000 : 20) * scale, (high ? 60000 : 300) * scale, money, random);
    made.traits.set(Trait::spend, high_or_low(high));
  }
  if (random.chance(0.2)) {
    const char* const sensitivity = high_or_low(random.chance(0.65));
    customer.extras["price_sensitivity"] = sensitivity;
    made.traits.set(Trait::sensitivity, sensitivity);
  }
  const auto add_events = [&](std::vector<Event>& events, double share) {
    if (!random.chance(share)) return;
    for (int count = random.chance(0.25) ? 2 : 1; count > 0; --count) {
      events.push_back(event(language, kind, random));
    }
  };
  add_events(customer.purchases, 0.24);
  add_events(customer.browsing, 0.24);
  add_events(customer.cart, 0.12);
  add_events(customer.favourites, 0.12);
  if (random.chance(0.18)) {
    const Book& book = *random.pick(here.categories);
    Review review;
    const bool invented = book.reviews.empty() || random.chance(0.25);
    review.text = invented ? invent_.phrase(language, random) : random.pick(book.reviews).expand({}, random);
    customer.reviews.push_back(std::move(review));
  }
  return made;
}

std::string World::words(Language language, Random& random) const {
  std::string text;
  const std::size_t parts = 1 + random.below(4);
  for (std::size_t i = 0; i < parts; ++i) {
    if (i > 0)
      text += language == Language::zh ? (random.chance(0.5) ? "，" : "") : (random.chance(0.5) ? ", " : " ");
    switch (random.weighted({3, 2, 1.5, 1.5, 1})) {
      case 0:
        text += invent_.title(language, random);
        break;
      case 1:
        text += invent_.phrase(language, random);
        break;
      case 2:
        text += invent_.brand(language, random);
        break;
      case 3:
        text += invent_.value(language, random);
        break;
      default:
        text += invent_.model(language, random);
        break;
    }
  }
  return text;
}

}  // namespace adlib::copywriter::corpus
