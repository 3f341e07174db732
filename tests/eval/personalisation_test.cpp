// Whether copy depends on the customer, and can be given back to the right one.
#include <string>
#include <vector>

#include "adlib/eval/personalisation.h"
#include "support/catch.h"
#include "support/error_of.h"

namespace adlib {
namespace {

using eval::CustomerValues;
using Copies = std::vector<std::vector<std::string>>;
using Matched = std::vector<std::size_t>;

const std::vector<CustomerValues>& customers() {
  static const std::vector<CustomerValues> four = {
      {"25", "科技", "游戏"}, {"34", "露营装备", "徒步"}, {"hiking", "coffee"}, {"科技", "茶叶"}};
  return four;
}

TEST_CASE("without_values leaves what is neither value nor punctuation", "[eval]") {
  const auto without = [](const char* text, CustomerValues values) {
    return eval::without_values(text, values);
  };
  CHECK(without("爱科技、爱游戏的你，25岁。", {"25", "科技", "游戏"}) == "爱爱的你岁");
  CHECK(without("Hiking boots for a hiker", {"hiking"}) == "bootsforahiker");
  CHECK(without("茶叶", {"茶", "茶叶"}).empty());          // longer values first
  CHECK(without("a1b", {"1"}) == "a1b");                   // not whole
  CHECK(without("甲丙丁乙", {"丙丁", "甲乙"}) == "甲乙");  // what is left does not join to a new value
  CHECK(without("原样", {"", " "}) == "原样");
}

TEST_CASE("the matcher weighs terms by how few customers have them", "[eval]") {
  CHECK(eval::match_customer("为游戏而生的耳机", customers()) == Matched{0});
  CHECK(eval::match_customer("去露营，去山里", customers()) == Matched{1});  // 露营 of 露营装备
  CHECK(eval::match_customer("Coffee first", customers()) == Matched{2});
  CHECK(eval::match_customer("茶叶与科技", customers()) == Matched{3});
  CHECK(eval::match_customer("什么都没有", customers()) == Matched{0, 1, 2, 3});
  const std::vector<CustomerValues> some = {{"科技"}, {"科技", "茶叶"}};
  const std::vector<CustomerValues> narrow = {{"茶叶"}, {"茶叶", "咖啡", "红酒"}, {"手机"}};
  // What is said often but known of all weighs nothing; who is known for little else fits better.
  CHECK(eval::match_customer("科技科技科技，茶叶", some) == Matched{1});
  CHECK(eval::match_customer("茶叶", narrow) == Matched{0});
  const std::vector<CustomerValues> alike(3, CustomerValues{"科技"});
  CHECK(eval::match_customer("科技", alike) == Matched{0, 1, 2});  // what all have says nothing
  CHECK(eval::match_customer("科技", {}).empty());
}

TEST_CASE("copies that only repeat the customers' words do not differ, and still tell whose they are",
          "[eval]") {
  Copies copies(2);
  for (auto& row : copies) {
    row = {"爱游戏的你，值得拥有", "爱徒步的你，值得拥有", "爱coffee的你，值得拥有",
           "爱茶叶的你，值得拥有！"};
  }
  const eval::Personalisation result = eval::personalisation(copies, customers());
  CHECK(result.products == 2);
  CHECK(result.products_differ == 0);
  CHECK(result.pairs_differ == 0);
  CHECK(result.values_used == 1);
  CHECK(result.matched == 8);
  CHECK(result.match_accuracy == 1);
}

TEST_CASE("one copy for all is matched by chance", "[eval]") {
  const Copies copies = {{"好茶", "好茶", "好茶", "好茶"}};
  const eval::Personalisation result = eval::personalisation(copies, customers());
  CHECK(result.products_differ == 0);
  CHECK(result.match_accuracy == 0.25);
  CHECK(result.values_used == 0);
}

TEST_CASE("copies that differ in their own words count by product and by pair", "[eval]") {
  const Copies copies = {{"甲", "甲", "甲", "乙"}, {"甲", "乙", "丙", "丁"}, {"甲", "甲", "甲", "甲"}};
  const eval::Personalisation result = eval::personalisation(copies, customers());
  CHECK(result.products_differ == Approx(2.0 / 3));
  CHECK(result.pairs_differ == Approx((3.0 + 6 + 0) / 18));
}

TEST_CASE("a value of one customer in the copy of another makes no difference", "[eval]") {
  const Copies copies = {{"科技好物", "好物", "好物", "好物"}};
  CHECK(eval::personalisation(copies, customers()).products_differ == 0);
}

TEST_CASE("swapping two customers' copies misleads the matcher; a rest below four is not matched", "[eval]") {
  const Copies right = {{"游戏", "徒步", "coffee", "茶叶"}}, swapped = {{"徒步", "游戏", "coffee", "茶叶"}};
  CHECK(eval::personalisation(right, customers()).match_accuracy == 1);
  CHECK(eval::personalisation(swapped, customers()).match_accuracy == 0.5);
  std::vector<CustomerValues> six = customers();
  six.push_back({"瑜伽"});
  six.push_back({"咖啡"});
  const Copies more = {{"游戏", "徒步", "coffee", "茶叶", "无", "无"}};
  const eval::Personalisation result = eval::personalisation(more, six);
  CHECK(result.matched == 4);
  CHECK(result.match_accuracy == 1);
  const Copies two = {{"a", "b"}};
  CHECK(eval::personalisation(two, std::span(customers()).first(2)).matched == 0);
}

TEST_CASE("personalisation refuses what it cannot compare", "[eval]") {
  const Copies ragged = {{"a", "b", "c"}};
  CHECK_THAT(test::error_of([&] { eval::personalisation(ragged, customers()); }),
             ContainsSubstring("3 copies, expected one for each of 4 customers"));
  CHECK_THAT(test::error_of([&] { eval::personalisation({}, customers()); }),
             ContainsSubstring("0 products"));
  CHECK_THAT(test::error_of([&] { eval::personalisation(ragged, std::span(customers()).first(1)); }),
             ContainsSubstring("1 customers"));
}

}  // namespace
}  // namespace adlib
