// What columns and fields are called: slips of the pen, and files of another kind.
#include <algorithm>

#include "campaign/collect_support.h"
#include "copywriter/collect/consent.h"
#include "copywriter/collect/contact.h"
#include "copywriter/collect/file_kind.h"
#include "copywriter/collect/slips.h"

namespace {

using namespace adlib;
using namespace adlib::copywriter;
using adlib::test::CollectedShop;
using adlib::test::have;
using adlib::test::kLog;
using adlib::test::shared_dir;

// "pric > price!" of each column alone, "!" where it is vital.
std::string slip_of(FileKind kind, const std::string& column) {
  const FieldNames none;
  Slips slips(kind, none);
  std::string all;
  for (const Slip& slip : slips.find(std::vector<std::string>{column}))
    all += slip.name + " > " + slip.meant + (slip.vital ? "!" : "");
  return all;
}

std::string refusal(FileKind kind, const std::string& name, const std::string& text,
                    const CollectOptions& options = {}) {
  CollectedShop shop;
  std::string error = test::error_of([&] { shop.take(kind, name, text, options); });
  CHECK(shop.count("user") + shop.count("product") + shop.count("past_copy") + shop.count("source") == 0);
  return error;
}

}  // namespace

TEST_CASE("a column that is nearly one that readers know is told with what was meant", "[collect][slips]") {
  struct Typed {
    FileKind kind;
    const char* is;
    const char* meant;
  };
  for (const auto& [kind, is, meant] :
       std::vector<Typed>{{FileKind::products, "pric", "price!"},
                          {FileKind::products, "prcie", "price!"},
                          {FileKind::products, "Titel", "title!"},
                          {FileKind::products, "curency", "currency!"},
                          {FileKind::products, "descripton", "description"},
                          {FileKind::products, "atribute", "attributes"},
                          {FileKind::products, "compare_price", "compare_at_price"},
                          {FileKind::products, "vender", "vendor"},
                          {FileKind::products, "tag", "tags"},
                          {FileKind::products, "Variant Prise", "Variant Price!"},
                          {FileKind::products, "商品类目", "商品类别"},
                          {FileKind::products, "商品名", "商品名称!"},
                          {FileKind::products, "价各", "价格"},
                          {FileKind::customers, "intrests", "interests"},
                          {FileKind::customers, "favorites", "favourites"},
                          {FileKind::customers, "purchase", "purchases"},
                          {FileKind::customers, "crat", "cart"},
                          {FileKind::customers, "user_idd", "user_id!"},
                          {FileKind::customers, "年令", "年龄"},
                          {FileKind::customers, "会员等及", "会员等级"},
                          {FileKind::customers, "sms_concent", "sms_consent!"},
                          {FileKind::customers, "SMS Consnet", "sms_consent!"},
                          {FileKind::customers, "emial_opt_in", "email_opt_in!"},
                          {FileKind::customers, "unsubcribed", "unsubscribed!"},
                          {FileKind::customers, "push_op_out", "push_opt_out!"},
                          {FileKind::customers, "opt_outt", "opt_out!"},
                          {FileKind::customers, "personalisd", "personalised!"},
                          {FileKind::customers, "do_not_contct", "do_not_contact!"},
                          {FileKind::customers, "短信同义", "短信同意!"},
                          {FileKind::customers, "拒受短信", "拒收短信!"},
                          {FileKind::events, "behavoir", "behavior!"},
                          {FileKind::events, "行为类形", "行为类型!"},
                          {FileKind::events, "categoryy_id", "category_id"},
                          {FileKind::reviews, "ratings", "rating"},
                          {FileKind::reviews, "commnet", "comment!"},
                          {FileKind::copy, "unsubscribd", "unsubscribed"},
                          {FileKind::copy, "clickd", "clicked"}}) {
    CAPTURE(is);
    CHECK(slip_of(kind, is) == concat(is, " > ", meant));
  }
}

