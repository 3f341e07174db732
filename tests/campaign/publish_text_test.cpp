#include <algorithm>

#include "campaign/publish_support.h"
#include "copywriter/collect/csv_writer.h"
#include "copywriter/collect/shopify.h"
#include "copywriter/publish/email.h"
#include "copywriter/shop/text.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::ApprovedShop;
using adlib::test::channels;
using adlib::test::kProduct;
using adlib::test::lines_of;
using adlib::test::read_text;
using adlib::test::table_of;

// A reader of e-mail as strict as the standards, written for these tests.
struct ReadEmail {
  std::vector<std::pair<std::string, std::string>> headers;  // unfolded, as they stand
  std::map<std::string, std::string> parts;                  // by media type, decoded

  std::string header(const std::string& name) const {
    std::string value;
    int found = 0;
    for (const auto& [key, text] : headers) {
      if (key == name) value = text, ++found;
    }
    REQUIRE(found == 1);
    return value;
  }
};
std::string decoded_base64(const std::string& text) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=' || c == '\r' || c == '\n') continue;
    REQUIRE(digits.find(c) != std::string::npos);
    bits = bits << 6 | static_cast<std::uint32_t>(digits.find(c));
    if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 255);
  }
  return out;
}
std::string decoded_words(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    if (text.compare(at, 10, "=?UTF-8?B?") == 0) {
      const std::size_t end = text.find("?=", at + 10);
      REQUIRE(end != std::string::npos);
      REQUIRE(end + 2 - at <= 75);
      const std::string word = decoded_base64(text.substr(at + 10, end - at - 10));
      REQUIRE(is_utf8(word));  // no character is cut in two
      out += word;
      at = end + 2;
      if (text.compare(at, 11, " =?UTF-8?B?") == 0) ++at;  // space between words is none of the text
    } else {
      out += text[at++];
    }
  }
  return out;
}
ReadEmail read_email(const std::string& message) {
  ReadEmail email;
  REQUIRE(message.find('\0') == std::string::npos);
  for (std::size_t at = 0; at < message.size(); ++at) {  // every line ends in CRLF and is short
    if (message[at] == '\n') REQUIRE((at > 0 && message[at - 1] == '\r'));
    if (message[at] == '\r') REQUIRE((at + 1 < message.size() && message[at + 1] == '\n'));
    REQUIRE(static_cast<unsigned char>(message[at]) < 0x80);
  }
  const auto read_headers = [](const std::string& block) {
    std::vector<std::pair<std::string, std::string>> headers;
    std::size_t at = 0;
    while (at < block.size()) {
      const std::size_t end = std::min(block.find("\r\n", at), block.size());
      const std::string line = block.substr(at, end - at);
      REQUIRE(line.size() <= 998);
      if (line[0] == ' ') {
        REQUIRE_FALSE(headers.empty());
        headers.back().second += line;
      } else {
        const std::size_t colon = line.find(": ");
        REQUIRE(colon != std::string::npos);
        headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
      }
      at = end + 2;
    }
    return headers;
  };
  const std::size_t end = message.find("\r\n\r\n");
  REQUIRE(end != std::string::npos);
  email.headers = read_headers(message.substr(0, end));
  const std::string type = email.header("Content-Type");
  const std::size_t quote = type.find("boundary=\"") + 10;
  const std::string mark = "--" + type.substr(quote, type.find('"', quote) - quote);
  std::string rest = message.substr(end + 2);
  std::vector<std::string> parts;
  for (std::size_t at = rest.find("\r\n" + mark); at != std::string::npos;) {
    const std::size_t begin = at + 2 + mark.size();
    if (rest.compare(begin, 4, "--\r\n") == 0) {
      REQUIRE(begin + 4 == rest.size());
      break;
    }
    at = rest.find("\r\n" + mark, begin);
    REQUIRE(at != std::string::npos);
    parts.push_back(rest.substr(begin + 2, at - begin - 2));
  }
  for (const std::string& part : parts) {
    const std::size_t body = part.find("\r\n\r\n");
    for (const auto& [name, value] : read_headers(part.substr(0, body))) {
      if (name == "Content-Type")
        email.parts[value.substr(0, value.find(';'))] = decoded_base64(part.substr(body + 4));
      else
        CHECK((name == "Content-Transfer-Encoding" && value == "base64"));
    }
  }
  return email;
}

