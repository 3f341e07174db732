#include "copywriter/rules/channels.h"

#include <algorithm>
#include <array>

#include "adlib/core/error.h"
#include "copywriter/rules/toml_table.h"

namespace adlib::copywriter {
namespace {

constexpr std::array<const char*, 7> kUnits{"characters", "double-width", "chinese-width", "utf16",
                                            "gsm7",       "sms-segments", "bytes"};

LengthUnit parse_unit(TomlTable& table) {
  const toml::node& node = table.at("unit");
  const std::string name = table.text(node, "unit");
  const auto found = std::find(kUnits.begin(), kUnits.end(), name);
  std::string known;
  for (const char* unit : kUnits) known += std::string(known.empty() ? "" : ", ") + unit;
  if (found == kUnits.end())
    table.refuse(node, concat("unit '", name, "' is unknown, expected one of ", known));
  return static_cast<LengthUnit>(found - kUnits.begin());
}

}  // namespace

const char* to_string(LengthUnit unit) noexcept { return kUnits[static_cast<std::size_t>(unit)]; }

std::vector<ChannelField> read_channels(const std::filesystem::path& file) {
  std::vector<ChannelField> channels;
  for_each_table(file, "channel", [&](TomlTable& table) {
    ChannelField channel;
    channel.id = table.text("id");
    channel.family = table.text("family");
    channel.title = table.text("title");
    channel.limit = table.number("limit", 0);
    if (channel.limit > 0) channel.unit = parse_unit(table);
    channel.lines = !table.flag("one-line");
    channel.links = !table.flag("no-links");
    channel.emoji = !table.flag("no-emoji");
    channel.headline = table.flag("headline");
    channel.everybody = table.flag("everybody");
    channel.zh_label = table.text_or_none("zh-label");
    channel.source = table.text("source");
    channels.push_back(std::move(channel));
  });
  return channels;
}

ChannelField beside_label(ChannelField field, Language language, std::string_view text) {
  if (language != Language::zh || field.zh_label.empty() || text.starts_with(field.zh_label)) return field;
  field.limit -= length_of(field.zh_label).in(field.unit);
  field.title += concat(" (", field.zh_label, ")");
  return field;
}

std::string_view consent_name(std::string_view family) {
  return family == "email-subject" ? "email" : family == "chat" ? "wechat" : family;
}

const ChannelField& find_channel(const std::vector<ChannelField>& channels, std::string_view id) {
  std::string known;
  for (const ChannelField& channel : channels) {
    if (channel.id == id) return channel;
    known += (known.empty() ? "" : ", ") + channel.id;
  }
  fail(ErrorCode::invalid_argument, "channel '", id, "' is unknown, expected one of ", known);
}

}  // namespace adlib::copywriter
