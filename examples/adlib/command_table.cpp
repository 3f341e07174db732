#include "command_table.h"

namespace adlib::cli {
namespace {

// CLI11 keeps the choices of IsMember in the type's name: "TEXT:{gpt2,llama}".
std::vector<std::string> choices_in(const std::string& type_name) {
  const std::size_t open = type_name.find('{');
  const std::size_t close = type_name.rfind('}');
  std::vector<std::string> out;
  if (open == std::string::npos || close == std::string::npos) return out;
  std::string choice;
  for (std::size_t i = open + 1; i <= close; ++i) {
    if (type_name[i] == ',' || i == close) {
      out.push_back(choice);
      choice.clear();
    } else {
      choice += type_name[i];
    }
  }
  return out;
}

OptionRow option_row(const CLI::Option& option) {
  OptionRow row;
  row.positional = option.get_positional();
  if (row.positional) {
    row.names.push_back(option.get_name(true));
  } else {
    for (const std::string& name : option.get_snames()) row.names.push_back("-" + name);
    for (const std::string& name : option.get_lnames()) row.names.push_back("--" + name);
  }
  row.required = option.get_required();
  row.text = option.get_description();
  row.group = option.get_group();
  row.repeated = option.get_items_expected_max() > 1;
  if (option.get_items_expected_max() > 0) {
    const std::string type = option.get_type_name();
    row.choices = choices_in(type);
    const std::size_t check = type.find_first_of("{[");  // ":{a,b}", ":INT in [1 - 9]": what CLI11 adds
    row.value = check == std::string::npos ? type : type.substr(0, type.rfind(':', check));
    if (row.value.empty()) row.value = "VALUE";
    row.preset = option.get_default_str();
    if (row.preset.starts_with('[')) row.preset = row.preset.substr(1, row.preset.size() - 2);  // of a list
  }
  return row;
}

CommandRow command_row(const CLI::App& app) {
  CommandRow row;
  row.name = app.get_name();
  row.text = app.get_description();
  row.footer = app.get_footer();
  for (const CLI::Option* option : app.get_options({})) row.options.push_back(option_row(*option));
  return row;
}

}  // namespace

CommandTable command_table(const CLI::App& app) {
  CommandTable table;
  table.program = command_row(app);
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    const auto nested = command->get_subcommands([](const CLI::App*) { return true; });
    if (nested.empty()) {
      table.commands.push_back(command_row(*command));
      continue;
    }
    GroupRow& group =
        table.groups.emplace_back(GroupRow{command->get_name(), command->get_description(), {}});
    for (const CLI::App* second : nested) {
      group.commands.push_back(second->get_name());
      table.commands.push_back(command_row(*second));
      table.commands.back().name = group.name + " " + second->get_name();
    }
  }
  return table;
}

std::vector<std::pair<std::string, std::string>> CommandTable::first_words() const {
  std::vector<std::pair<std::string, std::string>> out;
  for (const CommandRow& command : commands) {
    const std::string first = command.name.substr(0, command.name.find(' '));
    if (!out.empty() && out.back().first == first) continue;
    std::string description = command.text;
    for (const GroupRow& group : groups) {
      if (group.name == first) description = group.text;
    }
    out.emplace_back(first, std::move(description));
  }
  return out;
}

std::string usage_line(const std::string& program, const CommandRow& command) {
  std::string line = program + " " + command.name + " [OPTIONS]";
  for (const OptionRow& option : command.options) {
    if (!option.positional) continue;
    const std::string name = option.names[0] + (option.repeated ? "..." : "");
    line += option.required ? " " + name : " [" + name + "]";
  }
  return line;
}

}  // namespace adlib::cli
