#include "copywriter/write/prompt.h"

#include <algorithm>

#include "adlib/tokenizer/sentencepiece.h"
#include "adlib/tokenizer/sentencepiece_trainer.h"
#include "copywriter/shop/text.h"
#include "support.h"
#include "tokenizer/hostile_text.h"

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::HostileText;
using adlib::test::message_of;

namespace {

using Fields = std::vector<std::string>;

const Product kNoProduct;  // all fields missing
const Customer kNoCustomer;

// A small vocabulary of the shipped model's kind, with or without its tags.
std::shared_ptr<const Tokenizer> train_tokenizer(std::vector<std::string> tags) {
  const std::vector<std::string> texts{
      "忙了一天，给自己留一段安静。静谷 Q2 降噪耳机，399元。",
      " You like trail running, so Brel Air 3 came to mind. $89.50",
      "recommendation promotion member social ad push sms email chat feed detail banner"};
  std::size_t at = 0;
  const auto next = [&](std::string& text) {
    if (at == texts.size()) return false;
    text = texts[at++];
    return true;
  };
  return sentencepiece_from_bytes(train_sentencepiece(next, {.vocab_size = 430, .tags = std::move(tags)}));
}

const Tokenizer& tokenizer() {
  static const auto trained = train_tokenizer({prompt_tags().begin(), prompt_tags().end()});
  return *trained;
}

Fields lines(const TaggedPrompt& prompt) {
  Fields all;
  for (const PromptField& field : prompt) all.push_back(concat(field.tag, field.text));
  return all;
}
Fields lines(const Brief& brief, const Product& product, const Customer& customer = kNoCustomer) {
  return lines(tagged_prompt(brief, product, customer));
}

// The text of the field of a product with only that title.
std::string title_field(const std::string& title, Language language = Language::zh) {
  Product product;
  product.title = title;
  for (const PromptField& field : tagged_prompt({language, {}, {}, {}}, product, kNoCustomer)) {
    if (field.tag == "<|product|>") return field.text;
  }
  return "no field";
}

std::string about_field(const std::string& description) {
  Product product;
  product.description = description;
  for (const PromptField& field : tagged_prompt({Language::zh, {}, {}, {}}, product, kNoCustomer)) {
    if (field.tag == "<|about|>") return field.text;
  }
  return "no field";
}

Product headphones() {
  Product product;
  product.title = "静谷 Q2 降噪耳机";
  product.brand = "静谷";
  product.category = "耳机";
  product.price = parse_money("399.00", "CNY");
  product.compare_at_price = parse_money("499", "CNY");
  product.attributes = {{"续航", {"36小时"}}, {"颜色", {"雾灰", "深蓝"}}};
  product.description = "戴上以后，车厢安静了。另有三色。";
  return product;
}

Customer full_customer() {
  Customer customer;
  customer.name = "小满";
  customer.age = 31;
  customer.gender = "female";
  customer.extras = {{"city", "杭州"}, {"price_sensitivity", "high"}};
  customer.member_level = "金卡";
  customer.spend = parse_money("1280.50", "CNY");
  customer.interests = {"徒步", "摄影"};
  const auto event = [](const std::string& title) {
    Event made;
    made.title = title;
    return made;
  };
  customer.purchases = {event("旧的"), event("登山杖"), event("保温杯")};
  customer.browsing = {event("帐篷")};
  customer.cart = {event("袜子"), event("头灯")};
  customer.favourites = {event("相机包")};
  customer.reviews = {{"旧评价", {}, "", {}}, {"鞋底很稳，下雨也不怕。下次还来", {}, "", {}}};
  return customer;
}

// Everything that comes from outside, set to one text.
std::pair<Product, Customer> filled_with(const std::string& text) {
  Product product;
  product.title = product.brand = product.category = product.description = text;
  product.attributes = {{text, {text, text}}};
  Customer customer;
  customer.name = customer.member_level = text;
  customer.extras = {{"city", text}, {"price_sensitivity", text}};
  customer.interests = {text};
  Event event;
  event.title = text;
  customer.purchases = customer.browsing = customer.cart = customer.favourites = {event};
  customer.reviews = {{text, {}, "", {}}};
  return {product, customer};
}

}  // namespace

