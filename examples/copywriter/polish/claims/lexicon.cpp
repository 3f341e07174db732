#include "copywriter/polish/claims/lexicon.h"

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"
#include "copywriter/rules/toml_table.h"
#include "copywriter/shop/lines.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter::claims {
namespace {

// Files of the folder that are no list of properties.
constexpr const char* kClaims = "claims.toml";
constexpr const char* kNumbers = "numbers.toml";
constexpr const char* kStatements = "statements.toml";
constexpr const char* kTold = "told.toml";

bool is_latin_or_digit(char c) { return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z'); }

std::vector<std::string> folded_list(TomlTable& table, std::string_view key) {
  std::vector<std::string> out;
  for (const std::string& text : table.texts(key)) out.push_back(folded_text(text));
  return out;
}

LexiconGroup read_group(const PhraseSource& line, bool all_weak) {
  LexiconGroup group;
  for (std::string_view word : split(line.text, '|')) {
    const bool weak = word.starts_with('?');
    if (weak) word.remove_prefix(1);
    group.words.push_back({folded_text(word), weak || all_weak});
    if (group.words.back().text.empty())
      fail(ErrorCode::bad_format, line.where, ": a word of '", line.text, "' is empty");
  }
  return group;
}

void read_broader(TomlTable& table, PropertyClass& property) {
  const toml::node* node = table.find("broader");
  if (!node) return;
  const toml::array* rows = node->as_array();
  if (!rows) table.refuse(*node, "'broader' is not a list of lists: [[\"…\", \"…\"]]");
  for (const toml::node& row : *rows) {
    const toml::array* words = row.as_array();
    if (!words || words->size() < 2) table.refuse(row, "each list of 'broader' has at least two words");
    const std::string first = folded_text(table.text(*words->get(0), "broader"));
    const auto group =
        std::find_if(property.groups.begin(), property.groups.end(), [&](const LexiconGroup& one) {
          return std::any_of(one.words.begin(), one.words.end(),
                             [&](const LexiconWord& word) { return word.text == first; });
        });
    if (group == property.groups.end())
      table.refuse(row, concat("'", first, "' of 'broader' is not among the words"));
    for (std::size_t i = 1; i < words->size(); ++i)
      group->narrower.push_back(folded_text(table.text(*words->get(i), "broader")));
  }
}

std::vector<Cue> read_cues(TomlTable& table) {
  std::vector<Cue> cues;
  for (const PhraseSource& cue : table.list("cues")) {
    const std::size_t star = cue.text.find('*');
    if (star == std::string::npos)
      fail(ErrorCode::bad_format, cue.where, ": cue '", cue.text, "' has no '*' for the word");
    cues.push_back({folded_text(cue.text.substr(0, star)), folded_text(cue.text.substr(star + 1))});
  }
  return cues;
}

PropertyClass read_property(TomlTable& table, std::vector<PhraseSource>& except) {
  PropertyClass property;
  property.id = table.text("id");
  property.names = folded_list(table, "names");
  property.weak = table.flag("weak");
  for (const PhraseSource& line : table.list("words"))
    property.groups.push_back(read_group(line, property.weak));
  read_broader(table, property);
  property.cues = read_cues(table);
  for (PhraseSource& phrase : table.list("except")) except.push_back(std::move(phrase));
  return property;
}

bool has_han(std::string_view text) {
  const std::u32string points = code_points(text);
  return std::any_of(points.begin(), points.end(), [](char32_t c) { return script_of(c) == Script::han; });
}

// Names in Chinese are words of the property by themselves; English ones ("case", "light") are too common.
void read_told(TomlTable& table, ClaimLexicon& lexicon) {
  ToldProperty told;
  told.id = table.text("id");
  told.names = folded_list(table, "names");
  told.units = table.texts("units");
  for (const PropertyClass& property : lexicon.classes) {
    if (property.id == told.id)
      told.names.insert(told.names.end(), property.names.begin(), property.names.end());
  }
  const auto place = static_cast<std::uint32_t>(lexicon.told.size());
  for (const std::string& name : told.names) {
    if (has_han(name)) lexicon.told_words.add(name, place);
    lexicon.told_names[name].insert(place);
  }
  for (const PhraseSource& words : table.list("words")) {
    const std::vector<std::string> plain = plain_phrases(words);
    if (plain.empty())
      fail(ErrorCode::bad_format, words.where, ": '", words.text,
           "' has a gap, a number or too many choices");
    for (const std::string& phrase : plain) lexicon.told_words.add(folded_text(phrase), place);
  }
  for (const std::string& frame : folded_list(table, "frames")) {
    lexicon.told_words.add(frame, place);
    lexicon.frames.add(frame, place);
  }
  lexicon.told.push_back(std::move(told));
}

}  // namespace

std::string folded_text(std::string_view text) { return FoldedText(text).folded(); }

bool is_word_edge(std::string_view folded, std::size_t at) {
  return at == 0 || at >= folded.size() || !is_latin_or_digit(folded[at - 1]) ||
         !is_latin_or_digit(folded[at]);
}

std::size_t find_words(std::string_view folded, std::string_view phrase, std::size_t from) {
  if (phrase.empty()) return std::string_view::npos;
  for (std::size_t at = folded.find(phrase, from); at != std::string_view::npos;
       at = folded.find(phrase, at + 1)) {
    if (is_word_edge(folded, at) && is_word_edge(folded, at + phrase.size())) return at;
  }
  return std::string_view::npos;
}

ClaimLexicon ClaimLexicon::read(const std::filesystem::path& directory) {
  ClaimLexicon lexicon;
  std::vector<std::filesystem::path> files;
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    const std::string name = file.path().filename().string();
    if (name.ends_with(".toml") && name != kClaims && name != kNumbers && name != kStatements &&
        name != kTold)
      files.push_back(file.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<PhraseSource> except;
  for (const auto& file : files) {
    for_each_table(file, "property",
                   [&](TomlTable& table) { lexicon.classes.push_back(read_property(table, except)); });
  }
  lexicon.except = PhraseMatcher(except);
  for_each_table(directory / kClaims, "claim", [&](TomlTable& table) {
    const std::string rule = table.text("rule");
    if (rule != "claim" && rule != "comparison")
      table.refuse(table.at("rule"), concat("'rule' is claim or comparison, got '", rule, "'"));
    table.text("id");
    lexicon.claims.push_back(
        {rule == "comparison", PhraseMatcher(table.list("phrases")), PhraseMatcher(table.list("except"))});
  });
  const toml::table root = read_toml(directory / kStatements);
  TomlTable statements(root, (directory / kStatements).string(), "statements");
  lexicon.statements = {folded_list(statements, "binders"), folded_list(statements, "back_binders"),
                        folded_list(statements, "before"),  folded_list(statements, "behind"),
                        folded_list(statements, "openers"), folded_list(statements, "links"),
                        folded_list(statements, "aside"),   folded_list(statements, "open"),
                        folded_list(statements, "under"),   folded_list(statements, "answers"),
                        folded_list(statements, "entries"), folded_list(statements, "listed")};
  lexicon.quotations = {PhraseMatcher(statements.list("quotes")), PhraseMatcher(statements.list("quoted"))};
  statements.refuse_unknown_keys();
  for_each_table(directory / kTold, "told", [&](TomlTable& table) { read_told(table, lexicon); });
  lexicon.told_words.link();
  lexicon.frames.link();
  return lexicon;
}

}  // namespace adlib::copywriter::claims
