#include "copywriter/campaign/campaign.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "copywriter/rules/toml_table.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

class Reader {
 public:
  Reader(const std::filesystem::path& file, const std::string& store)
      : file_(file.string()), here_(std::filesystem::absolute(file).parent_path().string()), store_(store) {}

  CampaignStage stage(const std::string& name, const toml::table& table) const {
    CampaignStage stage{name, {name}, where(table)};
    if (const toml::node* command = table.get("do")) stage.arguments.push_back(text(*command, "do"));
    stage.arguments.push_back(store_);
    for (const auto& [key, value] : table) {
      if (key.str() == "do") continue;
      const std::string flag = "--" + std::string(key.str());
      if (const toml::array* list = value.as_array()) {
        for (const toml::node& item : *list) add(stage.arguments, flag, item);
      } else {
        add(stage.arguments, flag, value);
      }
    }
    return stage;
  }
  [[noreturn]] void refuse(const toml::node& at, std::string_view message) const {
    fail(ErrorCode::bad_format, where(at), ": ", message);
  }
  std::string now(const toml::node& node) const {
    const std::string text = value_text(node, "now");
    if (!parse_time(text)) refuse(node, "'now' is neither Unix seconds nor a date such as 2026-11-01");
    return text;
  }

 private:
  std::string where(const toml::node& node) const {
    const toml::source_position at = node.source().begin;
    return concat(file_, ":", at.line, ":", at.column);
  }
  std::string text(const toml::node& node, std::string_view key) const {
    const auto value = node.value<std::string>();
    if (!value || value->empty()) refuse(node, concat("'", key, "' is not a text in quotes"));
    return *value;
  }
  std::string value_text(const toml::node& value, std::string_view key) const {
    std::string shown;
    if (const auto as_text = value.value<std::string>(); as_text && value.is_string()) {
      shown = *as_text;
      constexpr std::string_view mark = "{here}";
      for (std::size_t at = 0; (at = shown.find(mark, at)) != std::string::npos; at += here_.size())
        shown.replace(at, mark.size(), here_);
    } else if (value.is_integer()) {
      shown = std::to_string(value.value_or(std::int64_t{0}));
    } else if (value.is_floating_point() || value.is_date() || value.is_time() || value.is_date_time()) {
      std::ostringstream out;
      value.visit([&out](const auto& one) {
        if constexpr (toml::is_value<decltype(one)>) out << one.get();
      });
      shown = out.str();
    } else {
      refuse(value, concat("'", key, "' is neither a text, a number, true or false, nor a list of them"));
    }
    return shown;
  }
  void add(std::vector<std::string>& arguments, const std::string& flag, const toml::node& value) const {
    if (value.is_boolean()) {
      if (value.value_or(false)) arguments.push_back(flag);
      return;
    }
    std::string shown = value_text(value, flag.substr(2));
    arguments.push_back(flag);
    arguments.push_back(std::move(shown));
  }

  std::string file_, here_, store_;
};

}  // namespace

const std::vector<std::string_view>& campaign_stages() {
  static const std::vector<std::string_view> stages{"collect", "prepare", "recommend", "write",   "polish",
                                                    "review",  "assign",  "publish",   "measure", "report"};
  return stages;
}

Campaign read_campaign(const std::filesystem::path& file, const std::string& store) {
  const toml::table root = read_toml(file);
  const Reader reader(file, store);
  std::string known;
  for (const std::string_view name : campaign_stages()) known += concat(known.empty() ? "" : ", ", name);
  Campaign campaign;
  for (const auto& [key, value] : root) {
    const auto& stages = campaign_stages();
    if (key.str() == "now") {
      campaign.now = reader.now(value);
    } else if (std::find(stages.begin(), stages.end(), key.str()) == stages.end())
      reader.refuse(value, concat("'", key.str(), "' is no stage, expected one of ", known));
  }
  for (const std::string_view name : campaign_stages()) {
    const toml::node* section = root.get(name);
    if (!section) continue;
    if (const toml::table* table = section->as_table()) {
      campaign.stages.push_back(reader.stage(std::string(name), *table));
    } else if (const toml::array* calls = section->as_array()) {
      for (const toml::node& call : *calls) {
        if (!call.is_table()) reader.refuse(call, concat("begins each with [[", name, "]]"));
        campaign.stages.push_back(reader.stage(std::string(name), *call.as_table()));
      }
    } else {
      reader.refuse(*section, concat("begins with [", name, "]"));
    }
  }
  return campaign;
}

std::string command_line(const CampaignStage& stage) {
  std::string line = "adlib";
  for (const std::string& argument : stage.arguments) {
    const bool plain =
        !argument.empty() && argument.find_first_of(" '\"\\$`*?[]{}()<>|&;#~!\n\t") == std::string::npos;
    line += ' ';
    if (plain) {
      line += argument;
      continue;
    }
    line += '\'';
    for (const char c : argument) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace adlib::copywriter