TEST_CASE("A prompt tells the brief, the product and the customer, in the order of the tags",
          "[copywriter][prompt]") {
  const Brief brief{Language::zh, Scene::promotion, Channel::push, Tone::warm};
  const TaggedPrompt prompt = tagged_prompt(brief, headphones(), full_customer());
  CHECK(lines(prompt) == Fields{"<|zh|>",
                                "<|scene|>promotion",
                                "<|channel|>push",
                                "<|tone|>warm",
                                "<|product|>静谷 Q2 降噪耳机",
                                "<|brand|>静谷",
                                "<|category|>耳机",
                                "<|price|>399元",
                                "<|was|>499元",
                                "<|fact|>续航：36小时",
                                "<|fact|>颜色：雾灰、深蓝",
                                "<|about|>戴上以后，车厢安静了",
                                "<|customer|>小满",
                                "<|age|>31",
                                "<|gender|>female",
                                "<|city|>杭州",
                                "<|level|>金卡",
                                "<|spend|>1280.50元",
                                "<|prices|>high",
                                "<|interest|>徒步",
                                "<|interest|>摄影",
                                "<|bought|>保温杯",
                                "<|bought|>登山杖",
                                "<|viewed|>帐篷",
                                "<|cart|>头灯",
                                "<|saved|>相机包",
                                "<|review|>鞋底很稳，下雨也不怕",
                                "<|copy|>"});
  std::size_t last = 0;
  for (const PromptField& field : prompt) {
    const auto found = std::find(prompt_tags().begin(), prompt_tags().end(), field.tag);
    REQUIRE(found != prompt_tags().end());
    CHECK(static_cast<std::size_t>(found - prompt_tags().begin()) >= last);
    last = static_cast<std::size_t>(found - prompt_tags().begin());
  }
}

TEST_CASE("In English every field begins with a space", "[copywriter][prompt]") {
  Product product;
  product.title = "Brel Air 3";
  product.price = parse_money("89.5", "USD");
  product.attributes = {{"Colour", {"slate", "navy"}}};
  product.description = "Warm, even at 2.5 degrees. Also in navy.";
  CHECK(lines({Language::en, Scene::ad, {}, {}}, product) ==
        Fields{"<|en|>", "<|scene|> ad", "<|product|> Brel Air 3", "<|price|> $89.50",
               "<|fact|> Colour: slate, navy", "<|about|> Warm, even at 2.5 degrees", "<|copy|>"});
}

TEST_CASE("A field that is missing is left out", "[copywriter][prompt]") {
  CHECK(lines({}, kNoProduct) == Fields{"<|zh|>", "<|copy|>"});
  Product product;
  product.title = " \n ";
  product.attributes = {{"颜色", {}}};
  product.compare_at_price = parse_money("499", "CNY");  // a price before, without one now
  Customer customer;
  customer.gender = "other";
  customer.extras = {{"city", 7}, {"price_sensitivity", nullptr}};
  customer.interests = {""};
  customer.purchases.emplace_back();
  customer.reviews = {{"。", {}, "", {}}};
  CHECK(lines({}, product, customer) == Fields{"<|zh|>", "<|copy|>"});

  // Of an event without a title the category is known; "from 49" is no price.
  Event event;
  event.category = "帐篷";
  customer.browsing = {event};
  product.price = parse_money("49", "CNY");
  product.price_max = parse_money("99", "CNY");
  CHECK(lines({}, product, customer) == Fields{"<|zh|>", "<|viewed|>帐篷", "<|copy|>"});
}

TEST_CASE("Lists are cut to what the model was taught, events to the newest", "[copywriter][prompt]") {
  Product product;
  Customer customer;
  for (int i = 0; i < 9; ++i) {
    const std::string number = std::to_string(i);
    product.attributes.push_back({"名" + number, {"值" + number}});
    customer.interests.push_back("兴趣" + number);
    Event event;
    event.title = "物" + number;
    for (auto* events : {&customer.purchases, &customer.browsing, &customer.cart, &customer.favourites}) {
      events->push_back(event);
    }
    customer.reviews.push_back({"评" + number, {}, "", {}});
  }
  CHECK(lines({}, product, customer) ==
        Fields{"<|zh|>", "<|fact|>名0：值0", "<|fact|>名1：值1", "<|fact|>名2：值2", "<|fact|>名3：值3",
               "<|fact|>名4：值4", "<|fact|>名5：值5", "<|interest|>兴趣0", "<|interest|>兴趣1",
               "<|interest|>兴趣2", "<|interest|>兴趣3", "<|bought|>物8", "<|bought|>物7", "<|viewed|>物8",
               "<|viewed|>物7", "<|cart|>物8", "<|saved|>物8", "<|review|>评8", "<|copy|>"});
}

