#include "copywriter/corpus/compose.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include "copywriter/corpus/invent.h"
#include "copywriter/shop/hash.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter::corpus {
namespace {

constexpr int kAttempts = 30;  // a draft that repeats itself or lacks the name is drawn again

// The fields that go into sentences as they are; interests and facts are chosen among.
constexpr std::array<std::pair<std::string_view, Slot>, 14> kSlotOfTag{{{"<|product|>", Slot::name},
                                                                        {"<|brand|>", Slot::brand},
                                                                        {"<|category|>", Slot::category},
                                                                        {"<|price|>", Slot::price},
                                                                        {"<|was|>", Slot::was},
                                                                        {"<|about|>", Slot::about},
                                                                        {"<|customer|>", Slot::customer},
                                                                        {"<|city|>", Slot::city},
                                                                        {"<|level|>", Slot::level},
                                                                        {"<|bought|>", Slot::bought},
                                                                        {"<|viewed|>", Slot::viewed},
                                                                        {"<|cart|>", Slot::cart},
                                                                        {"<|saved|>", Slot::saved},
                                                                        {"<|review|>", Slot::review}}};

// Which tone suits whom, where nobody asked for one.
std::string_view draw_tone(const Traits& traits, const Book* kind, Random& random) {
  const auto& tones = trait_values(Trait::tone);
  std::vector<double> weights(tones.size(), 1.0);
  const auto raise = [&](std::initializer_list<std::string_view> suitable) {
    for (std::size_t i = 0; i < tones.size(); ++i) {
      if (std::find(suitable.begin(), suitable.end(), tones[i]) != suitable.end()) weights[i] += 6;
    }
  };
  if (traits.is(Trait::age, "teen") || traits.is(Trait::age, "young")) raise({"playful", "energetic"});
  if (traits.is(Trait::age, "adult") || traits.is(Trait::age, "senior")) raise({"warm", "plain"});
  if (traits.is(Trait::age, "middle")) raise({"plain", "elegant"});
  if (traits.is(Trait::level, "high") || traits.is(Trait::spend, "high")) raise({"elegant"});
  if (traits.is(Trait::sensitivity, "high")) raise({"plain"});
  if (kind && (kind->id == "tech" || kind->id == "photographer" || kind->id == "gamer")) raise({"expert"});
  if (kind && (kind->id == "fitness" || kind->id == "hiker")) raise({"energetic"});
  return tones[random.weighted(weights)];
}

// What ends a clause.
const std::vector<std::string_view>& clause_marks(Language language) {
  static const std::vector<std::string_view> zh{"，", "。", "！", "？", "；", "："};
  static const std::vector<std::string_view> en{", ", ". ", "! ", "? ", "; ", ": "};
  return language == Language::zh ? zh : en;
}

using Roles = std::vector<Role>;

// The order of sentences: what a channel has room for, what the scene asks for.
Roles plan(const Traits& traits, bool customer_is_known, const Scope& scope, Random& random) {
  const auto maybe = [&](double share) { return random.chance(share); };
  Roles roles;
  const auto add = [&](Role role, double share = 1) {
    if (maybe(share)) roles.push_back(role);
  };
  switch (static_cast<Channel>(traits[Trait::channel])) {
    case Channel::push:
    case Channel::banner:
      if (maybe(0.7)) return {Role::whole};
      add(Role::open, 0.6);
      add(Role::name);
      if (roles.size() == 1) add(Role::link);
      break;
    case Channel::sms:
      if (maybe(0.3)) return {Role::whole};
      add(Role::open, 0.4);
      add(Role::name);
      add(Role::link, 0.8);
      add(Role::close, 0.25);
      break;
    case Channel::chat:
      add(Role::open, 0.75);
      add(Role::name);
      add(Role::fact, 0.5);
      add(Role::link);
      add(Role::close, 0.6);
      break;
    case Channel::feed:
      add(Role::open, 0.75);
      add(Role::name);
      add(Role::use, 0.8);
      add(Role::fact, 0.4);
      add(Role::link);
      add(Role::close, 0.75);
      break;
    case Channel::email:
      add(Role::open, 0.8);
      add(Role::name);
      add(Role::fact);
      add(Role::link);
      add(Role::fact, 0.5);
      add(Role::use, 0.5);
      add(Role::close, 0.8);
      break;
    case Channel::detail:
      add(Role::open, 0.5);
      add(Role::name);
      add(Role::fact);
      add(Role::use, 0.8);
      add(Role::fact, 0.7);
      add(Role::about, 0.4);
      add(Role::link);
      add(Role::fact, 0.3);
      add(Role::close, 0.3);
      break;
  }
  if (scope.has(Slot::about) && roles.size() > 2 && maybe(0.3)) roles.insert(roles.begin() + 2, Role::about);
  if (scope.has(Slot::price) && maybe(traits.is(Trait::scene, "promotion") ? 0.9 : 0.2)) {
    const auto close = std::find(roles.begin(), roles.end(), Role::close);
    roles.insert(close, Role::offer);
  }
  // Now and then the customer comes right behind the product, or twice.
  const auto link = std::find(roles.begin(), roles.end(), Role::link);
  const auto name = std::find(roles.begin(), roles.end(), Role::name);
  if (link != roles.end() && maybe(0.25)) std::rotate(name + 1, link, link + 1);
  if (customer_is_known && roles.size() > 3 && maybe(0.3)) roles.push_back(Role::link);
  return roles;
}

}  // namespace

