#include <algorithm>
#include <array>
#include <set>

#include "adlib/io/json.h"
#include "copywriter/collect/contact.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/files.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::have;
using adlib::test::shared_dir;

std::string cleaned(std::string_view text) {
  std::int64_t removed = 0;
  return without_contacts(text, removed);
}

std::string kinds_of(std::string_view text) {
  std::string kinds;
  for (const Contact& contact : find_contacts(text))
    kinds += std::string(kinds.empty() ? "" : " ") + to_string(contact.kind);
  return kinds;
}

std::string value_of(std::string_view text) {
  const auto found = find_contacts(text);
  return found.size() == 1 ? found.front().value : "";
}

}  // namespace

TEST_CASE("phone numbers are found however they are written, and are one number", "[collect][contact]") {
  for (const char* text : {"13812345678", "138 1234 5678", "138-1234-5678", "+86 138 1234 5678",
                           "+8613812345678", "0086-13812345678", "86 13812345678", "１３８１２３４５６７８",
                           "138\u200b1234\u200b5678", "138 1234 5678"}) {
    CAPTURE(text);
    CHECK(kinds_of(text) == "phone");
    CHECK(value_of(text) == "8613812345678");
    CHECK(cleaned(text) == "[…]");
  }
  CHECK(cleaned("东西很好，打我13812345678，谢谢") == "东西很好，打我[…]，谢谢");
  CHECK(cleaned("13812345678,13912345678") == "[…],[…]");
  CHECK(cleaned("加vx13812345678或tel15012345678") == "加vx[…]或tel[…]");
  CHECK(value_of("0571-88886666") == "8657188886666");
  CHECK(value_of("(010) 62345678") == "861062345678");
  CHECK(value_of("电话01062345678") == "861062345678");
  CHECK(value_of("+44 20 7946 0958") == "442079460958");
  CHECK(value_of("+1 (555) 234-5678") == "15552345678");
  CHECK(value_of("555-234-5678") == "15552345678");
  CHECK(value_of("(555) 234-5678") == "15552345678");
}

TEST_CASE("e-mail addresses are found in any width and case", "[collect][contact]") {
  CHECK(value_of("Li.Ming+shop@Example.COM") == "li.ming+shop@example.com");
  CHECK(value_of("ｌｉ＠ｅｘａｍｐｌｅ．ｃｏｍ") == "li@example.com");
  CHECK(cleaned("写信到li@example.com吧") == "写信到[…]吧");
  CHECK(cleaned("mail li@example.com, or not") == "mail […], or not");
  CHECK(cleaned("50% off @home") == "50% off @home");
}

TEST_CASE("identity numbers are found by their check digit", "[collect][contact]") {
  // The worked examples of GB 11643-1999, annex A.
  CHECK(kinds_of("11010519491231002X") == "id_number");
  CHECK(kinds_of("440524188001010014") == "id_number");
  CHECK(cleaned("身份证11010519491231002x。") == "身份证[…]。");
  // Every other check digit is wrong.
  for (const char digit : std::string_view("0123456789")) {
    const std::string other = std::string("11010519491231002") + digit;
    CHECK(kinds_of(other).find("id_number") == std::string::npos);
  }
  CHECK(kinds_of("110105194913310021").find("id_number") == std::string::npos);  // no such month
}

TEST_CASE("cards are found by prefix and Luhn digit", "[collect][contact]") {
  // Test numbers that card networks publish.
  for (const char* card :
       {"4111111111111111", "4111 1111 1111 1111", "5555-5555-5555-4444", "378282246310005",
        "3782 822463 10005", "6011111111111117", "3530111333300000", "6200000000000005"}) {
    CAPTURE(card);
    CHECK(kinds_of(card) == "card");
  }
  CHECK(kinds_of("4111111111111112").empty());
  CHECK(kinds_of("1234567812345670").empty());  // Luhn holds, but nobody issues it
}

