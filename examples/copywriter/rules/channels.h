// copywriter/rules/channels.h: the places where copy is shown, and how long it may be there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/generate/text_length.h"
#include "copywriter/shop/language.h"

namespace adlib::copywriter {

/// A field of a channel that one text fills: the title of a notification, the headline of an advertisement.
struct ChannelField {
  std::string id;      ///< "oppo-push-title"
  std::string family;  ///< that rules and prompts call it by: "push"
  std::string title;   ///< for people
  LengthUnit unit = LengthUnit::characters;
  std::int64_t limit = 0;                         ///< 0: none
  bool lines = true, links = true, emoji = true;  ///< whether it may hold several lines, addresses, emoji
  bool headline = false;                          ///< no full stop closes it
  bool everybody = false;     ///< one text for all who see it: never made of what is known of a person
  std::string zh_label = {};  ///< what publishing puts in front of a Chinese text
  std::string source;         ///< where the limit is written down
};

/// Reads channels.toml, whose format README.md tells. Throws Error(bad_format) "file:line:column: …".
std::vector<ChannelField> read_channels(const std::filesystem::path& file);
/// The field with the room that its label leaves to a text, which may hold the label already.
ChannelField beside_label(ChannelField field, Language language, std::string_view text = {});
/// What consents call the channels of a family: "email-subject" is "email", "chat" is "wechat".
std::string_view consent_name(std::string_view family);
/// The one of that id. Throws Error(invalid_argument) that lists those there are.
const ChannelField& find_channel(const std::vector<ChannelField>& channels, std::string_view id);
/// The name of a unit in files and messages: "characters", "sms-segments", …
const char* to_string(LengthUnit unit) noexcept;

}  // namespace adlib::copywriter
