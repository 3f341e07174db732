#include <set>

#include "copywriter/write/write_copy.h"
#include "support.h"
#include "support/files.h"

using namespace adlib;
using namespace adlib::copywriter;

namespace {

std::filesystem::path copywriter_dir() { return test::source_dir() / "examples/copywriter"; }
std::filesystem::path demo(const char* name) { return copywriter_dir() / "demo" / name; }

Template prompt_template(Language language, Scene scene) {
  return load_template(copywriter_dir() / "templates", language, scene);
}

}  // namespace

TEST_CASE("The demo begins with the canonical customer and has each field alone", "[copywriter][demo]") {
  const auto path = demo("customers.jsonl");
  const std::string text = test::read_text(path);
  CHECK(text.substr(0, text.find('\n')) == test::kCanonicalCustomer);
  std::set<std::string> alone;
  std::istringstream lines(text);
  io::for_each_json_line(lines, "demo", [&](io::Json&& object, std::int64_t) {
    object.erase("id");
    object.erase("currency");
    if (object.size() == 1) alone.insert(object.begin().key());
  });
  CHECK(alone == std::set<std::string>{"age", "browsing", "cart", "favourites", "gender", "interests",
                                       "member_level", "name", "purchases", "reviews", "spend"});
  CHECK(read_customers(path).size() == 15);
}

TEST_CASE("The demo's products are the same from JSON Lines and from CSV", "[copywriter][demo]") {
  const auto lines = read_products(demo("products.jsonl"));
  const auto cells = read_products(demo("products.csv"));
  REQUIRE(lines.size() == 7);
  REQUIRE(cells.size() == 6);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    INFO(cells[i].id);
    CHECK(template_record(cells[i], Language::zh).fields["attributes"] ==
          template_record(lines[i], Language::zh).fields["attributes"]);
    for (const char* field : {"id", "title", "brand", "category", "price", "description", "tags"}) {
      CHECK(template_record(cells[i], Language::en).fields[field] ==
            template_record(lines[i], Language::en).fields[field]);
    }
  }
}

TEST_CASE("Every template renders every demo customer with every demo product", "[copywriter][demo]") {
  const auto customers = read_customers(demo("customers.jsonl"));
  const auto products = read_products(demo("products.jsonl"));
  std::size_t prompts = 0;
  for (const Language language : {Language::zh, Language::en}) {
    for (const Scene scene : all_scenes()) {
      const Template prompt = prompt_template(language, scene);
      CHECK(prompt.extra_fields().empty());
      std::set<std::string> distinct;
      for (const Customer& customer : customers) {
        for (const Product& product : products) {
          const std::string text =
              prompt.render(template_record(customer, language), template_record(product, language));
          INFO(prompt.where() << " for " << customer.id << " × " << product.id << "\n" << text);
          CHECK(text.find_first_of("{}") == std::string::npos);
          CHECK(text.find("\n\n") == std::string::npos);
          CHECK(text.find(product.title) != std::string::npos);
          CHECK((text.ends_with("：") || text.ends_with(":")));
          distinct.insert(text);
          ++prompts;
        }
      }
      CHECK(distinct.size() >= 3 * products.size());
    }
  }
  CHECK(prompts == 1050);
}

TEST_CASE("The recommendation prompts use each field of a customer", "[copywriter][demo]") {
  const auto language = GENERATE(Language::zh, Language::en);
  const Template prompt = prompt_template(language, Scene::recommendation);
  const Product product = read_products(demo("products.jsonl")).front();
  std::set<std::string> distinct;
  const auto customers = read_customers(demo("customers.jsonl"));
  for (const Customer& customer : customers) {
    distinct.insert(prompt.render(template_record(customer, language), template_record(product, language)));
  }
  CHECK(distinct.size() == customers.size());
}

TEST_CASE("The canonical prompt recommends a product that suits the canonical customer",
          "[copywriter][demo]") {
  const Template zh = prompt_template(Language::zh, Scene::recommendation);
  const auto first_line = [&](const std::string& customer_line, const std::string& product_line) {
    std::istringstream customer(customer_line), product(product_line);
    const std::string text = zh.render(template_record(read_customers(customer, "c").front(), Language::zh),
                                       template_record(read_products(product, "p").front(), Language::zh));
    return text.substr(0, text.find('\n'));
  };
  const std::string earphones = R"({"id":"p","title":"静谷 Q2","category":"耳机"})";
  CHECK(first_line(test::kCanonicalCustomer, earphones) ==
        "推荐一款适合喜欢科技、游戏、电影的25岁男性顾客的耳机产品。");
  CHECK(first_line("{}", R"({"id":"p","title":"T","category":"电子产品"})") ==
        "推荐一款适合顾客的电子产品。");
  CHECK(first_line("{}", R"({"id":"p","title":"静谷 Q2"})") == "推荐一款适合顾客的产品。");
}
