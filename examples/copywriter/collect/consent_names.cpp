// The names of fields that tell whether a person may be written to.
#include <algorithm>
#include <array>

#include "copywriter/collect/consent.h"
#include "copywriter/rules/folded_text.h"

namespace adlib::copywriter {
namespace {

enum class Part {
  grants,
  refuses,
  weak_grants,   // tells of consent only beside a channel: phone_enabled, not enabled
  weak_refuses,  // the same
  channel,
  activity,  // marketing as such: every channel
  reach,     // to be written to, in general
  when,
  change,  // of an answer, whichever it was
  filler
};
struct Word {
  std::string_view text;
  Part part;
  std::string_view channel = {};
};

// The words that such a name is made of.
constexpr std::array kWords{
    Word{"unsubscribe", Part::refuses},
    Word{"unsubscribes", Part::refuses},
    Word{"unsubscribed", Part::refuses},
    Word{"unsubscribedfrom", Part::refuses},
    Word{"unsub", Part::refuses},
    Word{"optout", Part::refuses},
    Word{"optoutof", Part::refuses},
    Word{"optsout", Part::refuses},
    Word{"optedout", Part::refuses},
    Word{"optedoutof", Part::refuses},
    Word{"donot", Part::refuses},
    Word{"dont", Part::refuses},
    Word{"doesnot", Part::refuses},
    Word{"suppressed", Part::refuses},
    Word{"退订", Part::refuses},
    Word{"退定", Part::refuses},  // as it is often misspelt
    Word{"拒收", Part::refuses},
    Word{"拒绝", Part::refuses},
    Word{"谢绝", Part::refuses},
    Word{"拒接", Part::refuses},
    Word{"免打扰", Part::refuses},
    Word{"勿扰", Part::refuses},
    Word{"never", Part::weak_refuses},
    Word{"not", Part::weak_refuses},
    Word{"no", Part::weak_refuses},
    Word{"stop", Part::weak_refuses},
    Word{"stopped", Part::weak_refuses},
    Word{"block", Part::weak_refuses},
    Word{"blocked", Part::weak_refuses},
    Word{"blacklist", Part::weak_refuses},
    Word{"blacklisted", Part::weak_refuses},
    Word{"reject", Part::weak_refuses},
    Word{"rejects", Part::weak_refuses},
    Word{"rejected", Part::weak_refuses},
    Word{"refuse", Part::weak_refuses},
    Word{"refuses", Part::weak_refuses},
    Word{"refused", Part::weak_refuses},
    Word{"decline", Part::weak_refuses},
    Word{"declined", Part::weak_refuses},
    Word{"revoked", Part::weak_refuses},
    Word{"withdrawn", Part::weak_refuses},
    Word{"exclude", Part::weak_refuses},
    Word{"excluded", Part::weak_refuses},
    Word{"disabled", Part::weak_refuses},
    Word{"muted", Part::weak_refuses},
    Word{"不", Part::weak_refuses},
    Word{"不再", Part::weak_refuses},
    Word{"未", Part::weak_refuses},
    Word{"勿", Part::weak_refuses},
    Word{"请勿", Part::weak_refuses},
    Word{"取消", Part::weak_refuses},
    Word{"禁止", Part::weak_refuses},
    Word{"屏蔽", Part::weak_refuses},
    Word{"关闭", Part::weak_refuses},
    Word{"退出", Part::weak_refuses},
    Word{"撤回", Part::weak_refuses},
    Word{"黑名单", Part::weak_refuses},
    Word{"subscription", Part::grants},
    Word{"subscriptions", Part::grants},
    Word{"subscribed", Part::grants},
    Word{"subscriber", Part::grants},
    Word{"subscribe", Part::grants},
    Word{"subscribes", Part::grants},
    Word{"consent", Part::grants},
    Word{"consents", Part::grants},
    Word{"consented", Part::grants},
    Word{"optin", Part::grants},
    Word{"optsin", Part::grants},
    Word{"optedin", Part::grants},
    Word{"同意", Part::grants},
    Word{"订阅", Part::grants},
    Word{"permission", Part::weak_grants},
    Word{"permitted", Part::weak_grants},
    Word{"accept", Part::weak_grants},
    Word{"accepts", Part::weak_grants},
    Word{"accepted", Part::weak_grants},
    Word{"allow", Part::weak_grants},
    Word{"allows", Part::weak_grants},
    Word{"allowed", Part::weak_grants},
    Word{"agree", Part::weak_grants},
    Word{"agrees", Part::weak_grants},
    Word{"agreed", Part::weak_grants},
    Word{"receive", Part::weak_grants},
    Word{"receives", Part::weak_grants},
    Word{"enable", Part::weak_grants},
    Word{"enabled", Part::weak_grants},
    Word{"want", Part::weak_grants},
    Word{"wants", Part::weak_grants},
    Word{"may", Part::weak_grants},
    Word{"can", Part::weak_grants},
    Word{"ok", Part::weak_grants},
    Word{"授权", Part::weak_grants},
    Word{"许可", Part::weak_grants},
    Word{"允许", Part::weak_grants},
    Word{"接收", Part::weak_grants},
    Word{"接受", Part::weak_grants},
    Word{"愿意", Part::weak_grants},
    Word{"开启", Part::weak_grants},
    Word{"开通", Part::weak_grants},
    Word{"开关", Part::weak_grants},
    Word{"email", Part::channel, "email"},
    Word{"emails", Part::channel, "email"},
    Word{"mail", Part::channel, "email"},
    Word{"mails", Part::channel, "email"},
    Word{"edm", Part::channel, "email"},
    Word{"sms", Part::channel, "sms"},
    Word{"text", Part::channel, "sms"},
    Word{"texts", Part::channel, "sms"},
    Word{"push", Part::channel, "push"},
    Word{"wechat", Part::channel, "wechat"},
    Word{"weixin", Part::channel, "wechat"},
    Word{"phone", Part::channel, "phone"},
    Word{"telephone", Part::channel, "phone"},
    Word{"call", Part::channel, "phone"},
    Word{"calls", Part::channel, "phone"},
    Word{"电子邮件", Part::channel, "email"},
    Word{"邮件", Part::channel, "email"},
    Word{"邮箱", Part::channel, "email"},
    Word{"短信", Part::channel, "sms"},
    Word{"手机短信", Part::channel, "sms"},
    Word{"推送", Part::channel, "push"},
    Word{"微信", Part::channel, "wechat"},
    Word{"电话", Part::channel, "phone"},
    Word{"来电", Part::channel, "phone"},
    Word{"newsletter", Part::activity, "email"},
    Word{"newsletters", Part::activity, "email"},
    Word{"marketing", Part::activity},
    Word{"promotion", Part::activity},
    Word{"promotions", Part::activity},
    Word{"promotional", Part::activity},
    Word{"advertising", Part::activity},
    Word{"ads", Part::activity},
    Word{"offers", Part::activity},
    Word{"营销", Part::activity},
    Word{"推广", Part::activity},
    Word{"广告", Part::activity},
    Word{"促销", Part::activity},
    Word{"notification", Part::activity},
    Word{"notifications", Part::activity},
    Word{"通知", Part::activity},
    Word{"contact", Part::reach},
    Word{"contacted", Part::reach},
    Word{"disturb", Part::reach},
    Word{"打扰", Part::reach},
    Word{"联系", Part::reach},
    Word{"at", Part::when},
    Word{"date", Part::when},
    Word{"time", Part::when},
    Word{"timestamp", Part::when},
    Word{"datetime", Part::when},
    Word{"时间", Part::when},
    Word{"日期", Part::when},
    Word{"updated", Part::change},
    Word{"changed", Part::change},
    Word{"modified", Part::change},
    Word{"更新", Part::change},
    Word{"变更", Part::change},
    Word{"修改", Part::change},
    Word{"messages", Part::filler},
    Word{"message", Part::filler},
    Word{"alerts", Part::filler},
    Word{"status", Part::filler},
    Word{"state", Part::filler},
    Word{"from", Part::filler},
    Word{"level", Part::filler},
    Word{"flag", Part::filler},
    Word{"to", Part::filler},
    Word{"on", Part::filler},
    Word{"be", Part::filler},
    Word{"all", Part::filler},
    Word{"any", Part::filler},
    Word{"me", Part::filler},
    Word{"is", Part::filler},
    Word{"has", Part::filler},
    Word{"customer", Part::filler},
    Word{"user", Part::filler},
    Word{"消息", Part::filler},
    Word{"信息", Part::filler},
    Word{"状态", Part::filler},
    Word{"是否", Part::filler},
    Word{"客户", Part::filler},
    Word{"用户", Part::filler},
    Word{"再", Part::filler},
    Word{"要", Part::filler},
};

// Letters and digits in lower case and one width: what is left of "Don't contact?" is dontcontact.
std::string letters_of(std::string_view field) {
  std::string letters;
  const FoldedText folded(field);
  for (const char c : folded.folded()) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80)
      letters += c;
  }
  return letters;
}

