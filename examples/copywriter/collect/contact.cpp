#include "copywriter/collect/contact.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/rules/pcre2_code.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::string_view kMarker = "[…]";

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string digits_of(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), is_digit);
  return digits;
}

std::string without_spaces(std::string_view text) {
  std::string out;
  std::copy_if(text.begin(), text.end(), std::back_inserter(out),
               [](char c) { return c != ' ' && c != '\n'; });
  return out;
}

// Luhn 1960 (ISO/IEC 7812-1, annex B).
bool has_luhn_digit(std::string_view digits) {
  int sum = 0;
  bool doubled = false;
  for (std::size_t i = digits.size(); i-- > 0; doubled = !doubled) {
    const int digit = (digits[i] - '0') * (doubled ? 2 : 1);
    sum += digit > 9 ? digit - 9 : digit;
  }
  return sum % 10 == 0;
}

// The prefixes and lengths of UnionPay, Visa, Mastercard, American Express, Discover and JCB.
bool is_card(std::string_view digits) {
  const auto prefix = [&](std::size_t count) { return std::stoi(std::string(digits.substr(0, count))); };
  const std::size_t size = digits.size();
  const bool known = (digits.starts_with("62") && size >= 16 && size <= 19) ||
                     (digits[0] == '4' && size == 16) || (size == 16 && prefix(2) >= 51 && prefix(2) <= 55) ||
                     (size == 16 && prefix(4) >= 2221 && prefix(4) <= 2720) ||
                     (size == 15 && (prefix(2) == 34 || prefix(2) == 37)) ||
                     (size == 16 && (prefix(4) == 6011 || prefix(2) == 65)) ||
                     (size == 16 && prefix(4) >= 3528 && prefix(4) <= 3589);
  return known && has_luhn_digit(digits);
}

// GB 11643-1999: region, date of birth, sequence, check character by ISO 7064 MOD 11-2.
bool is_id_number(std::string_view text) {
  constexpr std::array weights{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  constexpr std::string_view checks = "10x98765432";
  int sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) sum += (text[i] - '0') * weights[i];
  if (checks[static_cast<std::size_t>(sum % 11)] != (text[17] == 'X' ? 'x' : text[17])) return false;
  const std::string date = concat(text.substr(6, 4), "-", text.substr(10, 2), "-", text.substr(12, 2));
  return parse_time(date).has_value();
}

// Social Security numbers are never issued with an area 000, 666 or above 899, a group 00 or a serial 0000.
bool is_ssn(std::string_view digits) {
  const std::string_view area = digits.substr(0, 3);
  return area != "000" && area != "666" && area[0] != '9' && digits.substr(3, 2) != "00" &&
         digits.substr(5) != "0000";
}

// ISO 13616: the country's length, and as a number, the first four characters behind the rest and letters as
// 10 to 35, 1 modulo 97.
bool is_iban(std::string_view text) {
  constexpr std::string_view lengths =
      "ad24ae23al28at20az28ba20be16bg22bh22br29ch21cr22cy28cz24de22dk18do28ee20es24fi18fo18fr27gb22ge22gi23gl"
      "18"
      "gr27gt28hr21hu28ie22il23is26it27jo30kw30kz20lb28li21lt20lu20lv21mc27md24me22mk19mr27mt31mu30nl18no15pk"
      "24"
      "pl28ps29pt25qa29ro24rs22sa24se24si19sk24sm27tn24tr26ua29vg24xk20";
  std::string plain = without_spaces(text);
  for (std::size_t at = 0; at < lengths.size(); at += 4) {
    if (!plain.starts_with(lengths.substr(at, 2))) continue;
    const auto size = static_cast<std::size_t>((lengths[at + 2] - '0') * 10 + (lengths[at + 3] - '0'));
    if (plain.size() < size) return false;
    plain.resize(size);  // the next word may have been taken along
    std::rotate(plain.begin(), plain.begin() + 4, plain.end());
    int rest = 0;
    for (const char c : plain)
      rest = (is_digit(c) ? rest * 10 + (c - '0') : rest * 100 + (c - 'a' + 10)) % 97;
    return rest == 1;
  }
  return false;
}

