#include "copywriter/publish/email.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "adlib/core/error.h"
#include "copywriter/measure/html.h"
#include "copywriter/publish/formats.h"
#include "copywriter/shop/text.h"
#include "copywriter/store/store.h"

namespace adlib::copywriter {
namespace {

constexpr std::string_view kAtext =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~";

// dot-atom of RFC 5322, 3.2.3
bool is_dot_atom(std::string_view text) {
  char before = '.';
  for (const char c : text) {
    if (c == '.' ? before == '.' : kAtext.find(c) == std::string_view::npos) return false;
    before = c;
  }
  return before != '.';
}

bool is_address(std::string_view text) {
  const std::size_t at = text.find('@');
  return at != std::string_view::npos && at <= 64 && text.size() <= 254 && is_dot_atom(text.substr(0, at)) &&
         is_dot_atom(text.substr(at + 1));
}

// An address of the header: what is no printable ASCII, and what would end it, is encoded.
std::string header_address(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7F && c != '<' && c != '>' && c != '"')
      out += c;
    else
      out += percent_encoded(std::string_view(&c, 1));
  }
  return out;
}

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
  return text;
}

}  // namespace

Mailbox Mailbox::parse(std::string_view text) {
  const std::string_view whole = trim(text);
  Mailbox box;
  box.address = whole;
  if (const std::size_t open = whole.rfind('<'); open != std::string_view::npos && whole.ends_with('>')) {
    box.address = whole.substr(open + 1, whole.size() - open - 2);
    std::string_view name = trim(whole.substr(0, open));
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
    box.name = name;
  }
  if (!is_address(box.address) || clean_text(box.name) != box.name) {
    fail(ErrorCode::invalid_argument, "publish: the sender is '", first_characters(clean_text(text), 60),
         "', expected such as 'Shop <shop@example.com>'");
  }
  return box;
}

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) {
      return at < bytes.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[at])) : 0u;
    };
    const std::uint32_t group = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (std::size_t digit = 0; digit < 4; ++digit)
      out += i + digit <= bytes.size() ? kDigits[group >> (18 - 6 * digit) & 63] : '=';
  }
  return out;
}

std::string base64_lines(std::string_view bytes) {
  const std::string all = base64(bytes);
  std::string out;
  for (std::size_t at = 0; at < all.size(); at += 76) out += all.substr(at, 76) + "\r\n";
  return out;
}

std::string header_text(std::string_view text, std::size_t used) {
  const std::string line = clean_text(text);
  const bool plain = used + line.size() <= 76 && line.find("=?") == std::string::npos &&
                     std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
  if (plain) return line;
  constexpr std::string_view kBegin = "=?UTF-8?B?", kEnd = "?=";
  std::string out, part;
  const auto flush = [&] {
    out += std::string(out.empty() ? "" : "\r\n ") + std::string(kBegin) + base64(part) + std::string(kEnd);
    part.clear();
    used = 1;
  };
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = at;
    next_code_point(line, at);
    const std::size_t encoded = (part.size() + at - begin + 2) / 3 * 4;
    if (!part.empty() && used + kBegin.size() + encoded + kEnd.size() > 75) flush();
    part += line.substr(begin, at - begin);
  }
  if (!part.empty()) flush();
  return out;
}

std::string email_date(std::int64_t unix_seconds) {
  constexpr std::array<const char*, 7> kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array<const char*, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  const auto two = [](int value) { return std::string(value < 10 ? "0" : "") + std::to_string(value); };
  return concat(kDays.at(static_cast<std::size_t>(parts.tm_wday)), ", ", two(parts.tm_mday), ' ',
                kMonths.at(static_cast<std::size_t>(parts.tm_mon)), ' ', parts.tm_year + 1900, ' ',
                two(parts.tm_hour), ':', two(parts.tm_min), ':', two(parts.tm_sec), " +0000");
}