// The words that make up the name from `at` to its end, the longest first: of emailsubscription "emails"
// leads nowhere.
bool split(std::string_view name, std::size_t at, std::vector<bool>& tried, std::vector<const Word*>& words) {
  if (at == name.size()) return true;
  if (tried[at]) return false;
  tried[at] = true;
  std::vector<const Word*> fitting;
  for (const Word& word : kWords) {
    if (name.substr(at).starts_with(word.text)) fitting.push_back(&word);
  }
  std::sort(fitting.begin(), fitting.end(),
            [](const Word* a, const Word* b) { return a->text.size() > b->text.size(); });
  for (const Word* word : fitting) {
    words.push_back(word);
    if (split(name, at + word->text.size(), tried, words)) return true;
    words.pop_back();
  }
  return false;
}

}  // namespace

std::optional<ConsentField> consent_of_name(std::string_view field) {
  const std::string plain = letters_of(field);
  constexpr std::size_t longest_name = 200;
  std::vector<const Word*> words;
  std::vector<bool> tried(plain.size());
  if (plain.empty() || plain.size() > longest_name || !split(plain, 0, tried, words)) return {};
  ConsentField consent;
  std::array<bool, static_cast<std::size_t>(Part::filler) + 1> found{};
  const auto has = [&](Part part) { return found[static_cast<std::size_t>(part)]; };
  for (const Word* word : words) {
    // "phone_no" is a number.
    if (word->text == "no" && word != words.front()) return {};
    found[static_cast<std::size_t>(word->part)] = true;
    if (word->part == Part::channel) consent.channel = consent.grant_channel = word->channel;
    if (word->part == Part::activity && !word->channel.empty() && consent.channel.empty())
      consent.grant_channel = word->channel;
  }
  const bool state = std::any_of(words.begin(), words.end(), [](const Word* word) {
    return word->text == "status" || word->text == "state" || word->text == "状态";
  });
  const bool strong = has(Part::grants) || has(Part::refuses);
  const bool about = has(Part::channel) || has(Part::activity) || has(Part::reach);
  const bool refuses =
      has(Part::refuses) || (has(Part::weak_refuses) && (about || strong || has(Part::weak_grants)));
  const bool grants = has(Part::grants) || (has(Part::weak_grants) && about);
  const bool whole = plain == "consent" || plain == "subscribed" || plain == "unsubscribed" ||
                     plain == "optin" || plain == "退订" || plain == "拒收" || plain == "取消订阅";
  consent.clear = (strong || has(Part::weak_grants)) && !has(Part::weak_refuses) &&
                  (has(Part::channel) || has(Part::activity) || whole);
  if (has(Part::change)) {
    if (!strong && !has(Part::weak_grants) && !has(Part::activity)) return {};
    consent.kind = ConsentField::Kind::when;
  } else if (has(Part::when)) {
    if (!refuses && !grants) return {};
    consent.kind = refuses ? ConsentField::Kind::refused_when : ConsentField::Kind::granted_when;
    consent.clear = has(Part::channel) || has(Part::activity) || plain.find("consent") != std::string::npos;
  } else if (refuses) {
    consent.kind = ConsentField::Kind::refuses;
  } else if (grants || has(Part::activity)) {
    consent.kind = ConsentField::Kind::asks;
  } else if (about || has(Part::weak_grants)) {
    // "enabled" alone is about something else.
    if (!about && !has_consent_word(plain)) return {};
    consent.kind = ConsentField::Kind::names;
  } else if (state) {
    consent.kind = ConsentField::Kind::states;
  } else {
    return {};
  }
  return consent;
}