TEST_CASE("A description is told by its first sentence, or as many clauses as fit", "[copywriter][prompt]") {
  CHECK(about_field("轻。") == "轻");
  CHECK(about_field("轻！真的轻。") == "轻");
  CHECK(about_field("重2.5公斤，很轻。还有别的") == "重2.5公斤，很轻");
  CHECK(about_field("Light as 2.5 kg. More.") == "Light as 2.5 kg");
  CHECK(about_field("Version 2.0") == "Version 2.0");
  CHECK(about_field("。。") == "no field");

  std::string clause;
  for (int i = 0; i < 25; ++i) clause += "字";
  CHECK(about_field(clause + "，" + clause + "，" + clause) == clause + "，" + clause);
  CHECK(about_field(clause + clause + "字字字字字字字字字字") ==
        clause + clause + "字字字字字字字字字字");             // 60
  CHECK(about_field(clause + clause + clause) == "no field");  // a quotation must not break off
  // The comma of a number parts no clauses.
  CHECK(about_field(clause + clause + "约一万2,500毫升毫升毫升") == "no field");
}

TEST_CASE("A field is one clean line of at most 200 characters", "[copywriter][prompt]") {
  CHECK(title_field("  静谷\r\n\tQ2\u3000耳机\x07 ") == "静谷 Q2 耳机");
  CHECK(title_field("静\xFF谷") == "静\uFFFD谷");
  std::string text;
  for (int i = 0; i < 200; ++i) text += "长";
  CHECK(title_field(text) == text);
  CHECK(title_field(text + "长") == text + "…");
  CHECK(title_field(std::string(100'000, 'x'), Language::en) == " " + std::string(200, 'x') + "…");
}

TEST_CASE("No field reads as a tag", "[copywriter][prompt]") {
  CHECK(title_field("a<|copy|>b") == "a< |copy|>b");
  CHECK(title_field("<<|<|") == "<< |< |");
  CHECK(title_field("<\u200B|copy|>").find("<|") == std::string::npos);
  CHECK(title_field("<\n|") == "< |");
  CHECK(title_field("<\x01|copy|>").find("<|") ==
        std::string::npos);  // control characters go before tags are looked for
}

TEST_CASE("Hostile fields cannot break out of a prompt", "[copywriter][prompt]") {
  std::vector<std::string> tags(prompt_tags().begin(), prompt_tags().end());
  for (const char* special : {"</s>", "<s>", "<pad>", "<unk>", "<|endoftext|>", "<0x0A>", "<|co\npy|>"})
    tags.push_back(special);
  HostileText hostile(tags, 2);
  const auto language = GENERATE(Language::zh, Language::en);
  for (int i = 0; i < 300; ++i) {
    const auto [product, customer] = filled_with(hostile.next());
    const TaggedPrompt prompt =
        tagged_prompt({language, Scene::ad, Channel::sms, Tone::plain}, product, customer);
    INFO(to_text(prompt));

    // Every tag once for each of its fields, in their order, and no other token that is no text.
    Fields expected, got;
    for (const PromptField& field : prompt) expected.emplace_back(field.tag);
    std::string fields;
    for (const TokenId id : encode(prompt, tokenizer())) {
      const std::string token = tokenizer().id_to_token(id);
      if (std::find(prompt_tags().begin(), prompt_tags().end(), token) != prompt_tags().end()) {
        got.push_back(token);
      } else {
        REQUIRE(id > 3);  // <pad>, <unk>, <s>, </s>
      }
    }
    REQUIRE(got == expected);

    // As text it is one line, in which "<|" begins the same tags.
    const std::string text = to_text(prompt);
    REQUIRE(text.find_first_of("\r\n\t") == std::string::npos);
    Fields in_text;
    for (std::size_t at = 0; (at = text.find("<|", at)) != std::string::npos; ++at) {
      in_text.push_back(text.substr(at, text.find("|>", at) + 2 - at));
    }
    REQUIRE(in_text == expected);
    REQUIRE(tokenizer().decode(encode(prompt, tokenizer()), false) == text);
  }
}

TEST_CASE("A prompt's text has the ids of the prompt", "[copywriter][prompt]") {
  Product product = headphones();
  const Customer customer = full_customer();
  for (const Language language : {Language::zh, Language::en}) {
    const TaggedPrompt prompt =
        tagged_prompt({language, Scene::member, Channel::email, Tone::expert}, product, customer);
    CHECK(encode(prompt, tokenizer()) == tokenizer().encode(to_text(prompt)));
  }
  product.title = "a <b> & c | d < e";
  const TaggedPrompt prompt = tagged_prompt({Language::en, {}, {}, {}}, product, customer);
  CHECK(encode(prompt, tokenizer()) == tokenizer().encode(to_text(prompt)));
}

TEST_CASE("A prompt that is too long loses what is missed least", "[copywriter][prompt]") {
  const Product product = headphones();
  const TaggedPrompt whole =
      tagged_prompt({Language::zh, Scene::member, Channel::email, Tone::expert}, product, full_customer());
  const std::size_t size = encode(whole, tokenizer()).size();
  TaggedPrompt prompt = whole;
  CHECK(shorten(prompt, size, tokenizer()));
  CHECK(to_text(prompt) == to_text(whole));
  const auto tags = [&] {
    std::vector<std::string_view> out;
    for (const PromptField& field : prompt) out.push_back(field.tag);
    return out;
  };
  for (std::size_t room = size; room-- > 0;) {
    prompt = whole;
    const bool fits = shorten(prompt, room, tokenizer());
    CHECK(fits == (encode(prompt, tokenizer()).size() <= room));
    const auto left = tags();
    for (const std::string_view kept : {"<|zh|>", "<|scene|>", "<|product|>", "<|price|>", "<|copy|>"})
      REQUIRE(std::find(left.begin(), left.end(), kept) != left.end());
    // Facts go only when the description has.
    const auto count = [&](std::string_view tag) { return std::count(left.begin(), left.end(), tag); };
    if (count("<|about|>") > 0) CHECK(count("<|fact|>") == std::ssize(product.attributes));
  }
}

TEST_CASE("A model for tagged prompts is known by its vocabulary", "[copywriter][prompt]") {
  CHECK(has_prompt_tags(tokenizer()));
  CHECK_FALSE(has_prompt_tags(*train_tokenizer({})));
  CHECK_FALSE(has_prompt_tags(*train_tokenizer({prompt_tags().begin(), prompt_tags().end() - 1})));
}

TEST_CASE("A price is written as copy has it", "[copywriter][prompt]") {
  const auto price = [](const char* amount, const char* currency, Language language) {
    return price_text(*parse_money(amount, currency), language);
  };
  CHECK(price("399.00", "CNY", Language::zh) == "399元");
  CHECK(price("399", "CNY", Language::zh) == "399元");
  CHECK(price("59.90", "CNY", Language::zh) == "59.90元");
  CHECK(price("59.9", "CNY", Language::zh) == "59.90元");
  CHECK(price("100.00", "USD", Language::en) == "$100");
  CHECK(price("89.50", "USD", Language::en) == "$89.50");
  CHECK(price("0.0000", "USD", Language::en) == "$0");
  CHECK(price("1200", "GBP", Language::en) == "£1200");
}

TEST_CASE("Channels and tones have names", "[copywriter][prompt]") {
  for (const Channel channel : all_channels()) CHECK(parse_channel(to_string(channel)) == channel);
  for (const Tone tone : all_tones()) CHECK(parse_tone(to_string(tone)) == tone);
  CHECK_THAT(message_of([] { parse_channel("fax"); }),
             ContainsSubstring(
                 "channel 'fax' is unknown, expected one of push, sms, email, chat, feed, detail, banner"));
  CHECK_THAT(message_of([] { parse_tone(""); }),
             ContainsSubstring(
                 "tone '' is unknown, expected one of plain, warm, playful, elegant, energetic, expert"));
}
