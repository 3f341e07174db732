// What of a person copy may be made of, and that nothing else changes with the person.
#include "copywriter/write/privacy.h"

#include <algorithm>
#include <map>

#include "copywriter/corpus/example.h"
#include "copywriter/write/write_copy.h"
#include "corpus_support.h"
#include "support.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::message_of;
using adlib::test::TempDir;
using Names = std::set<std::string>;
using List = std::vector<std::string>;

namespace {

// Rules of two classes, so that these tests do not hang on the phrases of adlib's own.
class SmallRules {
 public:
  SmallRules() {
    std::filesystem::create_directories(dir_ / "privacy");
    test::write_text(dir_ / "privacy/sensitive-xx.toml", R"([pack]
id = "sensitive-xx"
title = "t"
version = "2026-11-30"
languages = ["zh", "en"]
sources = []

[[rule]]
id = "health"
level = "caution"
basis = "b"
message = "m"
phrases = ["糖尿病", "insulin"]
except = ["预防糖尿病日"]
bad = ["糖尿病"]
good = ["茶"]

[[rule]]
id = "belief"
level = "caution"
basis = "b"
message = "m"
phrases = ["religion", "寺院"]
bad = ["寺院"]
good = ["茶"]

[[rule]]
id = "minors"
level = "caution"
basis = "b"
message = "m"
phrases = ["小学生"]
bad = ["小学生"]
good = ["茶"]
)");
  }
  Privacy allowing(const Names& names) const { return {dir_.path(), names}; }

 private:
  TempDir dir_;
};

const SmallRules& small_rules() {
  static const SmallRules small;
  return small;
}

Customer customer(const std::string& line) { return test::customers_from(line + "\n").at(0); }
Customer permitted(const std::string& line, const Names& names = {}) {
  return small_rules().allowing(names).permitted(customer(line));
}

Product lamp() { return test::products_from(R"({"id":"p","title":"Lamp","price":"9.90"})").at(0); }

// What a prompt without a brief says, field by field.
std::multimap<std::string, std::string> fields(const Product& product, const Customer& customer,
                                               Language language) {
  std::multimap<std::string, std::string> all;
  for (const PromptField& field : tagged_prompt({language, {}, {}, {}}, product, customer))
    all.emplace(field.tag, field.text);
  return all;
}

}  // namespace

TEST_CASE("Age, gender and spending are used only when they are allowed", "[privacy]") {
  const std::string line =
      R"({"id":"c","name":"N","age":30,"gender":"female","spend":"99","price_sensitivity":"high","city":"杭州",)"
      R"("birth_date":"1996-01-02","Sex":"f","income":1000,"first_name":"Jo"})";
  const Customer without = permitted(line);
  CHECK(without.id == "c");
  CHECK(without.name == "N");
  CHECK_FALSE(without.age.has_value());
  CHECK(without.gender.empty());
  CHECK_FALSE(without.spend.has_value());
  CHECK(without.extras == io::Json({{"city", "杭州"}, {"first_name", "Jo"}}));
  CHECK(without.personalised);
  CHECK(without.withheld == std::map<std::string, std::string>{{"age", "age"},
                                                               {"gender", "gender"},
                                                               {"spend", "finance"},
                                                               {"price_sensitivity", "finance"},
                                                               {"birth_date", "age"},
                                                               {"Sex", "gender"},
                                                               {"income", "finance"}});
  const Customer with = permitted(line, {"age", "gender", "finance"});
  CHECK(with.age == 30);
  CHECK(with.gender == "female");
  CHECK(with.spend->amount == "99");
  CHECK(with.extras == customer(line).extras);
  CHECK(with.withheld.empty());
}

TEST_CASE("A field that tells something sensitive is dropped whole", "[privacy]") {
  const std::string line =
      R"({"interests":["茶","糖 尿 病 食谱","预防糖尿病日"],"browsing":["Insulin cooler bag","Lamp"],)"
      R"("favourites":[{"category":"寺院用品"},"小学生书包"],"cart":[{"title":"Lamp","brand":"Insulin & Co"}],)"
      R"("purchases":[{"title":"insulins"}],"reviews":["Kept my insulin cool.",{"text":"good","product":"糖尿病饼干"},)"
      R"("fine"],"member_level":"寺院之友","religion":"none","about_me":{"notes":["a","寺院"]},"tier":{"x":1}})";
  const Customer without = permitted(line);
  CHECK(without.interests == List{"茶", "预防糖尿病日"});
  REQUIRE(without.browsing.size() == 1);
  CHECK(without.browsing[0].title == "Lamp");
  CHECK(without.favourites.empty());
  CHECK(without.cart.empty());
  CHECK(without.purchases.size() == 1);  // a word is a whole word
  REQUIRE(without.reviews.size() == 1);
  CHECK(without.reviews[0].text == "fine");
  CHECK(without.extras == io::Json({{"tier", {{"x", 1}}}}));
  CHECK(without.unspoken.empty());
  CHECK(without.withheld == std::map<std::string, std::string>{{"interests", "health"},
                                                               {"browsing", "health"},
                                                               {"favourites", "belief"},
                                                               {"cart", "health"},
                                                               {"reviews", "health"},
                                                               {"member_level", "belief"},
                                                               {"religion", "belief"},
                                                               {"about_me", "belief"}});
}