TEST_CASE("columns of other things are no slips", "[collect][slips]") {
  for (const char* name :
       {"name",         "Name",     "NAME",         "first_name",    "last_name",   "card",
        "page",         "wage",     "sms_content",  "email_content", "sms_option",  "phone_contract",
        "备注",         "微信订单", "邮件同步",     "短信退款",      "短信同意",    "退定",
        "email_opened", "sms_sent", "push_count",   "orders",        "total_spent", "company",
        "province",     "language", "notes",        "tier",          "signup_date", "last_order",
        "colour",       "email",    "phone_number", "收货地址",      "地区",        "等级",
        "生日",         "status",   "state",        "source",        "points",      "level"}) {
    CAPTURE(name);
    CHECK(slip_of(FileKind::customers, name).empty());
  }
  for (const char* name :
       {"rice", "slice", "cost",       "stock",        "weight",    "colour", "size",      "material", "gtin",
        "url",  "link",  "image_link", "availability", "condition", "gender", "season",    "库存",     "重量",
        "产地", "规格",  "单位",       "颜色",         "Published", "Status", "Gift Card", "SEO Title"}) {
    CAPTURE(name);
    CHECK(slip_of(FileKind::products, name).empty());
  }
}

TEST_CASE("every name for consent that a slip may have meant is understood", "[collect][slips][consent]") {
  // A slip of a letter in the middle leads back to a name: that it is one shows in what is told.
  for (const char* channel : {"sms", "email", "push", "wechat", "phone", "marketing"}) {
    for (const char* about : {"consent", "opt_in", "opt_out", "subscribed", "unsubscribed"}) {
      const std::string name = concat(channel, "_", about);
      CAPTURE(name);
      CHECK(consent_of_name(name).has_value());
      std::string typo = name;
      typo.insert(name.size() - 1, 1, 'q');
      CHECK(slip_of(FileKind::customers, typo) == typo + " > " + name + "!");
    }
  }
}

TEST_CASE("a column that the file has under its right name was not meant", "[collect][slips]") {
  CollectedShop shop;
  shop.take(FileKind::products, "p.csv", "id,title,price,pric,brnad,vendor\np1,Tea,5.00,x,y,z\n");
  CHECK(shop.slips.empty());
  shop.take(FileKind::products, "q.csv", "id,title,price,brnad,Descripton\np1,Tea,5.00,y,z\n");
  CHECK(shop.slips == std::vector<std::string>{"brnad > brand", "Descripton > description"});
  CHECK(io::parse_json(shop.text("SELECT record FROM product"), "p")["brnad"] == "y");
  // A consent is different: both may be answers.
  CHECK_THAT(refusal(FileKind::customers, "c.csv", "id,sms_consent,sms_concent\na,yes,no\n"),
             Catch::Contains("did you mean 'sms_consent'?"));
}

TEST_CASE("a misspelt consent or price refuses the file, whatever is allowed", "[collect][slips][consent]") {
  CollectOptions lenient;
  lenient.max_errors = 100;
  CHECK_THAT(refusal(FileKind::customers, "c.csv", "id,sms_concent\na,no\n", lenient),
             Catch::Contains("c.csv:1: nobody reads the column 'sms_concent'; did you mean 'sms_consent'?") &&
                 Catch::Contains("[customers.columns] \"sms_concent\" = \"sms_consent\"") &&
                 Catch::Contains("its own name to keep it"));
  CHECK_THAT(refusal(FileKind::products, "p.csv", "id,title,pric\na,Tea,5\n", lenient),
             Catch::Contains("did you mean 'price'?"));
  CHECK_THAT(refusal(FileKind::products, "p.csv",
                     "Handle,Title,Option1 Name,Option1 Value,Variant Prise\na,A,S,S,1\n"),
             Catch::Contains("did you mean 'Variant Price'?"));
  CHECK_THAT(refusal(FileKind::events, "e.csv", "user,item,behavoir,time\nu,p,buy,1512189107\n"),
             Catch::Contains("did you mean 'behavior'?") && !Catch::Contains("its own name"));
  CHECK_THAT(refusal(FileKind::events, "e.csv", "user,item,behaviour,time,pric\nu,p,buy,1512189107,5\n"),
             Catch::Contains("did you mean 'price'?"));
  // In JSON Lines it is the row that is bad.
  CHECK_THAT(refusal(FileKind::customers, "c.jsonl", "{\"id\":\"a\",\"sms_concent\":\"no\"}\n"),
             Catch::Contains("c.jsonl:1: nobody reads the field 'sms_concent'; did you mean 'sms_consent'?"));
  CollectedShop shop;
  shop.take(FileKind::customers, "c.jsonl", "{\"id\":\"a\"}\n{\"id\":\"b\",\"sms_concent\":\"no\"}\n",
            lenient);
  CHECK(shop.text("SELECT shop_id FROM user") == "a");
  CHECK_THAT(shop.rejected.at(0).reason, Catch::Contains("did you mean 'sms_consent'?"));
  CHECK_THAT(refusal(FileKind::products, "p.jsonl",
                     R"({"id":"a","title":"Tea","variants":[{"sku":"1","pric":"5"}]})"
                     "\n"),
             Catch::Contains("'variants.pric'; did you mean 'price'?"));
}