bool repeats_itself(const std::string& text, Language language) {
  std::vector<std::string> units;
  if (language == Language::zh) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t start = at;
      if (next_code_point(text, at) > U' ') units.push_back(text.substr(start, at - start));
    }
  } else {
    std::string word;
    for (const char c : text + " ") {
      if (std::isalnum(static_cast<unsigned char>(c)) != 0 || static_cast<unsigned char>(c) >= 0x80 ||
          c == '\'') {
        word += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      } else if (!word.empty()) {
        units.push_back(std::move(word));
        word.clear();
      }
    }
  }
  std::set<std::string> seen;
  for (std::size_t i = 0; i + 4 <= units.size(); ++i) {
    std::string four;
    for (std::size_t j = i; j < i + 4; ++j) four += units[j] + '\n';
    if (!seen.insert(std::move(four)).second) return true;
  }
  return false;
}

// One attempt at a copy.
class Composer::Draft {
 public:
  Draft(const Lexicon& lexicon, const TaggedPrompt& prompt, const Book* category, const Book* kind,
        const Traits& traits, Random& random)
      : lexicon_(lexicon), category_(category), kind_(kind), traits_(traits), random_(random) {
    read(prompt);
    for (std::size_t i = 0; i < kLists; ++i) {
      const auto* list = &lexicon.general.lists[i];
      if (category_ && !category_->lists[i].empty()) list = &category_->lists[i];
      if (kind_ && !kind_->lists[i].empty()) list = &kind_->lists[i];
      if (!list->empty()) scope_.lists[i] = list;
    }
  }

  /// Nothing when a draft fails.
  std::optional<std::string> write() {
    const bool known = (scope_.there & kCustomerSlots) != 0 || kind_;
    for (const Role role : plan(traits_, known, scope_, random_)) add(role);
    if ((used_ & mask(Slot::name)) == 0) return std::nullopt;
    if (repeats_itself(text_, lexicon_.language)) return std::nullopt;
    return text_;
  }

  /// Whether a field of the customer's stands behind the first clause of what write() gave.
  bool says_own_later() const { return own_later_; }

 private:
  struct Fact {
    std::string name, value;
  };

  void read(const TaggedPrompt& prompt) {
    std::vector<std::string> interests;
    const auto set = [&](Slot slot, const std::string& text) {
      if (!scope_.has(slot) || random_.chance(0.5)) scope_.set(slot, text);  // either of two purchases
    };
    for (const PromptField& field : prompt) {
      const std::string text(trim(field.text));
      const std::string_view tag = field.tag;
      for (const auto& [of, slot] : kSlotOfTag) {
        if (tag == of) set(slot, text);
      }
      if (tag == "<|interest|>") interests.push_back(text);
      if (tag == "<|fact|>") {
        const std::string colon = lexicon_.language == Language::zh ? "：" : ": ";
        const std::size_t at = text.find(colon);
        if (at != std::string::npos) facts_.push_back({text.substr(0, at), text.substr(at + colon.size())});
      }
    }
    interests = random_.sample(interests, interests.size());
    // The kind's own sentences need an interest of the kind.
    if (kind_) {
      const auto own = std::find_if(interests.begin(), interests.end(), [&](const std::string& interest) {
        return std::find(kind_->interests.begin(), kind_->interests.end(), interest) !=
               kind_->interests.end();
      });
      if (own == interests.end()) {
        kind_ = nullptr;
      } else {
        std::iter_swap(interests.begin(), own);
      }
    }
    if (!interests.empty()) scope_.set(Slot::interest, interests[0]);
    if (interests.size() > 1) scope_.set(Slot::interest2, interests[1]);
    // A brand that the title begins with would be said twice.
    if (scope_[Slot::name].find(scope_[Slot::brand]) != std::string::npos) scope_.there &= ~mask(Slot::brand);
    facts_ = random_.sample(facts_, facts_.size());
  }