std::string only_mail(const std::filesystem::path& outbox) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(outbox)) files.push_back(entry.path());
  REQUIRE(files.size() == 1);
  CHECK(files[0].filename().string().starts_with("copy-1-"));
  CHECK(files[0].extension() == ".eml");
  return read_text(files[0]);
}

TEST_CASE("two stores share an outbox, and what lies there stays", "[publish][email]") {
  ApprovedShop first, second;
  const std::filesystem::path outbox = first.file("outbox"), left = outbox / ".adlib-unfinished-999999999";
  std::filesystem::create_directories(left);
  std::ofstream(outbox / "copy-1.eml") << "precious";
  for (ApprovedShop* shop : {&first, &second}) {
    shop->approved(shop->user("c-1"), "email-body", "你好");
    PublishOptions options = shop->options("email", "outbox");
    options.output = outbox;
    CHECK(shop->publish(options).items == 1);
  }
  std::size_t mails = 0;
  for (const auto& entry : std::filesystem::directory_iterator(outbox))
    mails += entry.path().extension() == ".eml";
  CHECK(mails == 3);
  CHECK(read_text(outbox / "copy-1.eml") == "precious");
  CHECK_FALSE(std::filesystem::exists(left));  // of a process that does not run any more
}

TEST_CASE("e-mail has all that RFC 5322 and 8058 ask for", "[publish][email]") {
  ApprovedShop shop;
  const auto user = shop.user("客户 7.a");
  shop.approved(user, "email-body", "你好 <b>&。\n\n第二段");
  const std::string subject = "一封给你的信：静谷 Q2 降噪耳机到货了，续航三十小时，安静的一天从早晨开始";
  shop.approved(user, "email-subject", subject);
  const PublishResult result = shop.publish(shop.options("email", "outbox"));
  CHECK(result.items == 1);
  CHECK(result.copies == 2);
  const ReadEmail email = read_email(only_mail(shop.file("outbox")));
  CHECK(decoded_words(email.header("Subject")) == "（广告）" + std::string(subject));
  CHECK(decoded_words(email.header("From")) == "静谷商店 <shop@example.com>");
  CHECK(email.header("To") == "<%E5%AE%A2%E6%88%B7%207%2Ea@recipient.invalid>");
  CHECK(email.header("MIME-Version") == "1.0");
  CHECK(email.header("List-Unsubscribe-Post") == "List-Unsubscribe=One-Click");
  const std::string leave = email.header("List-Unsubscribe");
  CHECK(leave.starts_with("<https://shop.example/leave/"));
  CHECK(leave.ends_with("?u=%E5%AE%A2%E6%88%B7%207.a>"));
  CHECK(leave.find('{') == std::string::npos);
  CHECK(email.header("Message-ID").ends_with("@example.com>"));
  CHECK(email.parts.at("text/plain") == "你好 <b>&。\n\n第二段\n");
  CHECK(email.parts.at("text/html").find("<p>你好 &lt;b&gt;&amp;。</p>\n<p>第二段</p>") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(shop.file("outbox/.adlib-unfinished")));

  PublishOptions mbox = shop.options("email", "all.mbox");
  mbox.again = true;
  CHECK(shop.publish(mbox).items == 1);
  const std::string text = read_text(shop.file("all.mbox"));
  CHECK(text.starts_with("From MAILER-DAEMON "));
  CHECK(text.find('\r') == std::string::npos);
}

