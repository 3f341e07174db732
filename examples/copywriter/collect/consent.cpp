#include "copywriter/collect/consent.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/collect/contact.h"
#include "copywriter/collect/customer.h"
#include "copywriter/collect/fields.h"
#include "copywriter/collect/text.h"

namespace adlib::copywriter {
namespace {

using Kind = ConsentField::Kind;

// "yes" answers the field's own question, while "unsubscribed" says what is so whatever the field is called.
struct Answer {
  std::string_view text;
  bool yes;
  bool by_itself = false;
};
constexpr std::array kAnswers{
    Answer{"true", true},
    Answer{"t", true},
    Answer{"yes", true},
    Answer{"y", true},
    Answer{"1", true},
    Answer{"on", true},
    Answer{"x", true},
    Answer{"√", true},
    Answer{"✓", true},
    Answer{"✔", true},
    Answer{"是", true},
    Answer{"开", true},
    Answer{"enabled", true},
    Answer{"false", false},
    Answer{"f", false},
    Answer{"no", false},
    Answer{"n", false},
    Answer{"0", false},
    Answer{"off", false},
    Answer{"×", false},
    Answer{"✗", false},
    Answer{"否", false},
    Answer{"不", false},
    Answer{"关", false},
    Answer{"never", false},
    Answer{"disabled", false},
    Answer{"granted", true, true},
    Answer{"subscribed", true, true},
    Answer{"confirmed", true, true},
    Answer{"optin", true, true},
    Answer{"optedin", true, true},
    Answer{"同意", true, true},
    Answer{"已同意", true, true},
    Answer{"订阅", true, true},
    Answer{"已订阅", true, true},
    Answer{"接受", true, true},
    Answer{"接收", true, true},
    Answer{"允许", true, true},
    Answer{"不同意", false, true},
    Answer{"未同意", false, true},
    Answer{"未订阅", false, true},
    Answer{"不接受", false, true},
    Answer{"不接收", false, true},
    Answer{"不允许", false, true},
    Answer{"退订", false, true},
    Answer{"已退订", false, true},
    Answer{"取消订阅", false, true},
    Answer{"已取消", false, true},
    Answer{"拒绝", false, true},
    Answer{"已拒绝", false, true},
    Answer{"拒收", false, true},
    Answer{"denied", false, true},
    Answer{"declined", false, true},
    Answer{"refused", false, true},
    Answer{"rejected", false, true},
    Answer{"revoked", false, true},
    Answer{"withdrawn", false, true},
    Answer{"optout", false, true},
    Answer{"optedout", false, true},
    Answer{"pending", false, true},
    Answer{"unsubscribed", false, true},
    Answer{"notsubscribed", false, true},
    Answer{"neversubscribed", false, true},
    Answer{"donotcontact", false, true},
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

  std::vector<Consent> settle(std::set<std::string>& unclear) {
    for (const Date& date : dates_) {
      const std::string& channel = date.field.grant_channel;
      bool answered = false;
      for (Consent& consent : said_) {
        if (consent.channel != channel && !channel.empty()) continue;
        answered = true;
        if (consent.granted && (!consent.time || consent.channel == channel)) consent.time = date.time;
      }
      if (answered) continue;
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
    if (refuses && (answer->yes || answer->by_itself)) {  // who agrees to refuse has refused
      answers.refuse(field, {});
    } else if (!refuses && !answer->yes && field.kind != Kind::when) {
      const bool nothing = field.kind == Kind::granted_when && !answer->by_itself;  // "0": at no time
      if (!nothing) answers.refuse(field, {});
    } else if (field.kind == Kind::asks && answer->yes) {
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
      return Understood::not_ours;
  }
  return Understood::not_ours;
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
    if ((field && field->kind != Kind::names && (field->kind != Kind::asks || field->clear)) ||
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
    const std::string text = at->is_null() ? "" : text_of(*at);
    if (text.empty()) {
      at = field && field->kind != Kind::names ? object.erase(at) : std::next(at);
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
