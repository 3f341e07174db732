// Book::read: the format of the files.
#include <algorithm>

#include "adlib/core/error.h"
#include "copywriter/corpus/lexicon.h"
#include "copywriter/shop/lines.h"

namespace adlib::copywriter::corpus {
namespace {

struct RoleFormat {
  std::string_view section;
  std::optional<Slot> holds;  // what every sentence of the role must hold, so that a copy does what it is for
};
constexpr std::array<RoleFormat, kRoles> kRoleFormats{{{"open", {}},
                                                       {"name", Slot::name},
                                                       {"fact", Slot::value},
                                                       {"about", Slot::about},
                                                       {"use", {}},
                                                       {"link", {}},
                                                       {"offer", Slot::price},
                                                       {"close", {}},
                                                       {"short", Slot::name}}};
constexpr SlotMask kTitleSlots = mask(Slot::brand) | mask(Slot::model);

// The sections that are lists of words, without patterns.
constexpr std::array<std::pair<std::string_view, std::vector<std::string> Book::*>, 5> kWordSections{
    {{"names", &Book::names},
     {"interests", &Book::interests},
     {"buys", &Book::buys},
     {"ages", &Book::ages},
     {"cities", &Book::cities}}};

struct Section {
  std::string name;
  std::string argument;  // of 'fact' and 'attribute': the attribute's name
  Conditions conditions;
  std::optional<Role> role;
  std::optional<List> list;
  std::vector<std::string> Book::*words = nullptr;
};

Section parse_section(std::string_view heading, const std::string& where) {
  const auto refuse = [&](const auto&... why) { fail(ErrorCode::bad_format, where, ": ", why...); };
  const std::vector<std::string_view> parts = split(heading, ' ');
  if (parts.empty()) refuse("a section needs a name");
  Section section;
  section.name = parts[0];
  // The name of an attribute may have blanks; a condition never does.
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i].find('=') != std::string_view::npos) {
      section.conditions.add(parts[i], where);
    } else {
      if (!section.argument.empty()) section.argument += ' ';
      section.argument += parts[i];
    }
  }

  const std::string& name = section.name;
  for (std::size_t i = 0; i < kRoles; ++i) {
    if (name == kRoleFormats[i].section) section.role = static_cast<Role>(i);
  }
  if (name[0] == '@') section.list = parse_list(std::string_view(name).substr(1));
  for (const auto& [known, member] : kWordSections) {
    if (name == known) section.words = member;
  }
  const bool attribute = name == "attribute";
  const bool known = section.role || section.list || section.words || attribute || name == "titles" ||
                     name == "reviews" || name == "levels";
  if (!known) refuse("there is no section '", name, "'");
  if (attribute && section.argument.empty()) refuse("'attribute' needs the attribute's name");
  if (!section.argument.empty() && !attribute && section.role != Role::fact) {
    refuse("'", name, "' takes no name, got '", section.argument, "'");
  }
  if (section.conditions.count() > 0 && !section.role && name != "levels")
    refuse("'", name, "' takes no conditions");
  if (name == "levels" && !section.conditions.ask_for(Trait::level))
    refuse("'levels' needs level=high or level=low");
  return section;
}

// A pattern that holds nothing its section has no use for.
Pattern parse_entry(const std::string& line, const std::string& where, SlotMask slots, bool lists,
                    bool numbers) {
  Pattern pattern(line, where);
  const auto refuse = [&](const char* what) {
    fail(ErrorCode::bad_format, where, ": ", what, " here: ", line);
  };
  if ((pattern.uses() & ~slots) != 0) refuse(slots == 0 ? "there are no slots" : "there is no such slot");
  if (pattern.uses_lists() != 0 && !lists) refuse("there are no lists");
  if (pattern.uses_numbers() && !numbers) refuse("there are no numbers");
  return pattern;
}

Attribute& attribute_of(Book& book, const std::string& name) {
  const auto found = std::find_if(book.attributes.begin(), book.attributes.end(),
                                  [&](const Attribute& attribute) { return attribute.name == name; });
  if (found != book.attributes.end()) return *found;
  return book.attributes.emplace_back(Attribute{name, {}});
}

void add_entry(Book& book, const Section& section, const std::string& line, const std::string& where) {
  if (section.role) {
    const auto role = static_cast<std::size_t>(*section.role);
    Pattern pattern = parse_entry(line, where, ~mask(Slot::model), true, false);
    const auto must_hold = [&](Slot slot) {
      if ((pattern.needs() & mask(slot)) != 0) return;
      fail(ErrorCode::bad_format, where, ": every entry of '", section.name, "' holds {", name_of(slot),
           "}: ", line);
    };
    if (const auto slot = kRoleFormats[role].holds) must_hold(*slot);
    if (section.role == Role::fact && section.argument.empty()) must_hold(Slot::fact);
    book.entries[role].push_back({std::move(pattern), section.conditions, section.argument});
  } else if (section.list) {
    book.lists[static_cast<std::size_t>(*section.list)].push_back(parse_entry(line, where, 0, false, false));
  } else if (section.words) {
    if (section.words == &Book::ages) {
      const auto& bands = trait_values(Trait::age);
      const bool there = std::find(bands.begin(), bands.end(), line) != bands.end();
      if (!there) fail(ErrorCode::bad_format, where, ": '", line, "' is no age, expected one such as adult");
    }
    (book.*section.words).push_back(line);
  } else if (section.name == "attribute") {
    attribute_of(book, section.argument).values.push_back(parse_entry(line, where, 0, false, true));
  } else if (section.name == "titles") {
    book.titles.push_back(parse_entry(line, where, kTitleSlots, false, true));
  } else if (section.name == "reviews") {
    book.reviews.push_back(parse_entry(line, where, 0, false, false));
  } else {
    book.levels.push_back({parse_entry(line, where, 0, false, true), section.conditions, ""});
  }
}

}  // namespace

void Book::read(const std::filesystem::path& file) {
  std::optional<Section> section;
  read_lines(file, [&](const std::string& line, const std::string& where) {
    if (line.starts_with("== ")) {
      section = parse_section(std::string_view(line).substr(3), where);
      // Also one without values: such an attribute has invented ones only.
      if (section->name == "attribute") attribute_of(*this, section->argument);
    } else {
      if (line.starts_with("==")) fail(ErrorCode::bad_format, where, ": a blank is missing behind '=='");
      if (!section)
        fail(ErrorCode::bad_format, where, ": the first line must open a section, as in '== open'");
      add_entry(*this, *section, line, where);
    }
  });
}

}  // namespace adlib::copywriter::corpus