// A number's digits with the code of its country.
std::string phone_digits(std::string_view text) {
  std::string digits = digits_of(text);
  if (text.starts_with('+')) return digits;
  if (digits.starts_with("00")) return digits.substr(2);
  const bool american = text.size() > 1 && text[0] == '1' && !is_digit(text[1]);   // 1-555-…
  if (digits.size() == 11 && digits[0] == '1' && !american) return "86" + digits;  // a Chinese mobile number
  const bool british = digits.size() == 11 && digits.starts_with("07") &&
                       ((text.size() > 5 && !is_digit(text[5])) || digits[4] == '0' || digits[4] == '1');
  if (british) return "44" + digits.substr(1);
  if (digits.starts_with("0")) return "86" + digits.substr(1);  // a landline with its area
  if (digits.size() == 10) return "1" + digits;
  return digits;
}

// Without which a pattern cannot match: most texts hold none of it.
enum class Needs { at_sign, digit, house, account, messenger };

struct Pattern {
  ContactKind kind;
  Needs needs;
  const char* expression;
  bool folded = true;  // else the text as it was written
};

// A city or a part of it and the road behind it; a number; rooms and floors, behind a number.
#define ADLIB_PLACE "\\p{Han}{1,12}(?:省|市|区|县|镇|乡|村|州|街道|小区)\\p{Han}{0,12}?"
#define ADLIB_NUMBER "(?:[0-9]{1,5}|[一二三四五六七八九十百零〇]{1,5})"
#define ADLIB_ROOM                                                                                                                    \
  "(?:[-,，]?(?:[a-z0-9]{1,5}|[一二三四五六七八九十]{1,3})(?:号楼|号院|号|弄|支弄|幢|栋|座|单元|楼|层|室|" \
  "房|户|#))"

