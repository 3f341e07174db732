#include "copywriter/publish/formats.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "adlib/eval/text.h"
#include "copywriter/measure/html.h"
#include "copywriter/polish/channel.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

bool is_number(std::string_view word) {
  return !word.empty() && word.find_first_not_of("0123456789.,") == std::string_view::npos;
}

// What is only style in a text is nobody's business here.
std::optional<std::string> breach(std::string_view text, const ChannelField& channel) {
  for (const Finding& finding : check_channel(text, channel)) {
    if (finding.level >= Level::error) return finding.message;
  }
  return std::nullopt;
}

}  // namespace

const Candidate* Item::find(std::string_view channel) const {
  const auto found = std::find_if(texts.begin(), texts.end(),
                                  [&](const Candidate& text) { return text.channel == channel; });
  return found == texts.end() ? nullptr : &*found;
}

std::vector<const Candidate*> Item::all(std::string_view channel) const {
  std::vector<const Candidate*> found;
  for (const Candidate& text : texts) {
    if (text.channel == channel) found.push_back(&text);
  }
  return found;
}

std::unique_ptr<Format> make_format(std::string_view target, const std::vector<ChannelField>& channels,
                                    const FormatOptions& options, bool mbox) {
  if (target == "email") return make_email_format(channels, options, mbox);
  if (auto format = make_message_format(target, channels, options)) return format;
  return make_shop_format(target, channels, options);
}

void require_fit(const Candidate& text, const std::vector<ChannelField>& channels, std::string_view how) {
  const auto unfit = [&](const std::string& why) {
    fail(ErrorCode::invalid_argument, "copy ", text.copy, ": ", why, how, "; 'adlib review edit' mends it");
  };
  if (!is_utf8(text.text)) unfit("the text is not UTF-8");
  if (clean_text(text.text).empty()) unfit("the text is empty");
  for (std::size_t at = 0; at < text.text.size();) {
    const char32_t c = next_code_point(text.text, at);
    if ((c < 0x20 && c != U'\n' && c != U'\t') || (c >= 0x7F && c < 0xA0))
      unfit("the text holds a control character");
  }
  const ChannelField& channel = find_channel(channels, text.channel);
  if (const auto why = breach(text.text, channel)) unfit(*why);
}

void require_title(std::string_view title, const Candidate& text, std::string_view channel, const Item& item,
                   const FormatOptions& options, std::string_view what) {
  std::string why;
  if (title.empty()) {
    why = concat("it has no ", what, " that fits");
  } else if (options.why_not_title) {
    why = options.why_not_title(title, text, channel, *item.product);
    if (!why.empty()) why = concat("its ", what, " would be '", first_characters(title, 60), "', and ", why);
  }
  if (why.empty()) return;
  fail(ErrorCode::invalid_argument, "copy ", text.copy, ": ", why, "; ",
       channel.empty() ? concat("change the product's ", what)
                       : concat("approve a copy of ", channel, " for it"));
}

bool is_web_address(std::string_view text) {
  const std::size_t host = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
  return host > 0 && text.size() > host && text[host] != '/' && is_utf8(text) &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return static_cast<unsigned char>(c) > 0x20 && c != '"' && c != '<' && c != '>' && c != '\x7F';
         });
}

std::string json_line(const OrderedJson& object) {
  return object.dump(-1, ' ', false, OrderedJson::error_handler_t::replace) + "\n";
}

std::string cut_to_fit(std::string_view name, const ChannelField& channel) {
  const std::string line = clean_text(name);
  const auto fits = [&](std::string_view text) { return !breach(text, channel); };
  if (fits(line)) return line;
  std::string_view best;
  std::size_t at = 0;
  for (const std::string& word : eval::words(line, eval::Language::zh)) {
    const std::size_t found = line.find(word, at);
    if (found == std::string::npos) break;
    at = found + word.size();
    // "500" of "500 ml" would say something else, "noise" of "noise-cancelling" nothing.
    if (is_number(word) ||
        (at < line.size() && std::string_view("-'&/+").find(line[at]) != std::string_view::npos))
      continue;
    const std::string_view part = std::string_view(line).substr(0, at);
    if (!fits(part)) break;
    best = part;
  }
  return std::string(best);
}

std::string html_paragraphs(std::string_view text) {
  std::string out, paragraph;
  const auto close = [&] {
    if (!paragraph.empty()) out += "<p>" + paragraph + "</p>\n";
    paragraph.clear();
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty())
      close();
    else
      paragraph += (paragraph.empty() ? "" : "<br>\n") + escaped(line);
  }
  close();
  return out;
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                            c == '-' || c == '.' || c == '_' || c == '~';
    if (unreserved)
      out += c;
    else
      (out += '%') += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

}  // namespace adlib::copywriter