TEST_CASE("a mapping says what a doubtful column is", "[collect][slips]") {
  CollectedShop shop;
  CollectOptions options;
  options.map = shop.file("map.toml",
                          "[customers.columns]\nsms_concent = \"sms_consent\"\nemail_opt_inn = \"\"\n"
                          "push_consend = \"push_consend\"\nintrests = \"intrests\"\n");
  for (const auto& [name, text] :
       {std::pair("c.csv", "id,sms_concent,email_opt_inn,push_consend,intrests\na,no,yes,blue,tea\n"),
        std::pair("d.jsonl",
                  "{\"id\":\"a\",\"sms_concent\":\"no\",\"email_opt_inn\":\"yes\",\"push_consend\":\"blue\","
                  "\"intrests\":\"tea\"}\n")}) {
    CAPTURE(name);
    shop.take(FileKind::customers, name, text, options);
    CHECK(shop.text("SELECT channel || granted FROM consent") == "sms0");
    CHECK(shop.user("a") == io::Json({{"id", "a"}, {"push_consend", "blue"}, {"intrests", "tea"}}));
    CHECK(shop.slips.empty());
  }
}

TEST_CASE("names in another case, with spaces or hyphens, or in Chinese are the fields' own",
          "[collect][slips]") {
  CollectedShop csv, json;
  csv.take(FileKind::customers, "c.csv", "ID,Name,Member-Level,AGE,Interests\na,小林,金卡,30,茶;书\n");
  json.take(
      FileKind::customers, "c.jsonl",
      "{\"ID\":\"a\",\"姓名\":\"小林\",\"memberLevel\":\"金卡\",\"Age\":30,\"兴趣\":[\"茶\",\"书\"]}\n");
  CHECK(csv.user("a") == io::Json({{"id", "a"},
                                   {"name", "小林"},
                                   {"member_level", "金卡"},
                                   {"age", 30},
                                   {"interests", {"茶", "书"}}}));
  CHECK(json.user("a") == csv.user("a"));
  CHECK(csv.slips.empty());
  CHECK_THAT(refusal(FileKind::products, "p.csv", "id,title,price,Price\na,Tea,1,2\n"),
             Catch::Contains("two columns mean 'price'"));
}