constexpr std::array kPatterns{
    Pattern{ContactKind::email, Needs::at_sign,
            "[a-z0-9._%+-]{1,64}@(?:[\\p{L}\\p{N}-]{1,63}\\.)+(?:(?!(?:jpe?g|png|gif|webp|svg)(?![a-z]))[a-z]"
            "{2,24}(?![a-z])|"
            "\\p{Han}{2,4})"},
    Pattern{ContactKind::id_number, Needs::digit,
            "(?<![0-9a-z])(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])[0-9]{4}(?:18|19|20)[0-9]{9}"
            "[0-9x]"
            "(?![0-9a-z])"},
    Pattern{ContactKind::card, Needs::digit,
            "(?<![0-9a-z])(?<![0-9]\\.)(?:[0-9]{15,19}|[0-9]{4}([ "
            "-])[0-9]{4}\\1[0-9]{4}\\1[0-9]{4}(?:\\1[0-9]{1,3})?"
            "|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5})(?![0-9])"},
    // +CC, at most 15 digits.
    Pattern{ContactKind::phone, Needs::digit, "(?<![0-9a-z])\\+[1-9](?:[ ()./-]{0,2}[0-9]){7,14}(?![0-9])"},
    // A Chinese mobile number, after a word for it or after what is no letter: letters before it make a code.
    Pattern{ContactKind::phone, Needs::digit,
            "(?<![0-9])(?:(?<![a-z0-9_])|(?<=tel|phone|mobile|mob|wechat|weixin|vx|wx|qq|v))"
            "(?:(?:\\+|00)?86[ -]?)?1[3-9][0-9][ .-]?[0-9]{4}[ .-]?[0-9]{4}(?![0-9])"},
    // A landline with its area. Without a mark between the two it needs a word before it.
    Pattern{ContactKind::phone, Needs::digit,
            "(?<![0-9a-z])(?:\\(0(?:10|2[0-9]|[3-9][0-9]{2})\\) ?|0(?:10|2[0-9]|[3-9][0-9]{2})[ -]|"
            "(?<=电话|座机|致电|tel:|tel)[:： "
            "]?0(?:10|2[0-9]|[3-9][0-9]{2}))[1-9][0-9]{6,7}(?:[-转][0-9]{1,5})?(?![0-9])"},
    // A landline without its area, behind a word for it.
    Pattern{
        ContactKind::phone, Needs::digit,
        "(?:(?:电话|座机|固话|致电|传真)(?:号码?)?(?:[: ]|是|为)*|(?<![a-z])(?:tel|phone|fax)(?: ?(?:number|"
        "no\\.?))?"
        " ?[:.] ?)\\K[2-9][0-9]{2,3}[ -]?[0-9]{4}(?![0-9]|[ .,-]?[0-9])"},
    // A mobile number of the United Kingdom; without a mark in it behind a word for it.
    Pattern{ContactKind::phone, Needs::digit,
            "(?<![0-9a-z+.-])07[1-57-9][0-9]{2}[ -][0-9]{3} ?[0-9]{3}(?![0-9-])"},
    Pattern{
        ContactKind::phone, Needs::digit,
        "(?:电话|手机|(?<![a-z])(?:tel|phone|mobile|cell|call|text|whatsapp))(?:号码?| ?(?:number|no\\.?))?"
        "(?:[: ]|是|为|me|on|at)*\\K07[1-57-9][0-9]{8}(?![0-9])"},
    // North America.
    Pattern{ContactKind::phone, Needs::digit,
            "(?<![0-9a-z+])(?<![0-9]-)(?:1[ .-])?(?:\\([2-9][0-9]{2}\\) "
            "?|[2-9][0-9]{2}([.-]))[2-9][0-9]{2}(?(1)\\1|[ .-])[0-9]{4}(?![0-9-])"},
    // A passport, behind the word; a US Social Security number.
    Pattern{ContactKind::id_number, Needs::digit,
            "(?:护照(?:号码?)?|(?<![a-z])passport(?: ?(?:number|num|no\\.?))?)(?:[:# ]|是|为|is)*\\K"
            "(?:[a-z]{1,2}[0-9]{7,8}|[0-9]{8,9})(?![0-9a-z])"},
    Pattern{ContactKind::id_number, Needs::digit, "(?<![0-9a-z.-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9a-z-])"},
    Pattern{ContactKind::id_number, Needs::digit,
            "(?<![a-z])(?:ssn|social security(?: (?:number|no\\.?))?)(?:[:# ]|is)*\\K"
            "[0-9]{3}[ -]?[0-9]{2}[ -]?[0-9]{4}(?![0-9])"},
    Pattern{ContactKind::card, Needs::digit,
            "(?<![0-9a-z])[a-z]{2}[0-9]{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,4})?(?![0-9a-z])"},
    Pattern{ContactKind::account, Needs::messenger,
            "(?<![a-z])(?:wechat|weixin|wx|vx|whatsapp|telegram|line) ?id(?:[: ]|is)*\\K(?=[a-z0-9-]*[0-9_])"
            "[a-z][a-z0-9_-]{4,19}(?![a-z0-9_-])"},
    Pattern{ContactKind::account, Needs::account,
            "(?:微信|薇信|v信|扣扣)(?:号码?|id)?(?:[:： ]|是|为)*[a-z][a-z0-9_-]{5,19}(?![a-z0-9_-])"},
    Pattern{ContactKind::account, Needs::account,
            "(?<![a-z])(?:wechat|weixin|wx|vx|whatsapp|telegram)(?: ?id)? ?[:：] ?[a-z+@][a-z0-9_-]{4,19}"},
    Pattern{ContactKind::account, Needs::digit,
            "(?:(?<![a-z])qq|扣扣)(?:号码?|群)?(?:[:： ]|是|为)*[1-9][0-9]{4,10}(?![0-9])"},
    // A road and a number, with what makes it an address: a city before it, a room behind it, or a word for
    // it.
    Pattern{ContactKind::address, Needs::house,
            ADLIB_PLACE "(?:路|街|巷|弄|道|胡同)[东南西北中]?(?:[一二三四五六七八九十]段)?" ADLIB_NUMBER
                        "(?:号院|号楼|号|弄)" ADLIB_ROOM "*"},
    Pattern{ContactKind::address, Needs::house,
            "\\p{Han}{2,6}(?:路|街|巷|弄|道|胡同)[东南西北中]?(?:[一二三四五六七八九十]段)?" ADLIB_NUMBER
            "(?:号院|号楼|号|弄)" ADLIB_ROOM "+"},
    Pattern{ContactKind::address, Needs::house,
            "(?<=地址|住在|家在|住址|寄到|寄往|送到|位于|收货)[:：是为 "
            "]*\\p{Han}{0,12}?\\p{Han}{1,6}(?:路|街|巷|弄|道|胡同)"
            "[东南西北中]?" ADLIB_NUMBER "(?:号院|号楼|号|弄)" ADLIB_ROOM "*"},
    Pattern{
        ContactKind::address, Needs::house,
        "\\p{Han}{1,6}(?:中|东|西|南|北|山|民|放|设|京|海|安|华|平|江|湖|州|阳|宁|兴|新|建|和|园|庄|桥|门|府)"
        "(?:大?道|路|街)" ADLIB_NUMBER "号(?![色款码卡线店楼后前左右就到发收])"},
    Pattern{ContactKind::address, Needs::house,
            "\\p{Han}{2,16}(?:小区|花园|家园|公寓|新村|大厦|社区|苑|城|府|湾|庭)"
            "(?:[0-9a-z]{1,4}|[一二三四五六七八九十]{1,3})(?:期)?(?:号楼|栋|幢|座)" ADLIB_ROOM "*"
            "(?:[0-9]{2,5}(?:室|房|户)?)?"},
    Pattern{ContactKind::address, Needs::digit,
            "(?<![0-9.,$€£¥-])[0-9]{1,5}[A-Za-z]? (?:(?:N|S|E|W|North|South|East|West)\\.? )?(?:[A-Z][a-z]+ "
            "|[0-9]{1,3}"
            "(?:st|nd|rd|th) ){1,3}(?:Street|St|Avenue|Ave|Road|Rd|Lane|Ln|Boulevard|Blvd|Drive|Dr)\\b\\.?"
            "(?:,? (?:Apt|Apartment|Suite|Ste|Unit|Flat|#)\\.? ?#?[0-9A-Za-z]{1,6})?",
            /*folded=*/false},
};