bool has_consent_word(std::string_view field) {
  const std::string plain = letters_of(field);
  constexpr std::array anywhere{
      std::string_view("consent"), std::string_view("subscri"),   std::string_view("optin"),
      std::string_view("optout"),  std::string_view("optedin"),   std::string_view("optedout"),
      std::string_view("donot"),   std::string_view("marketing"), std::string_view("newsletter"),
      std::string_view("contact"), std::string_view("accept"),    std::string_view("同意"),
      std::string_view("拒收"),    std::string_view("拒绝"),      std::string_view("退订"),
      std::string_view("接收"),    std::string_view("接受"),      std::string_view("订阅"),
      std::string_view("授权"),    std::string_view("免打扰"),    std::string_view("营销")};
  if (std::any_of(anywhere.begin(), anywhere.end(),
                  [&](std::string_view word) { return plain.find(word) != std::string::npos; }))
    return true;
  // Words that stand in others: adopt, option, shallow.
  const std::string folded(FoldedText(field).folded());
  const auto letter = [&](std::size_t at) {
    return at < folded.size() && folded[at] >= 'a' && folded[at] <= 'z';
  };
  for (const std::string_view word : {"opt", "opts", "opted", "allow", "allows", "allowed"}) {
    for (std::size_t at = folded.find(word); at != std::string::npos; at = folded.find(word, at + 1)) {
      if (!(at > 0 && letter(at - 1)) && !letter(at + word.size())) return true;
    }
  }
  return false;
}

}  // namespace adlib::copywriter
