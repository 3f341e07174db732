#include <algorithm>

#include "campaign/publish_support.h"
#include "copywriter/collect/shopify.h"
#include "copywriter/publish/formats.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::ApprovedShop;
using adlib::test::channels;
using adlib::test::kProduct;
using adlib::test::lines_of;
using adlib::test::read_text;
using adlib::test::table_of;

TEST_CASE("push messages carry the vendor's title, or the product's cut between words", "[publish]") {
  ApprovedShop shop;
  shop.product = test::add_product(
      *shop.store, "long", {{"title", "QuietValley headphones with active noise cancelling, 500 ml"}});
  const auto user = shop.user("c-1"), other = shop.user("c-2");
  shop.approved(user, "mi-push", "正文");
  shop.approved(user, "mi-push-title", "自己的标题");
  shop.approved(user, "oppo-push", "正文二");
  shop.approved(user, "vivo-push", "正文三");
  shop.approved(user, "apns", "body");
  shop.approved(other, "huawei-push-title", "no body");
  const PublishResult result = shop.publish(shop.options("push", "push.jsonl"));
  CHECK(result.items == 4);
  CHECK(result.copies == 5);
  std::map<std::string, io::Json> lines;
  for (const io::Json& line : lines_of(shop.file("push.jsonl"))) lines[line.at("channel")] = line;
  CHECK(lines.at("mi-push").at("title") == "自己的标题");
  CHECK(lines.at("oppo-push").at("title") == "QuietValley headphones with");
  CHECK(lines.at("vivo-push").at("title") == "QuietValley headphones with active noise");
  CHECK(lines.at("apns").at("payload").at("aps").at("alert").at("body") == "body");
  // Another vendor's text later: only that one.
  shop.approved(user, "huawei-push", "正文四");
  CHECK(shop.publish(shop.options("push", "later.jsonl")).items == 1);
  CHECK(lines_of(shop.file("later.jsonl")).at(0).at("channel") == "huawei-push");
}

TEST_CASE("names are cut where a word ends", "[publish]") {
  const auto cut = [](const char* text, std::int64_t limit) {
    ChannelField channel;
    channel.limit = limit;
    return cut_to_fit(text, channel);
  };
  CHECK(cut("静谷 Q2 降噪耳机", 20) == "静谷 Q2 降噪耳机");
  CHECK(cut("静谷 Q2 降噪耳机", 6) == "静谷 Q2");
  CHECK(cut("静谷 Q2 降噪耳机", 4) == "静谷");
  CHECK(cut("tea, cups", 4) == "tea");
  CHECK(cut("noise-cancelling", 9).empty());
  CHECK(cut("Green tea 500 ml tin", 13) == "Green tea");
  CHECK(cut("抽纸100抽12包", 5) == "抽纸");
  CHECK(cut("Unbelievable", 5).empty());
  CHECK(cut(" a\nb ", 9) == "a b");
}

TEST_CASE("texts over the limit of their channel are refused by name, or left out", "[publish]") {
  ApprovedShop shop;
  const auto repeat = [](const char* text, int times) {
    std::string all;
    while (times-- > 0) all += text;
    return all;
  };
  const auto [target, channel, text, says] =
      GENERATE_COPY(table<std::string, std::string, std::string, std::string>(
          {{"push", "mi-push", repeat("好", 129), "129 characters, at most 128"},
           {"push", "huawei-push", repeat("好", 1025), "at most 1024"},
           {"push", "oppo-push", repeat("好", 201), "at most 200"},
           {"push", "vivo-push", repeat("好", 51), "at most 50"},
           {"push", "apns", repeat("好", 1350), "payload for Apple has 41"},
           {"sms", "sms-1", repeat("好", 71), "at most 1"},
           {"sms", "sms-gsm7", "好", "GSM 7-bit"},
           {"email", "email-body", std::string("a\x01"), "control character"},
           {"sms", "sms-1", "a\xff", "not UTF-8"}}));
  CAPTURE(channel);
  const auto bad = shop.approved(shop.user("c-1"), channel, text);
  shop.approved(shop.user("c-2"), channel, "fine");
  PublishOptions options = shop.options(target, "out");
  const std::string error = test::error_of([&, &wanted = options] { shop.publish(wanted); });
  CHECK_THAT(error, Catch::Contains(says) && Catch::Contains("copy " + std::to_string(bad)));
  const auto out = shop.file("out");
  CHECK((!std::filesystem::is_directory(out) || std::filesystem::is_empty(out)));
  CHECK(shop.publications() == 0);
  options.skip_unfit = true;
  const PublishResult result = shop.publish(options);
  CHECK(result.items == 1);
  CHECK(result.unfit.size() == 1);
}