// Compiled once; const use from many threads is safe, since each search has its own match data.
const std::vector<std::shared_ptr<const Pcre2Code>>& compiled() {
  static const std::vector<std::shared_ptr<const Pcre2Code>> all = [] {
    std::vector<std::shared_ptr<const Pcre2Code>> codes;
    for (const Pattern& pattern : kPatterns) {
      std::string error;
      codes.push_back(Pcre2Code::compile(pattern.expression, PCRE2_UTF | PCRE2_NO_UTF_CHECK, error));
      require(codes.back() != nullptr, "contact: ", pattern.expression, ": ", error);
    }
    return codes;
  }();
  return all;
}

// What was matched in one spelling, or nothing when it is no contact data after all.
std::optional<std::string> value_of(ContactKind kind, std::string_view text) {
  switch (kind) {
    case ContactKind::phone:
      return phone_digits(text);
    case ContactKind::id_number:
      if (text.size() == 18) return is_id_number(text) ? std::optional(std::string(text)) : std::nullopt;
      if (std::string digits = digits_of(text);
          digits.size() == 9 && digits.size() < text.size() && is_digit(text[0]))
        return is_ssn(digits) ? std::optional(std::move(digits)) : std::nullopt;
      return std::string(text);
    case ContactKind::card: {
      if (!is_digit(text[0])) return is_iban(text) ? std::optional(without_spaces(text)) : std::nullopt;
      std::string digits = digits_of(text);
      return is_card(digits) ? std::optional(std::move(digits)) : std::nullopt;
    }
    case ContactKind::email:
    case ContactKind::address:
    case ContactKind::account:
      return without_spaces(text);
  }
  return {};
}

