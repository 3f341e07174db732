#include "copywriter/collect/consent.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/collect/contact.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/fields.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

using Kind = ConsentField::Kind;

// "yes" answers the field's own question, "unsubscribed" says what is so whatever the field is called, and
// "pending" that there is no answer yet.
enum class Says { yes, no, granted, refused, pending, nothing };
struct Answer {
  std::string_view text;
  Says says;
  bool yes() const { return says == Says::yes || says == Says::granted; }
  bool by_itself() const { return says == Says::granted || says == Says::refused; }
};
// Words as plain_name() writes them.
constexpr std::array kAnswers{
    Answer{"true", Says::yes},
    Answer{"t", Says::yes},
    Answer{"yes", Says::yes},
    Answer{"y", Says::yes},
    Answer{"1", Says::yes},
    Answer{"on", Says::yes},
    Answer{"x", Says::yes},
    Answer{"√", Says::yes},
    Answer{"✓", Says::yes},
    Answer{"✔", Says::yes},
    Answer{"是", Says::yes},
    Answer{"开", Says::yes},
    Answer{"enabled", Says::yes},
    Answer{"false", Says::no},
    Answer{"f", Says::no},
    Answer{"no", Says::no},
    Answer{"n", Says::no},
    Answer{"0", Says::no},
    Answer{"off", Says::no},
    Answer{"×", Says::no},
    Answer{"✗", Says::no},
    Answer{"否", Says::no},
    Answer{"不", Says::no},
    Answer{"关", Says::no},
    Answer{"never", Says::no},
    Answer{"disabled", Says::no},
    Answer{"granted", Says::granted},
    Answer{"subscribed", Says::granted},
    Answer{"confirmed", Says::granted},
    Answer{"optin", Says::granted},
    Answer{"optedin", Says::granted},
    Answer{"同意", Says::granted},
    Answer{"已同意", Says::granted},
    Answer{"订阅", Says::granted},
    Answer{"已订阅", Says::granted},
    Answer{"接受", Says::granted},
    Answer{"接收", Says::granted},
    Answer{"允许", Says::granted},
    Answer{"不同意", Says::refused},
    Answer{"未同意", Says::refused},
    Answer{"未订阅", Says::refused},
    Answer{"不接受", Says::refused},
    Answer{"不接收", Says::refused},
    Answer{"不允许", Says::refused},
    Answer{"退订", Says::refused},
    Answer{"已退订", Says::refused},
    Answer{"退定", Says::refused},
    Answer{"已退定", Says::refused},
    Answer{"取消订阅", Says::refused},
    Answer{"已取消", Says::refused},
    Answer{"拒绝", Says::refused},
    Answer{"已拒绝", Says::refused},
    Answer{"拒收", Says::refused},
    Answer{"denied", Says::refused},
    Answer{"declined", Says::refused},
    Answer{"refused", Says::refused},
    Answer{"rejected", Says::refused},
    Answer{"revoked", Says::refused},
    Answer{"withdrawn", Says::refused},
    Answer{"optout", Says::refused},
    Answer{"optedout", Says::refused},
    Answer{"unsubscribed", Says::refused},
    Answer{"notsubscribed", Says::refused},
    Answer{"nonsubscribed", Says::refused},
    Answer{"neversubscribed", Says::refused},
    Answer{"donotcontact", Says::refused},
    Answer{"transactional", Says::refused},
    Answer{"archived", Says::refused},
    Answer{"redacted", Says::refused},
    Answer{"cleaned", Says::refused},
    Answer{"bounced", Says::refused},
    Answer{"hardbounced", Says::refused},
    Answer{"undeliverable", Says::refused},
    Answer{"invalid", Says::refused},
    Answer{"suppressed", Says::refused},
    Answer{"complained", Says::refused},
    Answer{"pending", Says::pending},
    Answer{"unconfirmed", Says::pending},
    Answer{"notconfirmed", Says::pending},
    Answer{"awaiting", Says::pending},
    Answer{"awaitingconfirmation", Says::pending},
    Answer{"requested", Says::pending},
    Answer{"unknown", Says::nothing},
    Answer{"undefined", Says::nothing},
    Answer{"notset", Says::nothing},
    Answer{"unset", Says::nothing},
    Answer{"n/a", Says::nothing},
    Answer{"singleoptin", Says::nothing},
    Answer{"confirmedoptin", Says::nothing},
    Answer{"doubleoptin", Says::nothing},
    Answer{"待确认", Says::pending},
    Answer{"未确认", Says::pending},
    Answer{"确认中", Says::pending},
    Answer{"待定", Says::pending},
    Answer{"待激活", Says::pending},
    Answer{"未知", Says::nothing},
    Answer{"未设置", Says::nothing},
    Answer{"未填写", Says::nothing},
    Answer{"无", Says::nothing},
};