TEST_CASE("dates, base64 and encoded words are those of the standards", "[publish][email]") {
  CHECK(email_date(0) == "Thu, 01 Jan 1970 00:00:00 +0000");
  CHECK(email_date(1'000'000'000) == "Sun, 09 Sep 2001 01:46:40 +0000");
  // RFC 4648, 10
  CHECK(base64("") == "");
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(header_text("Hello", 9) == "Hello");
  CHECK(header_text("=?UTF-8?B?", 9) == "=?UTF-8?B?PT9VVEYtOD9CPw==?=");
  std::string all(256, ' ');
  for (int i = 0; i < 256; ++i) all[static_cast<std::size_t>(i)] = static_cast<char>(i);
  CHECK(decoded_base64(base64_lines(all)) == all);
}

TEST_CASE("a Chinese subject says that it is an advertisement", "[publish][email]") {
  const auto [subject, label, says] = GENERATE(table<std::string, std::optional<std::string>, std::string>({
      {"秋装上新", {}, "（广告）秋装上新"},
      {"（AD）秋装上新", {}, "（AD）秋装上新"},
      {"广告：秋装上新", {}, "广告：秋装上新"},
      {"秋装上新，广告里说过", {}, "（广告）秋装上新，广告里说过"},
      {"秋装上新", "AD", "（AD）秋装上新"},
      {"秋装上新", "", ""},  // refused
      {"", {}, "（广告）静谷 Q2 降噪耳机"},
  }));
  CAPTURE(subject, says);
  ApprovedShop shop;
  const auto user = shop.user("c-1");
  shop.approved(user, "email-body", "你好");
  if (!subject.empty()) shop.approved(user, "email-subject", subject);
  PublishOptions options = shop.options("email", "outbox");
  options.format.subject_label = label;
  if (says.empty()) {
    CHECK_THAT(test::error_of([&] { shop.publish(options); }), Catch::Contains("by law"));
    return;
  }
  CHECK(shop.publish(options).items == 1);
  CHECK(decoded_words(read_email(only_mail(shop.file("outbox"))).header("Subject")) == says);
}

TEST_CASE("senders that would begin a header are refused", "[publish][email]") {
  const std::string sender =
      GENERATE(as<std::string>{}, "", "shop", "a@b@c", "Shop <shop@example.com>\r\nBcc: x@example.com",
               "Shop\r\nBcc: x <shop@example.com>", "<shop@example.com", "a b@example.com", ".a@example.com",
               "a@", "商@example.com");
  CAPTURE(sender);
  CHECK_THROWS_AS(Mailbox::parse(sender), Error);
}

// What somebody may have typed into a name, a review or a title.
std::vector<std::string> hostile_texts() {
  return {"=cmd|' /C calc'!A0",
          "+1+1",
          "-2+3",
          "@SUM(1)",
          "'=1",
          "\t=1",
          "＝1",
          "a\",\"b",
          "a,b;c",
          "line\nBcc: victim@example.com",
          "line\n\n=1",
          "\"quoted\"",
          "<script>alert(1)</script>",
          "</p><img src=x onerror=alert(1)>",
          "&lt;b&gt;",
          "=?UTF-8?B?QmNjOiB4?=",
          "--=_adlib_0",
          "From mbox",
          ".",
          "{token}{user}{copy}",
          "ignore all rules",
          "{\"a\":1}",
          "\\u0000\\\"",
          "𝐀\xE2\x80\xA8"
          "b",
          "\xE2\x80\xAE"
          "abc",
          "' OR 1=1; DROP TABLE copy;--"};
}

TEST_CASE("no text of anybody's acts in what is published", "[publish][hostile]") {
  const std::vector<std::string> hostile = hostile_texts();
  for (const std::string& text : hostile) {
    CAPTURE(text);
    ApprovedShop shop;
    io::Json record = kProduct;
    for (const char* field : {"title", "brand", "description"}) record[field] = text;
    const std::string id = "id " + clean_text(text);
    shop.product = test::add_product(*shop.store, id, record);
    const auto user = shop.user(text);
    std::map<std::string, std::string> texts;
    for (const ChannelField& channel : channels()) {
      if (channel.family == "chat") continue;
      std::string own = text;
      if (!channel.lines) own = clean_text(own);
      const std::optional<std::int64_t> whom = channel.everybody ? std::nullopt : std::optional(user);
      shop.approved(whom, channel.id, own);
      texts[channel.id] = own;
      if (channel.id.starts_with("google-")) {
        for (const char* more : {"二", "三"}) shop.approved(whom, channel.id, own + more, more);
      }
    }
    const auto publish = [&](const char* target, const char* name) {
      PublishOptions options = shop.options(target, name);
      options.skip_unfit = true;
      return shop.publish(options);
    };
    const auto cells_are_safe = [&](const std::string& file) {
      std::istringstream in(read_text(shop.file(file)));
      CsvReader reader(in, file);
      std::size_t rows = 0, columns = 0;
      for (std::vector<std::string> row; reader.next(row); ++rows) {
        if (rows == 0) columns = row.size();
        CHECK(row.size() == columns);
        for (const std::string& cell : row) CHECK((!looks_like_formula(cell) || cell[0] == '\''));
      }
      CHECK(rows == 2);
    };

    CHECK(publish("shopify", "shopify.csv").items == 1);
    cells_are_safe("shopify.csv");
    {
      std::istringstream in(read_text(shop.file("shopify.csv")));
      CsvTable table(in, "shopify.csv");
      const auto products = products_of_shopify_export(table, "shopify.csv", "CNY");
      REQUIRE(products.size() == 1);
      CHECK(formula_restored(products[0].id) == id);
      CHECK(products[0].description == clean_text(text));
      const std::string body = table_of(read_text(shop.file("shopify.csv"))).at(0).at("Body (HTML)");
      for (std::size_t at = body.find('<'); at != std::string::npos; at = body.find('<', at + 1))
        CHECK((body.compare(at, 3, "<p>") == 0 || body.compare(at, 4, "</p>") == 0 ||
               body.compare(at, 4, "<br>") == 0));
    }
    CHECK(publish("meta", "meta.csv").items == 1);
    cells_are_safe("meta.csv");
    CHECK(formula_restored(table_of(read_text(shop.file("meta.csv"))).at(0).at("description")) ==
          texts.at("meta-description"));
    CHECK(publish("taobao", "taobao.csv").items == 1);
    cells_are_safe("taobao.csv");
    CHECK(formula_restored(table_of(read_text(shop.file("taobao.csv"))).at(0).at("标题")) ==
          texts.at("taobao-title"));
    if (publish("google-ads", "ads.csv").items == 1) {
      cells_are_safe("ads.csv");
      CHECK(formula_restored(table_of(read_text(shop.file("ads.csv"))).at(0).at("Headline 1")) ==
            texts.at("google-headline"));
    } else {
      CHECK((text.find('{') != std::string::npos ||
             length_of(texts.at("google-headline")).in(LengthUnit::double_width) > 28));
    }
    CHECK(publish("xiaohongshu", "notes.jsonl").items == 1);
    CHECK(lines_of(shop.file("notes.jsonl")).at(0).at("note") == texts.at("xiaohongshu-note"));
    const PublishResult sms = publish("sms", "sms.jsonl");
    const auto messages = lines_of(shop.file("sms.jsonl"));
    CHECK(sms.items == static_cast<std::int64_t>(messages.size()));
    for (const io::Json& line : messages) {
      CHECK(line.at("text") == text);
      CHECK(line.at("user") == text);
    }
    CHECK(publish("push", "push.jsonl").items == 5);
    for (const io::Json& line : lines_of(shop.file("push.jsonl"))) {
      if (line.contains("payload"))
        CHECK(line.at("payload").at("aps").at("alert").at("body") == text);
      else
        CHECK(line.at("text") == text);
    }
    CHECK(publish("email", "outbox").items == 1);
    const auto entry = *std::filesystem::directory_iterator(shop.file("outbox"));
    const ReadEmail email = read_email(read_text(entry.path()));
    std::vector<std::string> names;
    for (const auto& [name, value] : email.headers) names.push_back(name);
    CHECK(names == std::vector<std::string>{"Date", "From", "To", "Subject", "Message-ID", "List-Unsubscribe",
                                            "List-Unsubscribe-Post", "X-Adlib-Copy", "MIME-Version",
                                            "Content-Type", "Content-Language"});
    CHECK(decoded_words(email.header("Subject")) == "（广告）" + texts.at("email-subject"));
    CHECK(email.parts.size() == 2);
    CHECK(email.parts.at("text/plain") == text + "\n");
    const std::string& html = email.parts.at("text/html");
    CHECK(html.find("<script") == std::string::npos);
    CHECK(html.find("<img") == std::string::npos);
    CHECK(email.header("List-Unsubscribe").find("{") == std::string::npos);

    std::string bodies;
    PublishOptions webhook = shop.options("webhook", "");
    webhook.webhook.url = "https://shop.example/hook";
    webhook.skip_unfit = true;
    preview(*shop.store, channels(), webhook, [&](std::string_view piece) { bodies += piece; });
    std::istringstream in(bodies);
    io::for_each_json_line(in, "bodies", [&](io::Json&& body, std::int64_t) {
      const std::string arm = body.at("variant");
      CHECK(body.at("text") == texts.at(body.at("channel")) + (arm == "warm" ? "" : arm));
    });
    CHECK(shop.store->database().integer("SELECT count(*) FROM copy") > 20);
  }
}

}  // namespace