TEST_CASE("addresses and accounts are found", "[collect][contact]") {
  for (const char* text :
       {"浙江省杭州市西湖区文三路12号5幢602室", "上海市黄浦区南京东路100号", "人民路12号3单元502室",
        "中山北路1234号5楼", "北京市朝阳区建国路88号", "阳光花园3栋2单元501室", "12 Baker Street",
        "1600 North Main Ave, Apt 12", "朝阳区十里堡路五号院7号楼"}) {
    CAPTURE(text);
    CHECK(kinds_of(text) == "address");
    CHECK(cleaned(text) == "[…]");
  }
  CHECK(cleaned("寄到人民路12号就行") == "寄到[…]就行");
  CHECK(cleaned("加微信：tea_lover88 聊") == "加[…] 聊");
  CHECK(cleaned("QQ：123456789") == "[…]");
  CHECK(cleaned("WeChat: tealover88") == "[…]");
}

TEST_CASE("what looks a little like contact data stays in reviews", "[collect][contact]") {
  for (const char* text : {"2025-11-02 08:30:00买的，11月12号到货",
                           "一共138.50元，买了12345678份",
                           "型号A13912345678B",
                           "订单号20251102123456789",
                           "尺码175/92A，净重1234.56克",
                           "iPhone 15 Pro Max 256GB 12号发货",
                           "快递一路12号才到，路上走了5号到8号",
                           "条码6901234567892",
                           "逛街12号楼下的店",
                           "微信小程序里买的",
                           "微信支付很方便",
                           "QQ糖很好吃",
                           "8848m 3000mAh 4-5-6号色",
                           "sku 1234-5678-9012",
                           "5 miles of road",
                           "Ordered on 12/11/2025, arrived in 3-5 days",
                           "+103% impact, +109%",
                           "size 32-34-36",
                           "room temperature 20-25",
                           "4K 3840x2160 144Hz",
                           "1,299.00 and 2,499.00",
                           "WeChat Pay works",
                           "第12号选手",
                           "道1号",
                           "一号链接的街头风2号色"}) {
    CAPTURE(text, kinds_of(text));
    CHECK(cleaned(text) == text);
  }
}

TEST_CASE("texts of real shops hold no contact data, and lose next to nothing",
          "[collect][contact][golden]") {
  const auto path = shared_dir() / "data/taodescribe/train.jsonl";
  if (!have(path)) return;
  std::ifstream in(path);
  std::int64_t texts = 0, hits = 0;
  std::string shown;
  io::for_each_json_line(in, "train.jsonl", [&](io::Json&& object, std::int64_t) {
    for (const char* name : {"title", "description"}) {
      const std::string text = object.at(name).get<std::string>();
      const auto found = find_contacts(text);
      ++texts;
      if (!found.empty()) {
        ++hits;
        const Range at = found.front().where;
        shown += std::string(to_string(found.front().kind)) + ": " +
                 text.substr(at.begin, at.end - at.begin) + "\n";
      }
    }
  });
  CAPTURE(shown);
  CHECK(texts > 5000);
  CHECK(hits * 1000 <= texts);
}

TEST_CASE("fields are told by their names", "[collect][contact]") {
  for (const char* name : {"phone", "Phone Number", "mobile", "customer_phone", "shipPhone", "Tel.",
                           "联系电话", "收货人手机号", "手机号码"}) {
    CAPTURE(name);
    CHECK(contact_of_name(name) == ContactKind::phone);
  }
  for (const char* name :
       {"email", "E-mail", "Email Address", "customer-email", "邮箱", "电子邮件", "ｅｍａｉｌ"})
    CHECK(contact_of_name(name) != std::nullopt);
  for (const char* name :
       {"address", "Default Address Address1", "street", "zip", "收货地址", "家庭住址", "邮编"})
    CHECK(contact_of_name(name) == ContactKind::address);
  for (const char* name : {"id_number", "身份证号", "证件号码", "passport"})
    CHECK(contact_of_name(name) == ContactKind::id_number);
  for (const char* name : {"wechat", "微信号", "QQ", "qq号"})
    CHECK(contact_of_name(name) == ContactKind::account);
  for (const char* name :
       {"email_opened", "手机型号", "city", "Default Address City", "member_level", "phone_brand", "name",
        "id", "微信关注时间", "interests", "card_level", "地址数量"}) {
    CAPTURE(name);
    CHECK(contact_of_name(name) == std::nullopt);
  }
}