std::string text_of(const io::Json& value) {
  return value.is_string() ? std::string(trim(value.get_ref<const std::string&>())) : value.dump();
}

const Answer* answer_of(const std::string& text) {
  const std::string plain = plain_name(text);
  const auto found = std::find_if(kAnswers.begin(), kAnswers.end(),
                                  [&](const Answer& answer) { return answer.text == plain; });
  return found == kAnswers.end() ? nullptr : &*found;
}

// A date, or a number of seconds that no count would be.
std::optional<std::int64_t> date_of(const std::string& text) {
  const auto time = parse_time(text);
  constexpr std::int64_t year_1980 = 315532800;
  return time && *time > year_1980 ? time : std::nullopt;
}

bool is_number(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A column "status" may as well be an order's: of its answers those count that can mean nothing else.
bool is_about_messages(std::string_view answer) {
  return answer.find("subscribed") != std::string_view::npos || answer.find("opted") == 0 ||
         answer == "optout" || answer == "donotcontact" || answer == "cleaned" ||
         answer.find("订") != std::string_view::npos || answer == "拒收";
}

// What a record says of each channel.
class Answers {
 public:
  void refuse(const ConsentField& field, std::optional<std::int64_t> time) {
    said_.push_back({field.channel, false, time});
  }
  void grant(const ConsentField& field, std::optional<std::int64_t> time) {
    said_.push_back({field.grant_channel, true, time});
  }
  void date(const std::string& name, const ConsentField& field, std::int64_t time) {
    dates_.push_back({name, field, time});
  }

  /// There is no answer yet: a date beside it is none of a consent.
  void leave_open(const ConsentField& field) { open_.insert(field.grant_channel); }

  std::vector<Consent> settle(std::set<std::string>& unclear) {
    for (const Date& date : dates_) {
      const std::string& channel = date.field.grant_channel;
      bool answered = false;
      for (Consent& consent : said_) {
        if (consent.channel != channel && !channel.empty()) continue;
        answered = true;
        if (consent.granted && (!consent.time || consent.channel == channel)) consent.time = date.time;
      }
      if (answered || open_.contains(channel) || open_.contains("") || (channel.empty() && !open_.empty()))
        continue;
      if (date.field.kind == Kind::granted_when && date.field.clear)
        grant(date.field, date.time);
      else
        unclear.insert(date.name);
    }
    std::map<std::string, Consent> last;
    for (const Consent& consent : said_) {
      const auto [known, fresh] = last.emplace(consent.channel, consent);
      if (!fresh && wins(consent, known->second)) known->second = consent;
    }
    std::vector<Consent> all;
    for (auto& [channel, consent] : last) all.push_back(std::move(consent));
    return all;
  }

 private:
  struct Date {
    std::string name;
    ConsentField field;
    std::int64_t time;
  };
  // A refusal without a time may have come after any consent, a consent without one before any refusal.
  static bool wins(const Consent& one, const Consent& other) {
    if (one.granted == other.granted)
      return one.granted ? one.time && one.time > other.time
                         : other.time && (!one.time || *one.time > *other.time);
    if (one.granted) return one.time && other.time && *one.time > *other.time;
    return !wins(other, one);
  }

  std::vector<Consent> said_;
  std::vector<Date> dates_;
  std::set<std::string> open_;
};

enum class Understood { yes, not_ours, unclear };

// Takes note of what one field says.
Understood read_field(const std::string& name, const ConsentField& field, const std::string& text,
                      Answers& answers) {
  const Answer* answer = answer_of(text);
  // The number of a phone that there is none of is no answer.
  const bool number = is_number(text);
  if (field.kind == Kind::names && number &&
      (field.channel.empty() || field.channel == "phone" || field.channel == "email"))
    return Understood::not_ours;
  if (answer) {
    const bool refuses = field.kind == Kind::refuses || field.kind == Kind::refused_when;
    if (refuses) {  // who agrees to refuse has refused, and who has begun to
      if (answer->says != Says::no && answer->says != Says::nothing) answers.refuse(field, {});
    } else if (field.kind == Kind::states) {
      if (!answer->by_itself() || !is_about_messages(answer->text)) return Understood::not_ours;
      if (answer->yes()) return Understood::unclear;  // to what?
      answers.refuse(field, {});
    } else if (answer->says == Says::nothing || answer->says == Says::pending) {
      answers.leave_open(field);
    } else if (!answer->yes() && field.kind != Kind::when) {
      const bool nothing = field.kind == Kind::granted_when && !answer->by_itself();  // "0": at no time
      if (!nothing) answers.refuse(field, {});
    } else if (field.kind == Kind::asks && answer->yes()) {
      answers.grant(field, {});
    } else if (field.kind == Kind::names) {
      return Understood::unclear;
    }
    return Understood::yes;
  }
  const auto date = date_of(text);
  switch (field.kind) {
    case Kind::refuses:
      if (date) return answers.refuse(field, date), Understood::yes;
      if (!field.clear && number) return Understood::unclear;
      if (!field.clear) answers.refuse(field, {});  // "since spring" is no consent
      return Understood::unclear;
    case Kind::refused_when:
      answers.refuse(field, date);
      return date ? Understood::yes : Understood::unclear;
    case Kind::asks:
      if (date && field.clear) return answers.grant(field, date), Understood::yes;
      return field.clear || has_consent_word(name) ? Understood::unclear : Understood::not_ours;
    case Kind::granted_when:
    case Kind::when:
      if (date) return answers.date(name, field, *date), Understood::yes;
      return Understood::unclear;
    case Kind::names:
    case Kind::states:
      return Understood::not_ours;
  }
  return Understood::not_ours;
}

// {"state": "subscribed", "consent_updated_at": "2026-11-01T08:00:00Z"}: the first member that is called so.
const io::Json* member(const io::Json& object, std::initializer_list<std::string_view> names) {
  for (const auto& [key, value] : object.items()) {
    if (!value.is_structured() && !value.is_null() &&
        std::find(names.begin(), names.end(), plain_name(key)) != names.end())
      return &value;
  }
  return nullptr;
}

// A field that holds an address or a number tells of no consent; preferred_contact with a word may.
bool may_tell_of_consent(const std::string& name, const std::string& text) {
  if (!has_consent_word(name) || tells_personalised(name)) return false;
  const auto contact = contact_of_name(name);
  return !contact ||
         (contact == ContactKind::phone && text.find_first_of("0123456789@") == std::string::npos);
}

// Of what lies deeper only the names are looked at, so that nothing is lost in silence.
void look_into(const std::string& path, const io::Json& value, int depth, std::set<std::string>& unclear) {
  if (depth == 0) return;
  if (value.is_array()) {
    for (const io::Json& item : value) look_into(path, item, depth - 1, unclear);
  }
  if (!value.is_object()) return;
  for (const auto& [name, inner] : value.items()) {
    const std::string place = path + "." + name;
    const auto field = consent_of_name(name);
    if ((field && field->kind != Kind::names && field->kind != Kind::states &&
         (field->kind != Kind::asks || field->clear)) ||
        (!inner.is_structured() && may_tell_of_consent(name, text_of(inner))))
      unclear.insert(place);
    else
      look_into(place, inner, depth - 1, unclear);
  }
}

}  // namespace