TEST_CASE("a Shopify file is read back by the reader of Shopify's exports", "[publish]") {
  ApprovedShop shop;
  shop.approved(std::nullopt, "meta-description", "第一段 <b>&\"'。\n第二行\n\n<script>alert(1)</script>");
  shop.approved(std::nullopt, "meta-title", "静谷 Q2");
  shop.approved(std::nullopt, "google-description", "续航30小时");
  CHECK(shop.publish(shop.options("shopify", "products.csv")).items == 1);
  const std::string text = read_text(shop.file("products.csv"));
  CHECK(text.find("<script>") == std::string::npos);
  std::istringstream in(text);
  CsvTable table(in, "products.csv");
  REQUIRE(is_shopify_export(table));
  const auto products = products_of_shopify_export(table, "products.csv", "CNY");
  REQUIRE(products.size() == 1);
  CHECK(products[0].id == "q2");
  CHECK(products[0].title == "静谷 Q2 降噪耳机");
  CHECK(products[0].description == "第一段 <b>&\"'。 第二行 <script>alert(1)</script>");
  CHECK(products[0].extras.at("SEO Title") == "静谷 Q2");
  CHECK(products[0].extras.at("SEO Description") == "续航30小时");
  CHECK(table_of(text).at(0).at("Body (HTML)") ==
        "<p>第一段 "
        "&lt;b&gt;&amp;&quot;&#39;。<br>\n第二行</p>\n<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n");
}

TEST_CASE("a Shopify file never empties what the shop has", "[publish]") {
  ApprovedShop shop;
  shop.approved(std::nullopt, "meta-title", "静谷 Q2");
  CHECK_THAT(test::error_of([&] { shop.publish(shop.options("shopify", "products.csv")); }),
             Catch::Contains("product 'q2': has a description in the shop but no approved text"));
  shop.approved(std::nullopt, "meta-description", "新的");
  test::add_copy(*shop.store, {.user = std::nullopt, .product = shop.product, .run = shop.run});
  const auto english = test::add_copy(*shop.store, {.user = std::nullopt,
                                                    .product = shop.product,
                                                    .run = shop.run,
                                                    .text = "New",
                                                    .channel = "meta-description",
                                                    .language = "en",
                                                    .status = "ready"});
  const std::array ids{english};
  approve(*shop.store, ids, {"editor"});
  CHECK_THAT(test::error_of([&] { shop.publish(shop.options("shopify", "products.csv")); }),
             Catch::Contains("give --language"));
  PublishOptions options = shop.options("shopify", "products.csv");
  options.languages = {"en"};
  CHECK(shop.publish(options).items == 1);
}

TEST_CASE("an advertisement has 3 to 15 headlines and 2 to 4 descriptions, all different", "[publish]") {
  ApprovedShop shop;
  const int headlines = GENERATE(2, 3, 17), descriptions = GENERATE(1, 2, 5);
  CAPTURE(headlines, descriptions);
  for (int i = 0; i < headlines; ++i)
    shop.approved(std::nullopt, "google-headline", "静谷 Q2 标题" + std::to_string(i),
                  "a" + std::to_string(i));
  shop.approved(std::nullopt, "google-headline", "静谷 Q2 标题0", "same");
  for (int i = 0; i < descriptions; ++i)
    shop.approved(std::nullopt, "google-description", "描述" + std::to_string(i), "a" + std::to_string(i));
  const PublishOptions options = shop.options("google-ads", "ads.csv");
  if (headlines < 3 || descriptions < 2) {
    CHECK_THAT(
        test::error_of([&] { shop.publish(options); }),
        Catch::Contains("product 'q2'") &&
            Catch::Contains(headlines < 3
                                ? "2 different approved texts of google-headline (zh), expected 3 to 15"
                                : "1 different approved texts of google-description (zh), expected 2 to 4"));
    return;
  }
  const PublishResult result = shop.publish(options);
  CHECK(result.items == 1);
  CHECK(result.copies == std::min(headlines, 15) + std::min(descriptions, 4));
  const auto rows = table_of(read_text(options.output));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("Headline 1") == "静谷 Q2 标题0");
  CHECK(rows[0].at("Headline 3") == "静谷 Q2 标题2");
  CHECK(rows[0].at("Headline 15") == (headlines > 14 ? "静谷 Q2 标题14" : ""));
  CHECK(rows[0].at("Description 4") == (descriptions > 3 ? "描述3" : ""));
  CHECK(rows[0].at("Final URL") == "https://shop.example/q2");
  CHECK(shop.publish(options).before == 1);
}

TEST_CASE("an advertisement holds nothing that Google replaces, and nothing too wide", "[publish]") {
  ApprovedShop shop;
  const auto [text, says] = GENERATE(table<std::string, std::string>(
      {{"{KeyWord:耳机}", "holds { or }"}, {"这是一个超过三十个显示列宽度的标题啊", "at most 30"}}));
  for (int i = 0; i < 3; ++i)
    shop.approved(std::nullopt, "google-headline", "标题" + std::to_string(i), std::to_string(i));
  for (int i = 0; i < 2; ++i)
    shop.approved(std::nullopt, "google-description", "描述" + std::to_string(i), std::to_string(i));
  shop.approved(std::nullopt, "google-headline", text, "bad");
  CHECK_THAT(test::error_of([&] { shop.publish(shop.options("google-ads", "ads.csv")); }),
             Catch::Contains(says));
}