  // How well an entry suits this customer: sentences that ask for more say more, and each age and gender has
  // sentences that it is given oftener, so that customers of whom little is known do not all read the same.
  double weight(const Entry& entry) const {
    const auto taste = StableHash()
                           .add(entry.pattern.text())
                           .add(static_cast<std::uint64_t>(traits_[Trait::age] + 1))
                           .add(static_cast<std::uint64_t>(traits_[Trait::gender] + 1))
                           .value();
    return (1 + 1.5 * entry.conditions.count()) * (taste % 3 == 0 ? 3 : 1);
  }

  // Adds one of the book's sentences for which `suits` holds; false when there is none, or no book.
  template <class Suits>
  bool say_from(const Book* book, Role role, const Suits& suits) {
    if (!book) return false;
    std::vector<double> weights;
    std::vector<const Entry*> candidates;
    for (const Entry& entry : book->of(role)) {
      const bool possible = entry.conditions.hold(traits_) && entry.pattern.possible(scope_);
      if (!possible || said_.contains(&entry) || !suits(entry)) continue;
      candidates.push_back(&entry);
      weights.push_back(weight(entry));
    }
    if (candidates.empty()) return false;
    const Entry& entry = *candidates[random_.weighted(weights)];
    said_.insert(&entry);
    std::string sentence;
    SlotMask used = 0;
    entry.pattern.expand(scope_, random_, sentence, used);
    own_later_ = own_later_ || own_behind_clause(sentence, used & kCustomerSlots);
    used_ |= used;
    scope_.there &= ~used;  // nothing is said twice
    if (lexicon_.language == Language::en) {
      text_ += ' ';
      // A name stays as the shop writes it, also where it begins a sentence.
      const bool name = (used & mask(Slot::name)) != 0 && sentence.starts_with(scope_[Slot::name]);
      if (!name) sentence = capitalised(std::move(sentence));
    }
    text_ += sentence;
    return true;
  }

  // Whether one of these fields stands in a sentence that is not the first, or in the first behind a mark.
  bool own_behind_clause(const std::string& sentence, SlotMask fields) const {
    if (!text_.empty()) return fields != 0;
    for (std::size_t i = 0; i < kSlots; ++i) {
      if ((fields & mask(static_cast<Slot>(i))) == 0) continue;
      const std::string_view before = std::string_view(sentence).substr(0, sentence.find(scope_.slots[i]));
      const auto& marks = clause_marks(lexicon_.language);
      if (std::any_of(marks.begin(), marks.end(),
                      [&](std::string_view mark) { return before.find(mark) != before.npos; })) {
        return true;
      }
    }
    return false;
  }

  // From the book of the kind or of the category as often as these shares say, else from the general one;
  // from whichever has a sentence that fits, when that one has none.
  template <class Suits>
  bool say(Role role, double kind_share, double category_share, const Suits& suits) {
    const Book* general = &lexicon_.general;
    std::vector<const Book*> books;
    if (random_.chance(kind_share)) books.push_back(kind_);
    if (random_.chance(category_share)) books.push_back(category_);
    books.insert(books.end(), {general, category_, kind_});
    return std::any_of(books.begin(), books.end(),
                       [&](const Book* book) { return say_from(book, role, suits); });
  }

  static bool any(const Entry&) { return true; }
  static bool personal(const Entry& entry) {
    return (entry.pattern.needs() & kCustomerSlots) != 0 || entry.conditions.on_customer();
  }

  void add(Role role) {
    // The product's name waits for the sentence that presents it.
    const bool presents = role == Role::name || role == Role::whole;
    const SlotMask waiting = presents ? 0 : scope_.there & mask(Slot::name);
    scope_.there &= ~waiting;
    switch (role) {
      case Role::name:
        add_name();
        break;
      case Role::fact:
        add_fact();
        break;
      case Role::link:
        add_link();
        break;
      case Role::use:
        say(role, 0.2, 0.8, any);
        break;
      case Role::open:
      case Role::whole:
        add_personal(role);
        break;
      case Role::close:
        say(role, 0.25, 0.55, any);
        break;
      default:
        say_from(&lexicon_.general, role, any);
        break;
    }
    scope_.there |= waiting;
  }