std::vector<Consent> take_consents(io::Json& object, const std::string& where,
                                   std::set<std::string>& unclear) {
  Answers answers;
  for (auto at = object.begin(); at != object.end();) {
    const std::string& name = at.key();
    const auto field = tells_personalised(name) ? std::nullopt : consent_of_name(name);
    const bool nested = field && field->kind == Kind::asks && at->is_object();
    const io::Json* state = nested ? member(*at, {"state", "marketingstate", "status"}) : nullptr;
    const std::string text = at->is_null() ? "" : text_of(state ? *state : *at);
    if (text.empty()) {
      const bool ours = field && field->kind != Kind::names && field->kind != Kind::states;
      at = ours ? object.erase(at) : std::next(at);
      continue;
    }
    if (!field) {
      if (may_tell_of_consent(name, text))
        unclear.insert(name);
      else
        look_into(name, *at, /*depth=*/4, unclear);
      ++at;
      continue;
    }
    const Understood understood = read_field(name, *field, text, answers);
    if (const io::Json* when = state ? member(*at, {"consentupdatedat", "updatedat"}) : nullptr) {
      ConsentField dated = *field;
      dated.kind = Kind::when;
      if (const auto date = date_of(text_of(*when))) answers.date(name, dated, *date);
    }
    const bool asked = field->kind == Kind::asks || field->kind == Kind::refuses;
    if (understood == Understood::unclear && asked && field->clear)
      bad_field(io::JsonFields(object, where), name,
                "yes or no (also true, false, 1, 0, 是, 否, subscribed, unsubscribed)");
    if (understood == Understood::unclear ||
        (understood == Understood::not_ours && may_tell_of_consent(name, text)))
      unclear.insert(name);
    const bool stays = understood == Understood::not_ours ||
                       (understood == Understood::unclear && field->kind != Kind::refuses &&
                        field->kind != Kind::refused_when);
    at = stays ? std::next(at) : object.erase(at);
  }
  return answers.settle(unclear);
}

}  // namespace adlib::copywriter