TEST_CASE("a catalogue for Meta is whole, or says what a product lacks", "[publish]") {
  ApprovedShop shop;
  const auto [field, says] =
      GENERATE(table<std::string, std::string>({{"", ""},
                                                {"brand", "has no brand"},
                                                {"price", "has no price"},
                                                {"currency", "has no price with a currency"},
                                                {"images", "has no image"},
                                                {"link", "has no address"},
                                                {"availability", "has no availability"},
                                                {"condition", "has no condition"}}));
  io::Json record = kProduct;
  if (!field.empty()) record.erase(field);
  shop.product = test::add_product(*shop.store, "p", record);
  shop.approved(std::nullopt, "meta-title", "静谷 Q2");
  shop.approved(std::nullopt, "meta-description", "安静的一天。");
  PublishOptions options = shop.options("meta", "meta.csv");
  if (!field.empty()) {
    CHECK_THAT(test::error_of([&, &wanted = options] { shop.publish(wanted); }),
               Catch::Contains("product 'p': " + says));
    if (field == "link" || field == "availability" || field == "condition") {
      options.format.link_prefix = "https://shop.example/products/";
      options.format.availability = "in stock";
      options.format.condition = "new";
      CHECK(shop.publish(options).items == 1);
    } else if (field == "images") {  // a table's own column
      record["id"] = "p";
      record["image_link"] = "https://shop.example/q2-front.jpg";
      shop.store->prepare("UPDATE product SET record = ? WHERE shop_id = 'p'").run(record.dump());
      CHECK(shop.publish(options).items == 1);
      CHECK(table_of(read_text(options.output)).at(0).at("image_link") ==
            "https://shop.example/q2-front.jpg");
    }
    return;
  }
  CHECK(shop.publish(options).items == 1);
  const auto rows = table_of(read_text(options.output));
  REQUIRE(rows.size() == 1);
  const std::map<std::string, std::string> wanted = {{"id", "p"},
                                                     {"title", "静谷 Q2"},
                                                     {"description", "安静的一天。"},
                                                     {"availability", "in stock"},
                                                     {"condition", "new"},
                                                     {"price", "399.00 CNY"},
                                                     {"link", "https://shop.example/q2"},
                                                     {"image_link", "https://shop.example/q2.jpg"},
                                                     {"brand", "静谷"}};
  CHECK(rows[0] == wanted);
}

TEST_CASE("the shop's own words are held against the rules where no text stands for them", "[publish]") {
  const auto [target, channel, field, words, says] =
      GENERATE_COPY(table<std::string, std::string, std::string, std::string, std::string>(
          {{"meta", "meta-title", "description", "全国第一的耳机，根治耳鸣。", "its description would be"},
           {"meta", "meta-description", "title", "全国第一 降噪耳机", "its title would be"},
           {"xiaohongshu", "xiaohongshu-note", "title", "全国第一 降噪耳机", "its title would be"},
           {"xiaohongshu", "xiaohongshu-note", "title", std::string(60, 'x'), "has no title that fits"}}));
  CAPTURE(target, field);
  ApprovedShop shop;
  io::Json record = kProduct;
  record[field] = words;
  shop.product = test::add_product(*shop.store, "p", record);
  shop.approved(std::nullopt, channel, "安静的一天。");
  PublishOptions options = shop.options(target, "out");
  options.rules = test::rules_dir();
  CHECK_THAT(test::error_of([&, &wanted = options] { shop.publish(wanted); }), Catch::Contains(says));
  CHECK(shop.publications() == 0);
}

TEST_CASE("titles for Taobao and 小红书 keep their limits", "[publish]") {
  ApprovedShop shop;
  shop.approved(std::nullopt, "taobao-title", "静谷 Q2 降噪耳机 头戴式");
  shop.approved(std::nullopt, "xiaohongshu-note", "安静的一天。\n第二行");
  CHECK(shop.publish(shop.options("taobao", "taobao.csv")).items == 1);
  CHECK(shop.publish(shop.options("xiaohongshu", "notes.jsonl")).items == 1);
  const auto rows = table_of(read_text(shop.file("taobao.csv")));
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].at("商品ID") == "q2");
  CHECK(rows[0].at("标题") == "静谷 Q2 降噪耳机 头戴式");
  const auto lines = lines_of(shop.file("notes.jsonl"));
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].at("title") == "静谷 Q2 降噪耳机");
  CHECK(lines[0].at("note") == "安静的一天。\n第二行");
}

}  // namespace
