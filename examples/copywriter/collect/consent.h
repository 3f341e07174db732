// copywriter/collect/consent.h: which fields say that a person may be written to, and what they say.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/io/json.h"

namespace adlib::copywriter {

/// "sms_consent", "Accepts Email Marketing", 短信同意, push_opt_out, 拒收短信, do_not_contact,
/// unsubscribed_at.
struct ConsentField {
  enum class Kind {
    asks,          ///< yes grants, no refuses
    refuses,       ///< yes refuses, no says nothing: not to refuse is not to agree
    names,         ///< a channel and nothing more: no refuses, yes says nothing
    refused_when,  ///< holds the time of a refusal, and so is one
    granted_when,  ///< holds the time of a consent, and is one where the record has no answer
    when,          ///< holds the time of an answer
    states,        ///< "status": those words refuse that are about messages alone, such as "unsubscribed"
  };
  Kind kind = Kind::asks;
  std::string channel;        ///< push, sms, email, wechat, phone; "" is every channel
  std::string grant_channel;  ///< what a yes is about, where that is less: a newsletter is e-mail
  bool clear =
      false;  ///< an answer that is neither yes nor no is a mistake; else the field may mean another thing
};
/// Nothing for a name that is not made of words for channels and consent alone.
std::optional<ConsentField> consent_of_name(std::string_view field);
/// True for a name in which a word for consent stands: consent, opt, subscribe, contact, accept, allow,
/// marketing, newsletter, 同意, 拒收, 退订, 接收, 订阅 and their like.
bool has_consent_word(std::string_view field);

struct Consent {
  std::string channel;
  bool granted = false;
  std::optional<std::int64_t> time = {};  ///< Unix seconds, where the record says when
};
/// Takes the consents out of an object, at most one a channel: where one is both granted and refused, it is
/// refused, unless both carry a time and the grant's is later. Fields that are empty, pending or unknown say
/// nothing, except that a refusal which is pending is one. Fields that
/// have a word for consent and cannot be understood are named in `unclear`; they stay, except those that
/// refuse, which then count as a refusal. Throws Error(bad_format) "where: …" for an answer that is neither
/// yes nor no.
std::vector<Consent> take_consents(io::Json& object, const std::string& where,
                                   std::set<std::string>& unclear);

}  // namespace adlib::copywriter