std::string Email::message() const {
  // No base64 line holds "=_", so no part can end early.
  const std::string boundary = "=_adlib_" + hexadecimal(sha256(message_id)).substr(0, 24);
  std::string out;
  const auto header = [&](std::string_view name, std::string_view value) {
    out += concat(name, ": ", value, "\r\n");
  };
  header("Date", email_date(time));
  if (from.name.empty()) {
    header("From", from.address);
  } else {
    // As encoded words whatever the name is: quoting has rules of its own.
    constexpr std::size_t kUsed = 6;
    std::string name = header_text(from.name, kUsed);
    if (name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 -") !=
            std::string::npos &&
        !name.starts_with("=?"))
      name = "=?UTF-8?B?" + base64(clean_text(from.name)) + "?=";
    header("From", name + "\r\n <" + from.address + ">");
  }
  header("To", "<" + to + ">");
  header("Subject", header_text(subject, 9));
  header("Message-ID", "<" + message_id + ">");
  std::string addresses;
  for (const std::string& one : {list_unsubscribe_url, list_unsubscribe_mailto}) {
    if (!one.empty()) addresses += (addresses.empty() ? "<" : ",\r\n <") + header_address(one) + ">";
  }
  if (!addresses.empty()) header("List-Unsubscribe", addresses);
  if (!list_unsubscribe_url.empty()) header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
  header("X-Adlib-Copy", header_text(copy, 14));
  header("MIME-Version", "1.0");
  header("Content-Type", "multipart/alternative;\r\n boundary=\"" + boundary + "\"");
  if (!language.empty()) header("Content-Language", header_text(language, 18));
  out += "\r\n";
  const auto part = [&](std::string_view type, std::string_view content) {
    out += "--" + boundary + "\r\n";
    header("Content-Type", std::string(type) + "; charset=UTF-8");
    header("Content-Transfer-Encoding", "base64");
    out += "\r\n" + base64_lines(content);
  };
  part("text/plain", text);
  part("text/html", html);
  return out + "--" + boundary + "--\r\n";
}

namespace {

class EmailFormat : public Format {
 public:
  EmailFormat(const std::vector<ChannelField>& channels, const FormatOptions& options, bool mbox)
      : fields_(channels), options_(options), mbox_(mbox), from_(Mailbox::parse(options.sender)) {
    if (options.unsubscribe_url.empty() && options.unsubscribe_mailto.empty())
      fail(ErrorCode::invalid_argument,
           "publish: e-mail needs an address to unsubscribe; give --unsubscribe-url with an "
           "https address, in which {user} and {token} are put");
    if (!options.unsubscribe_url.empty() &&
        (!is_web_address(options.unsubscribe_url) || !options.unsubscribe_url.starts_with("https://")))
      fail(ErrorCode::invalid_argument, "publish: the unsubscribe address is '",
           first_characters(clean_text(options.unsubscribe_url), 60),
           "', expected one that begins with https:// (RFC 8058)");
    if (!options.unsubscribe_mailto.empty() &&
        (!options.unsubscribe_mailto.starts_with("mailto:") ||
         options.unsubscribe_mailto.find('@') == std::string::npos ||
         options.unsubscribe_mailto.find_first_of("<> \t\r\n") != std::string::npos))
      fail(ErrorCode::invalid_argument, "publish: the unsubscribe mailbox is '",
           first_characters(clean_text(options.unsubscribe_mailto), 60),
           "', expected such as mailto:leave@shop.example");
    if (const std::string label = options.subject_label.value_or(""); clean_text(label) != label)
      fail(ErrorCode::invalid_argument, "publish: the label of subjects is '",
           first_characters(clean_text(label), 60), "', expected one line such as AD");
  }
  Grouping grouping() const override { return Grouping::message; }
  Audience audience() const override { return Audience::users; }
  bool several_files() const override { return !mbox_; }
  std::vector<std::string> channels() const override { return {"email-body", "email-subject"}; }