bool holds(std::string_view folded, Needs needs) {
  const auto any = [&](std::initializer_list<std::string_view> parts) {
    return std::any_of(parts.begin(), parts.end(),
                       [&](std::string_view part) { return folded.find(part) != std::string_view::npos; });
  };
  switch (needs) {
    case Needs::at_sign:
      return any({"@"});
    case Needs::digit:
      return std::any_of(folded.begin(), folded.end(), is_digit);
    case Needs::house:
      return any({"号", "弄", "栋", "幢", "座"});
    case Needs::account:
      return any({"信", "扣扣", ":"});
    case Needs::messenger:
      return any({"id"});
  }
  return true;
}

void find_all(std::size_t index, const FoldedText& folded, pcre2_match_data* match,
              std::vector<Contact>& found) {
  const Pattern& pattern = kPatterns[index];
  if (!holds(folded.folded(), pattern.needs)) return;
  const Pcre2Code& code = *compiled()[index];
  const std::string_view text = pattern.folded ? std::string_view(folded.folded()) : folded.source();
  for (std::size_t at = 0; at < text.size();) {
    const int result = code.match(text, at, PCRE2_NO_UTF_CHECK, match);
    if (result == PCRE2_ERROR_NOMATCH) return;
    if (result < 0) {  // a text that exhausts the search: what nobody has read through may hold anything
      found.push_back({pattern.kind, {0, folded.source().size()}, ""});
      return;
    }
    const PCRE2_SIZE* span = pcre2_get_ovector_pointer(match);
    const Range range{span[0], span[1]};
    if (auto value = value_of(pattern.kind, text.substr(range.begin, range.end - range.begin))) {
      found.push_back({pattern.kind, pattern.folded ? folded.source_of(range) : range, std::move(*value)});
      at = range.end;
    } else {
      next_code_point(text, at = range.begin);
    }
  }
}

// Most texts hold nothing that any pattern begins with.
bool may_hold_contacts(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return is_digit(c) || c == '@' || c == ':' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
  });
}

}  // namespace

const char* to_string(ContactKind kind) {
  constexpr std::array names{"phone", "email", "address", "id_number", "card", "account"};
  return names[static_cast<std::size_t>(kind)];
}

std::vector<Contact> find_contacts(std::string_view text) {
  std::vector<Contact> found;
  if (!may_hold_contacts(text) || !is_utf8(text)) return found;
  const FoldedText folded(text);
  constexpr std::uint32_t groups = 4;  // more than any pattern has
  const Pcre2Match match(pcre2_match_data_create(groups, nullptr));
  for (std::size_t i = 0; i < kPatterns.size(); ++i) find_all(i, folded, match.get(), found);
  // Of two that overlap the one that begins first, and of those the longest, takes in the other.
  std::sort(found.begin(), found.end(), [](const Contact& a, const Contact& b) {
    return a.where.begin != b.where.begin ? a.where.begin < b.where.begin : a.where.end > b.where.end;
  });
  std::vector<Contact> apart;
  for (Contact& contact : found) {
    if (!apart.empty() && contact.where.begin < apart.back().where.end) {
      apart.back().where.end = std::max(apart.back().where.end, contact.where.end);
    } else {
      apart.push_back(std::move(contact));
    }
  }
  return apart;
}

