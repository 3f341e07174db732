// The names of fields that hold contact data.
#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "copywriter/collect/contact.h"

namespace adlib::copywriter {
namespace {

// The words of a name in lower case: "shipAddress_line-1" is ship, address, line, 1.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words;
  bool fresh = true;
  char before = ' ';
  for (const char c : name) {
    const bool upper = c >= 'A' && c <= 'Z', digit = c >= '0' && c <= '9';
    const bool letter = upper || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
    if (!letter && !digit) {
      fresh = true;
    } else {
      const bool after_lower = before >= 'a' && before <= 'z', after_digit = before >= '0' && before <= '9';
      if (fresh || (upper && after_lower) || (digit && !after_digit)) words.emplace_back();
      words.back() += upper ? static_cast<char>(c - 'A' + 'a') : c;
      fresh = false;
    }
    before = c;
  }
  return words;
}

using Names = std::pair<std::string_view, ContactKind>;

// A name that ends with such a word, a number aside, holds what the word says: "customer_email", "address1".
// Names that go on, such as email_opened, tell something about it.
constexpr std::array kLastWords{
    Names{"phone", ContactKind::phone},        Names{"telephone", ContactKind::phone},
    Names{"mobile", ContactKind::phone},       Names{"cellphone", ContactKind::phone},
    Names{"mobilephone", ContactKind::phone},  Names{"phonenumber", ContactKind::phone},
    Names{"mobilenumber", ContactKind::phone}, Names{"contactnumber", ContactKind::phone},
    Names{"cell", ContactKind::phone},         Names{"tel", ContactKind::phone},
    Names{"fax", ContactKind::phone},          Names{"whatsapp", ContactKind::phone},
    Names{"contact", ContactKind::phone},      Names{"email", ContactKind::email},
    Names{"mail", ContactKind::email},         Names{"emailaddress", ContactKind::email},
    Names{"address", ContactKind::address},    Names{"addr", ContactKind::address},
    Names{"street", ContactKind::address},     Names{"streetaddress", ContactKind::address},
    Names{"zip", ContactKind::address},        Names{"zipcode", ContactKind::address},
    Names{"postcode", ContactKind::address},   Names{"postalcode", ContactKind::address},
    Names{"addresses", ContactKind::address},  Names{"wechat", ContactKind::account},
    Names{"weixin", ContactKind::account},     Names{"qq", ContactKind::account},
    Names{"telegram", ContactKind::account},   Names{"openid", ContactKind::account},
    Names{"unionid", ContactKind::account},    Names{"ssn", ContactKind::id_number},
    Names{"passport", ContactKind::id_number}, Names{"idcard", ContactKind::id_number},
    Names{"idnumber", ContactKind::id_number}, Names{"iban", ContactKind::card},
    Names{"cardnumber", ContactKind::card},    Names{"bankcard", ContactKind::card},
    Names{"ip", ContactKind::address},
};
// Two words at the end: "phone_number", "postal code".
constexpr std::array kLastPairs{
    Names{"phone number", ContactKind::phone},
    Names{"mobile number", ContactKind::phone},
    Names{"cell number", ContactKind::phone},
    Names{"contact number", ContactKind::phone},
    Names{"contact no", ContactKind::phone},
    Names{"tel number", ContactKind::phone},
    Names{"telephone number", ContactKind::phone},
    Names{"phone no", ContactKind::phone},
    Names{"mobile no", ContactKind::phone},
    Names{"e mail", ContactKind::email},
    Names{"mail id", ContactKind::email},
    Names{"email id", ContactKind::email},
    Names{"address line", ContactKind::address},
    Names{"postal code", ContactKind::address},
    Names{"post code", ContactKind::address},
    Names{"zip code", ContactKind::address},
    Names{"we chat", ContactKind::account},
    Names{"wechat id", ContactKind::account},
    Names{"weixin id", ContactKind::account},
    Names{"open id", ContactKind::account},
    Names{"union id", ContactKind::account},
    Names{"qq number", ContactKind::account},
    Names{"id number", ContactKind::id_number},
    Names{"id card", ContactKind::id_number},
    Names{"id no", ContactKind::id_number},
    Names{"card no", ContactKind::card},
    Names{"passport number", ContactKind::id_number},
    Names{"passport no", ContactKind::id_number},
    Names{"card number", ContactKind::card},
    Names{"account number", ContactKind::card},
    Names{"identity card", ContactKind::id_number},
    Names{"identity number", ContactKind::id_number},
};
// Chinese names that end so: 收货人手机号. What goes on, such as 手机型号, tells of something else.
constexpr std::array kChineseEnds{
    Names{"手机", ContactKind::phone},         Names{"手机号", ContactKind::phone},
    Names{"手机号码", ContactKind::phone},     Names{"移动电话", ContactKind::phone},
    Names{"电话", ContactKind::phone},         Names{"电话号码", ContactKind::phone},
    Names{"座机", ContactKind::phone},         Names{"固话", ContactKind::phone},
    Names{"传真", ContactKind::phone},         Names{"联系方式", ContactKind::phone},
    Names{"邮箱", ContactKind::email},         Names{"邮箱地址", ContactKind::email},
    Names{"电子邮件", ContactKind::email},     Names{"邮件地址", ContactKind::email},
    Names{"电邮", ContactKind::email},         Names{"地址", ContactKind::address},
    Names{"住址", ContactKind::address},       Names{"门牌号", ContactKind::address},
    Names{"街道", ContactKind::address},       Names{"邮编", ContactKind::address},
    Names{"邮政编码", ContactKind::address},   Names{"微信", ContactKind::account},
    Names{"微信号", ContactKind::account},     Names{"qq号", ContactKind::account},
    Names{"qq号码", ContactKind::account},     Names{"身份证", ContactKind::id_number},
    Names{"身份证号", ContactKind::id_number}, Names{"身份证号码", ContactKind::id_number},
    Names{"证件号", ContactKind::id_number},   Names{"证件号码", ContactKind::id_number},
    Names{"护照", ContactKind::id_number},     Names{"护照号", ContactKind::id_number},
    Names{"护照号码", ContactKind::id_number}, Names{"银行卡", ContactKind::card},
    Names{"银行卡号", ContactKind::card},      Names{"银行账号", ContactKind::card},
};

}  // namespace

std::optional<ContactKind> contact_of_name(std::string_view field) {
  const FoldedText folded(field);
  // Folding takes the case away by which "shipAddress" is two words: both are looked at.
  for (const std::string_view name : {field, std::string_view(folded.folded())}) {
    std::vector<std::string> words = words_of(name);
    while (words.size() > 1 && std::all_of(words.back().begin(), words.back().end(),
                                           [](char c) { return c >= '0' && c <= '9'; })) {
      words.pop_back();
    }
    if (words.empty()) continue;
    // do_not_contact holds an answer.
    if (std::any_of(words.begin(), std::prev(words.end()),
                    [](const std::string& word) { return word == "not" || word == "dont" || word == "don"; }))
      return {};
    for (const auto& [word, kind] : kLastWords) {
      if (words.back() == word) return kind;
    }
    for (const auto& [pair, kind] : kLastPairs) {
      if (words.size() > 1 && words[words.size() - 2] + " " + words.back() == pair) return kind;
    }
    for (const auto& [end, kind] : kChineseEnds) {
      if (words.back().ends_with(end)) return kind;
    }
  }
  return {};
}

}  // namespace adlib::copywriter