  Rendered render(const Item& item) const override {
    Rendered out;
    const Candidate* body = item.find("email-body");
    if (!body || !body->fresh) return out;
    require_fit(*body, fields_);
    out.used.push_back(body);
    Email email;
    if (const Candidate* subject = item.find("email-subject")) {
      Candidate labelled = *subject;
      labelled.text = labelled_subject(subject->text, *body);
      require_fit(labelled, fields_,
                  labelled.text == subject->text ? "" : " with the label " + labelled_subject("", *body));
      email.subject = labelled.text;
      out.used.push_back(subject);
    } else {
      ChannelField room = find_channel(fields_, "email-subject");
      const std::string label = labelled_subject("", *body);
      room.limit -= length_of(label).in(room.unit);
      email.subject = labelled_subject(cut_to_fit(item.product->title, room), *body);
      require_title(email.subject, *body, "email-subject", item, options_);
    }
    if (body->language == "zh" && !is_labelled(email.subject, {"广告", "AD"})) {
      fail(ErrorCode::invalid_argument, "copy ", body->copy,
           ": the subject of commercial e-mail in Chinese begins with 广告 or AD by law; leave out "
           "--subject-label");
    }
    email.from = from_;
    email.to = placeholder(*item.user, item);
    email.text = body->text + "\n";
    email.html = "<!DOCTYPE html>\n<html lang=\"" + escaped(body->language) +
                 "\">\n<head><meta charset=\"utf-8\"><title>" + escaped(email.subject) +
                 "</title></head>\n<body>\n" + html_paragraphs(body->text) + "</body>\n</html>\n";
    email.message_id = body->key + "@" + from_.domain();
    email.time = now();
    email.list_unsubscribe_url = filled(options_.unsubscribe_url, item, *body);
    email.list_unsubscribe_mailto = filled(options_.unsubscribe_mailto, item, *body);
    email.language = body->language;
    email.copy = std::to_string(body->copy);
    std::string message = email.message();
    if (mbox_) message = as_mbox(std::move(message), email.time);
    out.pieces.push_back(
        {concat("copy-", body->copy, "-", body->key.substr(0, 12), ".eml"), std::move(message)});
    return out;
  }

 private:
  static bool is_labelled(std::string_view subject, std::initializer_list<std::string_view> labels) {
    for (const std::string_view open : {"（", "(", "【", "[", "〔", "<"}) {
      if (subject.starts_with(open)) {
        subject.remove_prefix(open.size());
        break;
      }
    }
    return std::any_of(labels.begin(), labels.end(),
                       [&](std::string_view label) { return subject.starts_with(label); });
  }
  std::string labelled_subject(const std::string& subject, const Candidate& body) const {
    const bool zh = body.language == "zh";
    const std::string label = options_.subject_label.value_or(zh ? "广告" : "");
    if (label.empty() || is_labelled(subject, {label})) return subject;
    if (!options_.subject_label && is_labelled(subject, {"AD"})) return subject;
    return zh ? "（" + label + "）" + subject : "[" + label + "] " + subject;
  }
  // The store has no addresses: the sender puts the user's in.
  static std::string placeholder(const std::string& user, const Item& item) {
    std::string local = replaced(percent_encoded(user), ".", "%2E");  // two dots side by side are not allowed
    if (local.empty() || local.size() > 64) local = "sha-" + item.token("recipient\n" + user).substr(0, 40);
    return local + "@recipient.invalid";
  }
  static std::string filled(const std::string& pattern, const Item& item, const Candidate& body) {
    std::string text = replaced(pattern, "{copy}", std::to_string(body.copy));
    text = replaced(text, "{token}", item.token("unsubscribe\n" + *item.user));
    return replaced(text, "{user}", percent_encoded(*item.user));
  }
  // RFC 4155: a From_ line, lines end in "\n", an empty line after it.
  static std::string as_mbox(std::string message, std::int64_t time) {
    message.erase(std::remove(message.begin(), message.end(), '\r'), message.end());
    const auto moment = static_cast<std::time_t>(time);
    std::tm parts{};
    ::gmtime_r(&moment, &parts);
    std::array<char, 64> date{};
    ::asctime_r(&parts, date.data());  // ends in "\n"
    return concat("From MAILER-DAEMON ", date.data(), message, "\n");
  }

  const std::vector<ChannelField>& fields_;
  FormatOptions options_;
  bool mbox_;
  Mailbox from_;
};

}  // namespace

std::unique_ptr<Format> make_email_format(const std::vector<ChannelField>& channels,
                                          const FormatOptions& options, bool mbox) {
  return std::make_unique<EmailFormat>(channels, options, mbox);
}

}  // namespace adlib::copywriter