std::string without_contacts(std::string_view text, std::int64_t& removed) {
  const std::vector<Contact> found = find_contacts(text);
  if (found.empty()) return std::string(text);
  std::string out;
  std::size_t at = 0;
  for (const Contact& contact : found) {
    out += text.substr(at, contact.where.begin - at);
    out += kMarker;
    at = contact.where.end;
  }
  out += text.substr(at);
  removed += std::ssize(found);
  return out;
}

std::optional<std::string> contact_id(std::string_view id) {
  const std::vector<Contact> found = find_contacts(id);
  if (found.size() != 1) return {};
  const Contact& contact = found.front();
  const bool whole = contact.where.begin == 0 && contact.where.end == id.size();
  const bool reaches = contact.kind == ContactKind::email || contact.kind == ContactKind::phone ||
                       contact.kind == ContactKind::id_number;
  return whole && reaches ? std::optional(contact.value) : std::nullopt;
}

namespace {

// The text without contact data; nothing when it was nothing else.
std::optional<std::string> cleaned(const std::string& text, RemovedContacts& removed) {
  std::int64_t count = 0;
  std::string out = without_contacts(text, count);
  if (count == 0) return text;
  removed.count += count;
  if (trim(out) != kMarker) return out;
  for (Contact& contact : find_contacts(text))
    removed.whole.push_back({contact.kind, {}, std::move(contact.value)});
  return {};
}

// What a field of such a name holds, in one spelling where it can be told.
void take_named(ContactKind kind, const io::Json& value, RemovedContacts& removed) {
  if (value.is_structured()) {
    for (const io::Json& item : value) take_named(kind, item, removed);
    return;
  }
  if (value.is_null() || value.is_boolean()) return;
  const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (trim(text).empty()) return;
  ++removed.count;
  const std::vector<Contact> found = find_contacts(text);
  for (const Contact& contact : found) removed.whole.push_back({contact.kind, {}, contact.value});
  if (!found.empty()) return;
  const std::string plain = without_spaces(FoldedText(text).folded());
  std::string one = kind == ContactKind::phone ? phone_digits(plain) : plain;
  if (!one.empty()) removed.whole.push_back({kind, {}, std::move(one)});
}

// False: nothing of the value is left.
bool clean_value(io::Json& value, bool by_name, RemovedContacts& removed);

void clean_object(io::Json& object, bool by_name, const std::set<std::string>& keep,
                  RemovedContacts& removed) {
  for (auto at = object.begin(); at != object.end();) {
    bool stays = true;
    if (!keep.contains(at.key())) {
      const auto kind = by_name ? contact_of_name(at.key()) : std::nullopt;
      if (kind) take_named(*kind, at.value(), removed);
      stays = !kind && clean_value(at.value(), by_name, removed);
      // A review without a text, or a product without a title, would be a bad row.
      if (!kind && !stays && (at.key() == "text" || at.key() == "title")) at.value() = kMarker, stays = true;
      std::int64_t in_name = 0;
      if (without_contacts(at.key(), in_name); in_name > 0) removed.count += in_name, stays = false;
    }
    at = stays ? std::next(at) : object.erase(at);
  }
}

bool clean_value(io::Json& value, bool by_name, RemovedContacts& removed) {
  if (value.is_object()) {
    clean_object(value, by_name, {}, removed);
    return true;
  }
  if (value.is_array()) {
    for (auto at = value.begin(); at != value.end();)
      at = clean_value(*at, by_name, removed) ? std::next(at) : value.erase(at);
    return true;
  }
  if (value.is_number_integer()) return cleaned(value.dump(), removed).has_value();
  if (!value.is_string()) return true;
  auto text = cleaned(value.get_ref<const std::string&>(), removed);
  if (text) value = std::move(*text);
  return text.has_value();
}

}  // namespace

void remove_contacts(io::Json& object, bool by_name, const std::set<std::string>& keep,
                     RemovedContacts& removed) {
  clean_object(object, by_name, keep, removed);
}

}  // namespace adlib::copywriter
