#include "copywriter/write/privacy.h"

#include <algorithm>
#include <array>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/shop/fields.h"

namespace adlib::copywriter {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMinors = "minors";

// Other names under which files tell a person's age, gender and means, as plain_name() writes them.
constexpr std::array<std::pair<std::string_view, std::string_view>, 31> kOtherNames{{
    {"birthday", "age"},
    {"birthdate", "age"},
    {"dateofbirth", "age"},
    {"dob", "age"},
    {"birthyear", "age"},
    {"yearofbirth", "age"},
    {"agegroup", "age"},
    {"agerange", "age"},
    {"ageband", "age"},
    {"年龄", "age"},
    {"年龄段", "age"},
    {"生日", "age"},
    {"出生日期", "age"},
    {"出生年份", "age"},
    {"sex", "gender"},
    {"pronouns", "gender"},
    {"salutation", "gender"},
    {"honorific", "gender"},
    {"性别", "gender"},
    {"称谓", "gender"},
    {"pricesensitivity", "finance"},
    {"spending", "finance"},
    {"income", "finance"},
    {"salary", "finance"},
    {"creditscore", "finance"},
    {"消费金额", "finance"},
    {"价格敏感度", "finance"},
    {"收入", "finance"},
    {"年收入", "finance"},
    {"月收入", "finance"},
    {"工资", "finance"},
}};

std::vector<fs::path> sensitive_files(const fs::path& rules) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(rules / "privacy", error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with("sensitive-") && name.ends_with(".toml")) files.push_back(at->path());
  }
  if (files.empty()) {
    fail(ErrorCode::not_found, (rules / "privacy" / "sensitive-*.toml").string(),
         ": there is no such file, and without it nobody can tell what is sensitive about a customer; copy "
         "the folder privacy of adlib's own rules");
  }
  std::sort(files.begin(), files.end());
  return files;
}

// All that an extra field says, a line each: names count, too ("religion": "none").
void add_words(const io::Json& value, std::string& words) {
  if (value.is_string()) {
    words += value.get_ref<const std::string&>() + "\n";
  } else if (value.is_array()) {
    for (const io::Json& item : value) add_words(item, words);
  } else if (value.is_object()) {
    for (const auto& [name, inner] : value.items()) {
      words += name + "\n";
      add_words(inner, words);
    }
  }
}

std::string words_of(const std::string& name, const io::Json& value) {
  std::string words = name + "\n";
  std::replace(words.begin(), words.end(), '_', ' ');
  add_words(value, words);
  return words;
}

std::string words_of(const Event& event) { return event.title + "\n" + event.category + "\n" + event.brand; }

std::string_view class_of_name(const std::string& name) {
  const std::string plain = plain_name(name);
  for (const auto& [other, of_class] : kOtherNames) {
    if (plain == other) return of_class;
  }
  return "";
}

}  // namespace

Privacy::Privacy(const fs::path& rules, const std::set<std::string>& allowed) {
  std::vector<PhraseSource> phrases;
  for (const fs::path& file : sensitive_files(rules)) {
    RulePack pack = RulePack::read(file);
    for (Rule& rule : pack.rules) {
      std::string name = rule.id.substr(rule.id.find('/') + 1);
      const bool is_allowed = allowed.contains(name);
      phrases.insert(phrases.end(), rule.phrases.begin(), rule.phrases.end());
      classes_.push_back({std::move(name), is_allowed, std::move(rule)});
    }
  }
  any_ = PhraseMatcher(phrases);

  const std::vector<std::string> known = names();
  std::string listed;
  for (const std::string& name : known) listed += (listed.empty() ? "" : ", ") + name;
  for (const std::string& name : allowed) {
    require(name != kMinors, "minors cannot be allowed: of a person under 18 nothing is used");
    require(std::find(known.begin(), known.end(), name) != known.end(), "'", name,
            "' is nothing that can be allowed, expected of: ", listed);
  }
  age_ = allowed.contains("age");
  gender_ = allowed.contains("gender");
  finance_ = allowed.contains("finance");
}

std::vector<std::string> Privacy::names() const {
  std::set<std::string> names{"age", "gender", "finance"};
  for (const Class& one : classes_) names.insert(one.name);
  names.erase(std::string(kMinors));
  return {names.begin(), names.end()};
}

const Privacy::Class* Privacy::forbidding(std::string_view text, std::vector<std::string>& unspoken) const {
  const FoldedText folded(text);
  if (any_.empty() || !any_.found_in(folded)) return nullptr;
  for (const Class& one : classes_) {
    for (const Range where : one.rule.breaches(folded)) {
      if (!one.allowed) return &one;
      unspoken.emplace_back(text.substr(where.begin, where.end - where.begin));
    }
  }
  return nullptr;
}

Customer Privacy::permitted(Customer customer) const {
  bool minor = customer.age && *customer.age < kAdult;
  if (minor || !customer.personalised) return unpersonalised(customer);

  // What is looked at and bought for a child tells nothing of the buyer's own age.
  const std::set<std::string> events{"browsing", "favourites", "cart", "purchases"};
  const auto withheld = [&](const std::string& field, const std::string& text) {
    std::vector<std::string> words;
    const Class* why = forbidding(text, words);
    if (why) {
      customer.withheld.emplace(field, why->name == kMinors ? "" : why->name);
      minor = minor || (why->name == kMinors && !events.contains(field));
    } else {
      customer.unspoken.insert(customer.unspoken.end(), words.begin(), words.end());
    }
    return why != nullptr;
  };
  if (customer.age && !age_) {
    customer.age.reset();
    customer.withheld["age"] = "age";
  }
  if (!customer.gender.empty() && !gender_) {
    customer.gender.clear();
    customer.withheld["gender"] = "gender";
  }
  if (customer.spend && !finance_) {
    customer.spend.reset();
    customer.withheld["spend"] = "finance";
  }
  if (withheld("member_level", customer.member_level)) customer.member_level.clear();
  std::erase_if(customer.interests, [&](const std::string& text) { return withheld("interests", text); });
  for (const auto& [name, list] :
       {std::pair("browsing", &customer.browsing), std::pair("favourites", &customer.favourites),
        std::pair("cart", &customer.cart), std::pair("purchases", &customer.purchases)}) {
    const std::string field = name;
    std::erase_if(*list, [&](const Event& event) { return withheld(field, words_of(event)); });
  }
  std::erase_if(customer.reviews, [&](const Review& review) {
    return withheld("reviews", review.text + "\n" + review.product);
  });
  for (auto at = customer.extras.begin(); at != customer.extras.end();) {
    const std::string name = at.key(), of_class(class_of_name(name));
    const bool by_name = (of_class == "age" && !age_) || (of_class == "gender" && !gender_) ||
                         (of_class == "finance" && !finance_);
    const bool by_words =
        withheld(name, words_of(name, at.value()));  // also of a field whose name withholds it
    if (by_name) customer.withheld.insert_or_assign(name, of_class);
    at = by_name || by_words ? customer.extras.erase(at) : std::next(at);
  }
  if (minor) return unpersonalised(customer);
  return customer;
}

}  // namespace adlib::copywriter