TEST_CASE("contact data leaves a record at every depth", "[collect][contact]") {
  io::Json record = io::parse_json(
      R"({"id":"13812345678","name":"小林 13812345678","phone":["13812345678",null],"age":30,
          "note":"li@example.com","reviews":[{"text":"打13812345678"},"好"],"extra":{"Email":"x","n":13812345678,"k":1},
          "13912345678":"x","interests":["茶","li@example.com"],"cart":[{"title":"15012345678"}]})",
      "test");
  RemovedContacts removed;
  remove_contacts(record, true, {"id"}, removed);
  CHECK(record == io::parse_json(R"({"id":"13812345678","name":"小林 […]","age":30,
          "reviews":[{"text":"打[…]"},"好"],"extra":{"k":1},"interests":["茶"],"cart":[{"title":"[…]"}]})",
                                 "test"));
  CHECK(removed.count == 9);
  const auto whole = [&](const char* value) {
    return std::any_of(removed.whole.begin(), removed.whole.end(),
                       [&](const Contact& one) { return one.value == value; });
  };
  CHECK(whole("8613812345678"));
  CHECK(whole("li@example.com"));
  CHECK_FALSE(whole("8613912345678"));
}

TEST_CASE("landlines after a word, British mobiles, IBANs, SSNs, passports and account names are found",
          "[collect][contact]") {
  CHECK(cleaned("电话：6212 3456") == "电话：[…]");
  CHECK(cleaned("座机是62123456转") == "座机是[…]转");
  CHECK(cleaned("Tel: 6212-3456") == "Tel: […]");
  CHECK(cleaned("ring 07911 123456 please") == "ring […] please");
  CHECK(value_of("07911 123456") == "447911123456");
  CHECK(value_of("07911 123 456") == "447911123456");
  CHECK(value_of("+44 7911 123456") == "447911123456");
  CHECK(cleaned("mobile 07911123456") == "mobile […]");
  CHECK(cleaned("my WeChat id foo_bar thanks") == "my WeChat id […] thanks");
  CHECK(cleaned("passport E12345678") == "passport […]");
  CHECK(cleaned("护照号：E12345678。") == "护照号：[…]。");
  CHECK(kinds_of("SSN 123456789") == "id_number");
  CHECK(kinds_of("123-45-6789") == "id_number");
  for (const char* never : {"000-45-6789", "666-45-6789", "900-45-6789", "123-00-6789", "123-45-0000"})
    CHECK(kinds_of(never).empty());
  // The examples of the registry of IBANs (ISO 13616).
  for (const char* iban :
       {"GB29 NWBK 6016 1331 9268 19", "DE89370400440532013000", "FR1420041010050500013M02606",
        "NO93 8601 1117 947", "MT84MALT011000012345MTLCAST001S"}) {
    CAPTURE(iban);
    CHECK(kinds_of(iban) == "card");
    std::string other = iban;
    other[2] = other[2] == '1' ? '2' : '1';
    CHECK(kinds_of(other).find("card") == std::string::npos);
  }
  for (const char* text :
       {"model 123-456-789", "WeChat ID required", "passport holder 2024", "电话手表2024款", "line id 5",
        "AB12 cotton 2024 size", "lot 0791-1", "code 07911"}) {
    CAPTURE(text, kinds_of(text));
    CHECK(cleaned(text) == text);
  }
}