TEST_CASE("What an allowed class lets through may not be said", "[privacy]") {
  const std::string line = R"({"interests":["糖 尿 病 食谱","茶"],"reviews":["寺院里的糖尿病饼干"]})";
  const Customer one = permitted(line, {"health"});
  CHECK(one.interests.size() == 2);
  CHECK(one.reviews.empty());
  CHECK(one.withheld == std::map<std::string, std::string>{{"reviews", "belief"}});
  CHECK(one.unspoken == List{"糖 尿 病"});
  const Customer both = permitted(line, {"health", "belief"});
  CHECK(both.reviews.size() == 1);
  CHECK(both.withheld.empty());
  CHECK(both.unspoken == List{"糖 尿 病", "糖尿病", "寺院"});
}

TEST_CASE("A field whose name withholds it still tells that a person is under 18", "[privacy]") {
  Customer customer;
  customer.id = "c";
  customer.interests = {"tea"};
  customer.extras = {{"age_group", "under 18"}};
  const Customer left = Privacy(test::source_dir() / "examples/copywriter/rules", {}).permitted(customer);
  CHECK_FALSE(left.personalised);
  CHECK(left.interests.empty());
}

TEST_CASE("Of minors and of those who opted out only the id is left", "[privacy]") {
  const char* line = GENERATE(R"({"id":"c","age":17,"name":"N","interests":["茶"],"gender":"m"})",
                              R"({"id":"c","age":0,"name":"N","interests":["茶"]})",
                              R"({"id":"c","age":40,"name":"N","interests":["茶"],"personalised":false})",
                              R"({"id":"c","name":"N","interests":["茶","小学生的数学"]})",
                              R"({"id":"c","name":"N","reviews":["我是小学生"],"age":30})",
                              R"({"id":"c","name":"N","spend":9,"city":"杭州","opt_out":true})");
  const Customer left = permitted(line, {"age", "gender", "finance", "health", "belief"});
  CHECK_FALSE(left.personalised);
  CHECK(left.id == "c");
  CHECK(left.source.text() == "customers.jsonl:1");
  for (const Language language : {Language::zh, Language::en}) {
    CHECK(to_text(tagged_prompt({language, {}, {}, {}}, lamp(), left)) ==
          to_text(tagged_prompt({language, {}, {}, {}}, lamp(), Customer{})));
    CHECK(template_record(left, language).fields == io::Json({{"id", "c"}}));
  }
  CHECK(permitted(R"({"age":18,"name":"N"})").personalised);
}

TEST_CASE("A template that needs what is withheld is told how to get it", "[privacy]") {
  const auto error = [&](const std::string& line, const std::string& text, const Names& names = {}) {
    const Template prompt("\n" + text, "t.txt", Language::zh);
    const auto product = template_record(lamp(), Language::zh);
    return message_of([&] { prompt.render(template_record(permitted(line, names), Language::zh), product); });
  };
  CHECK(
      error(R"({"id":"c","age":30})", "{{customer.age}}") ==
      "customers.jsonl:1: field 'age' is withheld, as the campaign does not allow it, but the template uses "
      "it (t.txt:2:1); give --allow age, or put what needs it between {{#customer.age}} and "
      "{{/customer.age}}");
  CHECK_THAT(error(R"({"interests":["糖尿病"]})", "{{customer.interests}}"),
             ContainsSubstring("give --allow health, or put"));
  CHECK_THAT(error(R"({"purchases":["insulin"]})", "{{customer.purchases.title}}"),
             ContainsSubstring("field 'purchases.title' is withheld") && ContainsSubstring("--allow health"));
  CHECK_THAT(error(R"({"cart":["小学生书包"]})", "{{customer.cart}}"),
             ContainsSubstring("uses it (t.txt:2:1); put what"));
  CHECK_THAT(error(R"({"id":"c"})", "{{customer.age}}"), ContainsSubstring("is missing"));
  CHECK_THAT(error(R"({"name":"N","personalised":false})", "{{customer.name}}"),
             ContainsSubstring("is withheld, as all of a person who opted out or is under 18") &&
                 ContainsSubstring("(t.txt:2:1); put what needs it between {{#customer.name}}"));
  const Template section("{{#customer.age}}{{customer.age}}{{/customer.age}}a", "t.txt", Language::zh);
  const auto render = [&](const Names& names) {
    return section.render(template_record(permitted(R"({"age":30})", names), Language::zh),
                          template_record(lamp(), Language::zh));
  };
  CHECK(render({}) == "a");
  CHECK(render({"age"}) == "30a");
}

