// adlib man: the manual page, and the same as Markdown for docs/cli.md.
#include <algorithm>
#include <sstream>

#include "app.h"
#include "command_table.h"

namespace adlib::cli {
namespace {

// What troff would take for a command: a backslash, a hyphen that is a minus, a dot or quote that begins a
// line.
std::string troff(const std::string& text) {
  std::string out;
  bool line_start = true;
  for (const char c : text) {
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else if (c == '\'') {
      out += "\\(aq";
    } else if (c == '~') {
      out += "\\(ti";
    } else if (c == '^') {
      out += "\\(ha";
    } else if (c == '`') {
      out += "\\(ga";
    } else {
      out += c;
    }
    line_start = c == '\n';
  }
  return out;
}

std::string join(const std::vector<std::string>& parts, const std::string& between) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : between) + part;
  return out;
}

// What a person types for the value: the choices, or the kind of value.
std::string value_of(const OptionRow& option) {
  return option.choices.empty() ? option.value : join(option.choices, "|");
}

std::string details(const OptionRow& option) {
  std::string text = option.text;
  if (!option.preset.empty()) text += " (default: " + option.preset + ")";
  if (option.positional && option.required) text += " (required)";
  return text;
}

void man_options(std::ostream& out, const CommandRow& command) {
  std::string group = "Options";
  for (const OptionRow& option : command.options) {
    if (!option.positional && option.group != group) {
      group = option.group;
      out << ".PP\n" << troff(group) << ":\n";
    }
    out << ".TP\n";
    if (option.positional) {
      out << "\\fI" << troff(option.names[0]) << "\\fR";
    } else {
      std::vector<std::string> names;
      for (const std::string& name : option.names) names.push_back("\\fB" + troff(name) + "\\fR");
      out << join(names, ", ");
      if (!option.value.empty()) out << " \\fI" << troff(value_of(option)) << "\\fR";
    }
    out << '\n' << troff(details(option)) << '\n';
  }
}

// A bar would end the cell of a table.
std::string escape_bars(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

void markdown_options(std::ostream& out, const CommandRow& command) {
  std::string group;
  for (const bool positional : {true, false}) {
    for (const OptionRow& option : command.options) {
      if (option.positional != positional) continue;
      const std::string heading = positional ? "Arguments" : option.group;
      if (heading != group) {
        out << (group.empty() ? "" : "\n") << "**" << heading << "**\n\n| | |\n|---|---|\n";
        group = heading;
      }
      std::string cell = join(option.names, ", ");
      if (!positional && !option.value.empty()) cell += " " + value_of(option);
      out << "| `" << escape_bars(cell) << "` | " << details(option) << " |\n";
    }
  }
}

void add_footer(std::ostream& out, const std::string& footer, const char* before, const char* after,
                std::string (*escape)(const std::string&)) {
  if (!footer.empty()) out << before << escape(footer) << after;
}

std::string unchanged(const std::string& text) { return text; }

}  // namespace

std::string man_page(const CommandTable& table) {
  std::ostringstream out;
  out << ".TH ADLIB 1 \"\" \"adlib " << version << "\" \"User Commands\"\n.SH NAME\nadlib \\- "
      << troff(table.program.text) << "\n.SH SYNOPSIS\n";
  for (const CommandRow& command : table.commands)
    out << ".B " << troff(usage_line("adlib", command)) << "\n.br\n";
  out << ".SH OPTIONS OF EVERY COMMAND\n";
  man_options(out, table.program);
  for (const CommandRow& command : table.commands) {
    std::string heading = command.name;
    for (char& c : heading) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    out << ".SH " << troff(heading) << '\n' << troff(command.text) << ".\n";
    man_options(out, command);
    add_footer(out, command.footer, ".PP\n.nf\n", "\n.fi\n", troff);
  }
  add_footer(out, table.program.footer, ".SH NOTES\n.nf\n", "\n.fi\n", troff);
  return out.str();
}

std::string markdown_page(const CommandTable& table) {
  std::ostringstream out;
  out << "# The command-line tool\n\n<!-- Made by `adlib man --markdown`: do not edit. -->\n\n"
      << table.program.text << ".\n\n| Command | |\n|---|---|\n";
  for (const CommandRow& command : table.commands) {
    std::string anchor = command.name;
    std::replace(anchor.begin(), anchor.end(), ' ', '-');
    out << "| [`adlib " << command.name << "`](#adlib-" << anchor << ") | " << command.text << " |\n";
  }
  out << '\n';
  markdown_options(out, table.program);
  add_footer(out, table.program.footer, "\n```text\n", "\n```\n", unchanged);
  for (const CommandRow& command : table.commands) {
    out << "\n## adlib " << command.name << "\n\n"
        << command.text << ".\n\n```text\n"
        << usage_line("adlib", command) << "\n```\n\n";
    markdown_options(out, command);
    add_footer(out, command.footer, "\n```text\n", "\n```\n", unchanged);
  }
  return out.str();
}

void add_man(CLI::App& app, Session& session) {
  auto markdown = std::make_shared<bool>(false);
  CLI::App* command = app.add_subcommand("man", "Write the manual page");
  command->add_flag("--markdown", *markdown, "As Markdown, which is docs/cli.md");
  command->footer("Examples:\n  adlib man > adlib.1 && man -l adlib.1\n  adlib man --markdown > docs/cli.md");
  command->callback([markdown, &app, &session] {
    session.job = [markdown, &app] {
      const CommandTable table = command_table(app);
      Output output("-");
      output.write(*markdown ? markdown_page(table) : man_page(table));
      output.commit();
      return 0;
    };
  });
}

}  // namespace adlib::cli