TEST_CASE("a file of another kind is refused, and the message names the right option", "[collect][kinds]") {
  struct File {
    FileKind kind;
    const char* name;
    std::string text;
  };
  const std::vector<File> files{
      {FileKind::products, "p.csv", "id,title,price,currency\np1,Tea,5.00,EUR\n"},
      {FileKind::products, "p2.csv", "商品ID,标题,价格\np1,红茶,5.00\n"},
      {FileKind::products, "p3.csv",
       "Handle,Title,Vendor,Option1 Name,Option1 Value,Variant Price\na,A,V,Size,S,1\n"},
      {FileKind::products, "p.jsonl", "{\"id\":\"p1\",\"title\":\"Tea\",\"price\":5}\n"},
      {FileKind::products, "p4.csv", "id,name,price\np1,Tea,5.00\n"},
      {FileKind::customers, "c.csv", "id,name,age,gender\nc1,Lin,30,f\n"},
      {FileKind::customers, "c2.csv", "客户ID,姓名,兴趣\nc1,林,茶\n"},
      {FileKind::customers, "c3.csv", "id,name,phone,sms_consent\nc1,Lin,13812345678,yes\n"},
      {FileKind::customers, "c.jsonl", "{\"id\":\"c1\",\"name\":\"Lin\",\"interests\":[\"tea\"]}\n"},
      {FileKind::events, "e.csv", kLog},
      {FileKind::events, "e.jsonl",
       "{\"user\":\"u\",\"item\":\"p\",\"behaviour\":\"buy\",\"time\":1512189107}\n"},
      {FileKind::reviews, "r.csv", "user,product,text,rating\nu,p,good,5\n"},
      {FileKind::reviews, "r2.csv", "用户ID,商品ID,评价内容,评分\nu,p,好,5\n"},
      {FileKind::reviews, "r.jsonl", "{\"user\":\"u\",\"product\":\"p\",\"text\":\"good\"}\n"},
      {FileKind::copy, "m.csv", "text,channel,sent,clicked\nNew tea,sms,100,3\n"},
      {FileKind::copy, "m.jsonl", "{\"text\":\"New tea\",\"sent\":100}\n"}};
  CollectOptions options;
  options.max_errors = 100;
  for (const File& file : files) {
    for (std::size_t i = 0; i < kFileKinds; ++i) {
      const auto given = static_cast<FileKind>(i);
      CAPTURE(file.name, to_string(given));
      if (given == file.kind) {
        CollectedShop shop;
        CHECK(shop.take(given, file.name, file.text).new_rows > 0);
        continue;
      }
      const std::string error = refusal(given, file.name, file.text, options);
      CHECK_THAT(error, Catch::Contains(concat("--", to_string(file.kind))) &&
                            Catch::Contains(concat(file.name, ":1: ")));
    }
  }
}

TEST_CASE("a file that could be of two kinds is read as the one that it is given as", "[collect][kinds]") {
  CollectedShop shop;
  CHECK(shop.take(FileKind::customers, "c.csv", "id\nc1\n").new_rows == 1);
  CHECK(shop.take(FileKind::customers, "c2.csv", "id,title,city\nc2,Ms,杭州\n").new_rows == 1);
  CHECK(shop.take(FileKind::products, "p.csv", "id,title,gender\np1,Shirt,women\n").new_rows == 1);
  CHECK(shop.take(FileKind::products, "p2.csv", "id,title\np2,Shirt\n").new_rows == 1);
  CHECK(shop.take(FileKind::events, "e.csv", "user,item,behaviour,time,text,rating\nu,p,buy,1512189107,x,5\n")
            .new_rows == 1);
  CHECK(shop.take(FileKind::reviews, "r.csv", "user,item,behaviour,time,text\nu,p,buy,1512189107,x\n")
            .new_rows == 1);
  CHECK(shop.take(FileKind::copy, "m.csv", "text,product,price\nTea for 5,p1,5\n").new_rows == 1);
}

TEST_CASE("files of real shops have no slips and are of their kind", "[collect][slips][golden]") {
  const auto data = shared_dir() / "data";
  if (!have(data / "taobao_behavior/user_behavior.csv") || !have(data / "shopify/apparel.csv")) return;
  CollectedShop shop;
  for (const char* name : {"shopify/apparel.csv", "shopify/home-and-garden.csv", "shopify/jewelery.csv"}) {
    if (std::filesystem::exists(data / name)) shop.read(FileKind::products, data / name);
  }
  shop.read(FileKind::events, data / "taobao_behavior/user_behavior.csv");
  CHECK(shop.slips.empty());
}
