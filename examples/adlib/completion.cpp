// adlib completion: scripts that complete commands, options, choices and file names in bash, zsh and fish.
#include <algorithm>
#include <sstream>

#include "adlib/core/error.h"
#include "app.h"
#include "command_table.h"

namespace adlib::cli {
namespace {

// Inside single quotes of a shell, a single quote ends them, stands escaped, and begins them again.
std::string quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string words(const std::vector<std::string>& parts, const std::string& between = " ") {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : between) + part;
  return out;
}

std::vector<std::string> option_names(const CommandRow& command) {
  std::vector<std::string> out;
  for (const OptionRow& option : command.options) {
    if (!option.positional) out.insert(out.end(), option.names.begin(), option.names.end());
  }
  return out;
}

bool takes_file(const OptionRow& option) { return option.value == "FILE" || option.value == "DIR"; }

}  // namespace

std::string bash_completion(const CommandTable& table) {
  std::vector<std::string> commands;
  for (const auto& [first, text] : table.first_words()) commands.push_back(first);
  std::vector<std::string> groups;
  for (const GroupRow& group : table.groups) groups.push_back(group.name);
  std::ostringstream out;
  out << "# bash completion for adlib: source <(adlib completion bash)\n"
         "_adlib() {\n"
         "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" command='' i\n"
         "  COMPREPLY=()\n"
         "  for ((i = 1; i < COMP_CWORD; ++i)); do\n"
         "    case \"${COMP_WORDS[i]}\" in -*) continue ;; esac\n"
         "    command=\"${command:+$command }${COMP_WORDS[i]}\"\n"
         "    case \"$command\" in "
      << (groups.empty() ? "''" : words(groups, "|")) << ") ;; *) break ;; esac\n"
      << "  done\n"
         "  case \"$command $prev\" in\n";
  for (const CommandRow& command : table.commands) {
    for (const OptionRow& option : command.options) {
      if (option.positional || option.value.empty()) continue;
      std::string pattern;
      for (const std::string& name : option.names) {
        if (!pattern.empty()) pattern += '|';
        pattern += quoted(concat(command.name, " ", name));
      }
      out << "    " << pattern << ") ";
      if (!option.choices.empty()) {
        out << "mapfile -t COMPREPLY < <(compgen -W " << quoted(words(option.choices)) << " -- \"$cur\"); ";
      } else if (takes_file(option)) {
        out << "mapfile -t COMPREPLY < <(compgen -" << (option.value == "DIR" ? "d" : "f")
            << " -- \"$cur\"); ";
      }
      out << "return ;;\n";
    }
  }
  out << "  esac\n"
         "  case \"$command\" in\n"
         "    '') mapfile -t COMPREPLY < <(compgen -W "
      << quoted(words(commands) + " " + words(option_names(table.program))) << " -- \"$cur\") ;;\n";
  for (const GroupRow& group : table.groups) {
    out << "    " << group.name << ") mapfile -t COMPREPLY < <(compgen -W " << quoted(words(group.commands))
        << " -- \"$cur\") ;;\n";
  }
  for (const CommandRow& command : table.commands) {
    std::string first;  // the choices or files of the first argument
    for (const OptionRow& option : command.options) {
      if (!option.positional) continue;
      first = option.choices.empty() ? std::string(option.value == "DIR" ? "-d" : "-f")
                                     : concat("-W ", quoted(words(option.choices)));
      break;
    }
    out << "    " << quoted(command.name) << ")\n"
        << "      if [[ $cur == -* ]]; then mapfile -t COMPREPLY < <(compgen -W "
        << quoted(words(option_names(command)) + " " + words(option_names(table.program)))
        << " -- \"$cur\")\n";
    if (!first.empty()) out << "      else mapfile -t COMPREPLY < <(compgen " << first << " -- \"$cur\")\n";
    out << "      fi ;;\n";
  }
  out << "  esac\n}\ncomplete -o filenames -F _adlib adlib\n";
  return out.str();
}

