// examples/adlib/command_table.h: the commands and options as data, taken from CLI11, for the man page, the
// documentation and the shell completions: one source, so that they cannot disagree with --help.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace adlib::cli {

struct OptionRow {
  std::vector<std::string> names;  ///< "-o", "--output"; for a positional its one name
  bool positional = false;
  bool required = false;
  bool repeated = false;
  std::string value;                 ///< "FILE", "DIR", "TEXT", …; empty for a flag
  std::vector<std::string> choices;  ///< the values there are, when only some are allowed
  std::string preset;                ///< the default, if it is shown
  std::string group;
  std::string text;
};
struct CommandRow {
  std::string name;  ///< "generate", or both words of a nested one: "tokenizer train"
  std::string text;
  std::string footer;
  std::vector<OptionRow> options;  ///< in the order of --help
};
/// A command that is only the first word of others, such as "tokenizer".
struct GroupRow {
  std::string name;
  std::string text;
  std::vector<std::string> commands;  ///< their second words
};
struct CommandTable {
  CommandRow program;                ///< its own options
  std::vector<CommandRow> commands;  ///< nested ones in place of their group
  std::vector<GroupRow> groups;

  /// What may stand first on a command line, with its description.
  std::vector<std::pair<std::string, std::string>> first_words() const;
};

CommandTable command_table(const CLI::App& app);

/// "adlib generate [OPTIONS] MODEL_DIR [PROMPT…]"
std::string usage_line(const std::string& program, const CommandRow& command);
/// A page in man(7) macros.
std::string man_page(const CommandTable& table);
std::string markdown_page(const CommandTable& table);
std::string bash_completion(const CommandTable& table);
std::string zsh_completion(const CommandTable& table);
std::string fish_completion(const CommandTable& table);

}  // namespace adlib::cli
