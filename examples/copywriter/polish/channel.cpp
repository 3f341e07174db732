#include "copywriter/polish/channel.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "copywriter/polish/typography/text.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

// The place behind the last character that still fits.
std::size_t fitting(std::string_view text, const ChannelField& channel) {
  TextLength length;
  std::size_t at = 0, fits = 0;
  while (at < text.size()) {
    length.add(next_code_point(text, at));
    if (length.in(channel.unit) > channel.limit) break;
    fits = at;
  }
  return fits;
}

// Emoji_Presentation, by the blocks that hold it: what a plain channel cannot show.
bool is_emoji(char32_t c) {
  return (c >= 0x1F300 && c <= 0x1FAFF) || (c >= 0x2600 && c <= 0x27BF) || c == 0xFE0F || c == 0x20E3;
}

// Addresses of the web: with a scheme, with www., or a name that ends as shops' addresses do. That of e-mail
// is none.
std::vector<typography::Pattern::Match> addresses(std::string_view text) {
  static const typography::Pattern pattern(
      R"((?i)(?<![a-z0-9-])(?:https?://|www\.)[\x21-\x7F]*|)"
      R"((?<![a-z0-9.@-])(?:(?!(?<![a-z0-9-])www\.)[a-z0-9.-])*[a-z0-9-]\.(?:com|cn|net|org|shop|store|xyz|top|info|io)(?![a-z0-9-])[\x21-\x7F]*)");
  return pattern.find_all(text);
}

}  // namespace

std::vector<Finding> check_channel(std::string_view text, const ChannelField& channel) {
  std::vector<Finding> out;
  const auto add = [&](const char* rule, Range where, std::string message) {
    out.push_back({std::string("channel/") + rule, Level::error, where, std::move(message), channel.source});
  };
  const TextLength length = length_of(text);
  if (channel.limit > 0 && length.in(channel.unit) > channel.limit) {
    const bool alphabet = channel.unit == LengthUnit::gsm7 && !length.is_gsm7();
    add("length", {fitting(text, channel), text.size()},
        alphabet ? concat(channel.title, ": holds a character outside of the GSM 7-bit alphabet")
                 : concat(channel.title, ": ", length.in(channel.unit), " ", to_string(channel.unit),
                          ", at most ", channel.limit));
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(text, at);
    if (!channel.lines && c == U'\n') add("line", {begin, at}, concat(channel.title, ": one line only"));
    if (!channel.emoji && is_emoji(c)) add("emoji", {begin, at}, concat(channel.title, ": no emoji"));
  }
  if (!channel.links) {
    for (const auto& address : addresses(text))
      add("link", address.whole, concat(channel.title, ": no addresses"));
  }
  for (const std::string_view stop : {"。", "."}) {
    const bool ellipsis = text.ends_with("..");
    if (!channel.headline || ellipsis || !text.ends_with(stop)) continue;
    out.push_back({.rule = "channel/full-stop",
                   .level = Level::style,
                   .where = {text.size() - stop.size(), text.size()},
                   .message = concat(channel.title, ": a headline has no full stop"),
                   .fix = ""});
  }
  std::sort(out.begin(), out.end(),
            [](const Finding& a, const Finding& b) { return a.where.begin < b.where.begin; });
  return out;
}

}  // namespace adlib::copywriter