std::string zsh_completion(const CommandTable& table) {
  // _arguments' own syntax: '--name[text]:value:action'; brackets and colons in texts are escaped.
  const auto escaped = [](const std::string& text) {
    std::string out;
    for (const char c : text) {
      if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
      out += c;
    }
    return out;
  };
  const auto action = [](const OptionRow& option) {
    if (!option.choices.empty()) return concat("(", words(option.choices), ")");
    if (option.value == "DIR") return std::string("_files -/");
    return std::string(takes_file(option) ? "_files" : " ");
  };
  const auto rows = [&](std::ostream& out, const CommandRow& command) {
    int position = 0;
    for (const OptionRow& option : command.options) {
      if (option.positional) {
        const std::string where = option.repeated ? "*" : std::to_string(++position);
        out << "        " << quoted(where + ":" + escaped(option.names[0]) + ":" + action(option)) << " \\\n";
        continue;
      }
      for (const std::string& name : option.names) {
        std::string spec = (option.repeated ? "*" : "") + name + "[" + escaped(option.text) + "]";
        if (!option.value.empty()) spec += ":" + escaped(option.value) + ":" + action(option);
        out << "        " << quoted(spec) << " \\\n";
      }
    }
  };
  std::ostringstream out;
  out << "#compdef adlib\n"
         "# zsh completion for adlib: adlib completion zsh > a directory of $fpath, as _adlib\n"
         "_adlib() {\n"
         "  local line state\n"
         "  local -a commands\n"
         "  commands=(\n";
  for (const auto& [first, text] : table.first_words())
    out << "    " << quoted(first + ":" + escaped(text)) << '\n';
  out << "  )\n"
         "  _arguments -C \\\n";
  rows(out, table.program);
  out << "        '1: :->command' '*:: :->arguments'\n"
         "  case $state in\n"
         "    command) _describe 'command' commands ;;\n"
         "    arguments)\n"
         "      case $line[1] in\n";
  for (const auto& [first, text] : table.first_words()) {
    const auto group = std::find_if(table.groups.begin(), table.groups.end(),
                                    [&name = first](const GroupRow& row) { return row.name == name; });
    out << "      " << first << ")\n";
    if (group != table.groups.end()) {  // its second word chooses, and the words are shifted once more
      out << "        _arguments -C " << quoted("1:command:(" + words(group->commands) + ")")
          << " '*:: :->nested'\n        case $line[1] in\n";
    }
    for (const CommandRow& command : table.commands) {
      if (command.name != first && !command.name.starts_with(first + " ")) continue;
      if (group != table.groups.end()) out << "        " << command.name.substr(first.size() + 1) << ")\n";
      out << "        _arguments \\\n";
      rows(out, command);
      out << "        ;;\n";
    }
    if (group != table.groups.end()) out << "        esac ;;\n";
  }
  out << "      esac ;;\n"
         "  esac\n"
         "}\n"
         "if [ \"$funcstack[1]\" = \"_adlib\" ]; then _adlib \"$@\"; else compdef _adlib adlib; fi\n";
  return out.str();
}

std::string fish_completion(const CommandTable& table) {
  // Inside fish's single quotes only \ and ' are special.
  const auto fish_quoted = [](const std::string& text) {
    std::string out = "'";
    for (const char c : text) {
      if (c == '\\' || c == '\'') out += '\\';
      out += c;
    }
    return out + "'";
  };
  std::ostringstream out;
  out << "# fish completion for adlib: adlib completion fish > ~/.config/fish/completions/adlib.fish\n"
         "complete -c adlib -f\n";
  const auto option_line = [&](const std::string& condition, const OptionRow& option) {
    out << "complete -c adlib" << condition;
    for (const std::string& name : option.names) {
      out << (name.starts_with("--") ? concat(" -l ", name.substr(2)) : concat(" -s ", name.substr(1)));
    }
    if (!option.value.empty()) out << (takes_file(option) ? " -r -F" : " -x");
    if (!option.choices.empty()) out << " -a " << fish_quoted(words(option.choices));
    out << " -d " << fish_quoted(option.text) << '\n';
  };
  for (const OptionRow& option : table.program.options) {
    if (!option.positional) option_line("", option);
  }
  for (const auto& [first, text] : table.first_words()) {
    out << "complete -c adlib -n __fish_use_subcommand -a " << first << " -d " << fish_quoted(text) << '\n';
  }
  for (const GroupRow& group : table.groups) {
    out << "complete -c adlib -n '__fish_seen_subcommand_from " << group.name
        << "; and not __fish_seen_subcommand_from " << words(group.commands) << "' -a "
        << fish_quoted(words(group.commands)) << '\n';
  }
  for (const CommandRow& command : table.commands) {
    std::string seen = "__fish_seen_subcommand_from " + command.name;
    if (const auto space = command.name.find(' '); space != std::string::npos) {
      seen = "__fish_seen_subcommand_from " + command.name.substr(0, space) +
             "; and __fish_seen_subcommand_from " + command.name.substr(space + 1);
    }
    const std::string condition = " -n '" + seen + "'";
    for (const OptionRow& option : command.options) {
      if (!option.positional) {
        option_line(condition, option);
      } else if (!option.choices.empty()) {
        out << "complete -c adlib" << condition << " -a " << fish_quoted(words(option.choices)) << '\n';
      } else if (takes_file(option)) {
        out << "complete -c adlib" << condition << " -F\n";
      }
    }
  }
  return out.str();
}

void add_completion(CLI::App& app, Session& session) {
  auto shell = std::make_shared<std::string>();
  CLI::App* command = app.add_subcommand("completion", "Write a completion script for a shell");
  command->add_option("SHELL", *shell, "The shell")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}))
      ->required();
  command->footer(
      "Examples:\n"
      "  source <(adlib completion bash)\n"
      "  adlib completion zsh > ~/.zfunc/_adlib\n"
      "  adlib completion fish > ~/.config/fish/completions/adlib.fish");
  command->callback([shell, &app, &session] {
    session.job = [shell, &app] {
      const CommandTable table = command_table(app);
      Output output("-");
      output.write(*shell == "bash"  ? bash_completion(table)
                   : *shell == "zsh" ? zsh_completion(table)
                                     : fish_completion(table));
      output.commit();
      return 0;
    };
  });
}

}  // namespace adlib::cli