TEST_CASE("A section on a field that is withheld is no misspelt one", "[privacy]") {
  Customer one = permitted(R"({"agee":"糖尿病"})");
  REQUIRE(one.withheld.contains("agee"));
  Templates templates;
  templates.emplace(std::pair(Language::zh, Scene::recommendation),
                    Template("a{{#customer.agee}}b{{/customer.agee}}", "t.txt", Language::zh));
  const std::vector<Customer> customers{one};
  const std::vector<Product> products{lamp()};
  CHECK(CopyJobs(customers, products, templates, {}).size() == 1);
}

TEST_CASE("Names that cannot be allowed, and rules that are not there, are refused", "[privacy]") {
  CHECK(message_of([] {
          small_rules().allowing({"age", "healt"});
        }) == "'healt' is nothing that can be allowed, expected of: age, belief, finance, gender, health");
  CHECK_THAT(message_of([] { small_rules().allowing({"minors"}); }),
             ContainsSubstring("minors cannot be allowed: of a person under 18 nothing is used"));
  CHECK(small_rules().allowing({"belief"}).names() == List{"age", "belief", "finance", "gender", "health"});
  const TempDir dir;
  CHECK_THAT(message_of([&] { Privacy(dir.path(), {}); }),
             ContainsSubstring("sensitive-*.toml: there is no such file"));
}

TEST_CASE("adlib's own rules know the classes that privacy laws name", "[privacy]") {
  const List names = Privacy(test::rules_dir(), {}).names();
  for (const char* name : {"age", "belief", "finance", "gender", "health"}) {
    INFO(name);
    CHECK(std::find(names.begin(), names.end(), name) != names.end());
  }
  const Privacy none(test::rules_dir(), {});
  for (const char* interest : {"糖尿病", "佛教", "diabetes", "Buddhism"}) {
    INFO(interest);
    CHECK(none.permitted(customer(io::Json({{"interests", {interest}}}).dump())).interests.empty());
  }
}

// Swaps what must not matter: the gender, and an adult's age with another adult's.
TEST_CASE("Over 500 pairs in each language, gender and age change nothing unless they are allowed",
          "[privacy]") {
  const Language language = GENERATE(Language::zh, Language::en);
  const auto maker = test::example_maker(corpus::read_held_out(test::corpus_dir() / "corpus.txt"));
  const Privacy none(test::rules_dir(), {}), both(test::rules_dir(), {"age", "gender"});
  const std::set<std::string> swapped{"<|age|>", "<|gender|>"};
  int differ = 0, kept = 0, dropped = 0;
  for (std::uint64_t i = 0; i < 500; ++i) {
    const corpus::Example example = maker.make(7, i, language);
    const Product& product = example.product.product;
    Customer one = example.customer.customer;
    one.age = 18 + static_cast<int>(i % 70);
    if (one.gender != "male") one.gender = "female";
    Customer other = one;
    other.age = 18 + static_cast<int>((i * 31 + 17) % 70);
    other.gender = one.gender == "male" ? "female" : "male";

    const auto prompt = [&](const Privacy& privacy, const Customer& person) {
      return to_text(tagged_prompt(example.brief, product, privacy.permitted(person)));
    };
    const std::string ours = prompt(none, one);
    REQUIRE(ours == prompt(none, other));
    for (const char* tag : {"<|age|>", "<|gender|>", "<|spend|>", "<|prices|>"})
      REQUIRE(ours.find(tag) == std::string::npos);

    auto first = fields(product, both.permitted(one), language);
    auto second = fields(product, both.permitted(other), language);
    differ += first != second ? 1 : 0;
    for (const std::string& tag : swapped) {
      REQUIRE(first.erase(tag) == 1);
      REQUIRE(second.erase(tag) == 1);
    }
    REQUIRE(first == second);
    // Nor does anything else of the person change what is said of the product and its price.
    const auto of_nobody = fields(product, Customer{}, language);
    for (const auto& [tag, text] : of_nobody) REQUIRE(first.count(tag) == of_nobody.count(tag));
    for (const auto& [tag, text] : of_nobody) {
      const auto [begin, end] = first.equal_range(tag);
      REQUIRE(std::any_of(begin, end, [&, t = text](const auto& field) { return field.second == t; }));
    }
    const Customer left = none.permitted(one);
    kept += static_cast<int>(left.interests.size() + left.purchases.size() + left.browsing.size());
    dropped += static_cast<int>(one.interests.size() + one.purchases.size() + one.browsing.size()) -
               static_cast<int>(left.interests.size() + left.purchases.size() + left.browsing.size());
  }
  CHECK(differ == 500);
  // The corpus's people are ordinary: rules that find much in them find what is not there.
  INFO(dropped << " of " << kept + dropped << " interests and events were dropped");
  CHECK(dropped * 50 < kept);
}