  void add_name() {
    const auto names_it = [](const Entry& entry) { return (entry.pattern.needs() & mask(Slot::name)) != 0; };
    if (random_.chance(0.1) && say_from(category_, Role::use, names_it)) return;
    say(Role::name, 0.25, 0.6, names_it);
  }

  void add_fact() {
    if (facts_.empty()) return;
    const Fact fact = facts_.back();
    facts_.pop_back();
    scope_.set(Slot::fact, fact.name);
    scope_.set(Slot::value, fact.value);
    const auto of_this = [&](const Entry& entry) { return entry.fact == fact.name; };
    const auto of_any = [](const Entry& entry) { return entry.fact.empty(); };
    const bool said = random_.chance(0.9) && say_from(category_, Role::fact, of_this);
    if (!said) say_from(&lexicon_.general, Role::fact, of_any);
    scope_.there &= ~(mask(Slot::fact) | mask(Slot::value));
  }

  // Oftener than not a sentence that holds something of the customer's own.
  void add_personal(Role role) {
    const double share = role == Role::whole ? 0.85 : 0.4;
    if (random_.chance(share) && say(role, 0.35, 0.5, personal)) return;
    say(role, 0.35, 0.5, any);
  }

  void add_link() {
    // First what it is about, then how it is said: fields with many sentences do not crowd out the others.
    std::vector<Slot> slots;
    for (const Slot slot : {Slot::interest, Slot::interest2, Slot::bought, Slot::viewed, Slot::cart,
                            Slot::saved, Slot::review, Slot::level, Slot::city}) {
      if (scope_.has(slot)) slots.push_back(slot);
    }
    if (kind_ && scope_.has(Slot::interest)) slots.push_back(Slot::interest);
    const bool member = traits_.is(Trait::scene, "member") && scope_.has(Slot::level);
    if (member && random_.chance(0.8)) slots = {Slot::level};
    if (!slots.empty() && !random_.chance(0.1)) {
      const Slot slot = random_.pick(slots);
      const auto about_it = [&](const Entry& entry) { return (entry.pattern.needs() & mask(slot)) != 0; };
      if (say(Role::link, 0.4, 0.5, about_it)) return;
    }
    const auto of_kind = [](const Entry& entry) {
      return (entry.pattern.needs_lists() & (mask(List::doing) | mask(List::care) | mask(List::place))) != 0;
    };
    if (kind_ && say(Role::link, 0.5, 0.4, of_kind)) return;
    say(Role::link, 0.3, 0.4, personal);
  }

  const Lexicon& lexicon_;
  const Book* category_;
  const Book* kind_;
  const Traits& traits_;
  Random& random_;
  Scope scope_;
  std::vector<Fact> facts_;
  std::set<const Entry*> said_;
  SlotMask used_ = 0;
  bool own_later_ = false;
  std::string text_;
};

std::string Composer::compose(const TaggedPrompt& prompt, const Book* category, const Book* kind,
                              Traits traits, Random& random) const {
  for (const PromptField& field : prompt) {
    if (field.tag == "<|scene|>") traits.set(Trait::scene, trim(field.text));
    if (field.tag == "<|channel|>") traits.set(Trait::channel, trim(field.text));
    if (field.tag == "<|tone|>") traits.set(Trait::tone, trim(field.text));
  }
  if (!traits.known(Trait::scene)) traits.set(Trait::scene, random.pick(trait_values(Trait::scene)));
  // Where a copy goes is not said: of middle length, as people expect.
  if (!traits.known(Trait::channel)) {
    traits.set(Trait::channel, random.chance(0.5) ? "chat" : random.chance(0.5) ? "feed" : "detail");
  }
  if (!traits.known(Trait::tone)) traits.set(Trait::tone, draw_tone(traits, kind, random));
  std::string copy;  // stays empty for a product whose own name repeats itself
  for (int attempt = 0, drafts = 0; attempt < kAttempts && drafts < drafts_; ++attempt) {
    Draft draft(lexicon_, prompt, category, kind, traits, random);
    std::optional<std::string> text = draft.write();
    if (!text) continue;
    copy = std::move(*text);
    if (draft.says_own_later()) break;
    ++drafts;
  }
  return copy;
}

}  // namespace adlib::copywriter::corpus
