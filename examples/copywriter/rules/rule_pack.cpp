#include "copywriter/rules/rule_pack.h"

#include <algorithm>
#include <array>
#include <exception>
#include <fstream>
#include <iterator>
#include <set>

#include "adlib/core/error.h"
#include "adlib/core/parallel.h"
#include "copywriter/rules/toml_table.h"

namespace adlib::copywriter {
namespace {

constexpr std::array<const char*, 5> kLevels{"style", "caution", "evidence", "error", "ban"};

std::vector<std::u32string> keys_of(const std::vector<PhraseSource>& phrases) {
  std::vector<std::u32string> all;
  for (const PhraseSource& phrase : phrases) {
    std::vector<std::u32string> keys = phrase_keys(phrase);
    if (keys.empty()) return {};
    std::move(keys.begin(), keys.end(), std::back_inserter(all));
  }
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Rule read_rule(TomlTable& table, const std::string& pack) {
  Rule rule;
  rule.id = pack + "/" + table.text("id");
  const toml::node& level = table.at("level");
  rule.where = table.where(level);
  try {
    rule.level = parse_level(table.text(level, "level"));
  } catch (const Error& error) {
    table.refuse(level, error.what());
  }
  rule.basis = table.text_or_none("basis");
  const bool law = rule.level == Level::ban || rule.level == Level::evidence || rule.level == Level::caution;
  if (law && rule.basis.empty())
    table.refuse(level, concat("'basis' is missing, which ", to_string(rule.level), " needs"));
  rule.message = table.text("message");
  rule.rewrite = table.text_or_none("rewrite");
  rule.phrases = table.list("phrases");
  rule.exceptions = table.list("except");
  rule.except = PhraseMatcher(rule.exceptions);
  rule.require = PhraseMatcher(table.list("require"));
  if (const toml::node* replace = table.find("replace")) {
    const toml::table* pairs = replace->as_table();
    if (!pairs) table.refuse(*replace, "'replace' is not a table: { \"…\" = \"…\" }");
    for (const auto& [phrase, with] : *pairs) {
      const auto value = with.value<std::string>();
      if (!value) table.refuse(with, "what replaces a phrase is not a text in quotes");
      const PhraseSource source{std::string(phrase.str()), table.where(with)};
      rule.phrases.push_back(source);
      rule.replacements.push_back({PhraseMatcher({source}), *value});
    }
  }
  rule.matcher = PhraseMatcher(rule.phrases);
  rule.keys = keys_of(rule.phrases);
  rule.kinds = table.texts("kinds");
  rule.not_kinds = table.texts("not-kinds");
  rule.channels = table.texts("channels");
  rule.tones = table.texts("tones");
  rule.at_most = table.number("at-most", 0);
  rule.generated_only = table.flag("generated-only");
  rule.outside_names = table.flag("outside-names");
  rule.bad = table.texts("bad");
  rule.good = table.texts("good");
  table.refuse_unknown_keys();
  if (rule.matcher.empty() == rule.require.empty())
    table.refuse(level, "it needs either 'phrases' (or 'replace') or 'require'");
  if (rule.bad.empty() || rule.good.empty())
    table.refuse(level, "it needs examples: at least one text in 'bad' and one in 'good'");
  return rule;
}

bool among(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}
bool any_among(const std::vector<std::string>& names, const std::vector<std::string>& others) {
  return std::any_of(others.begin(), others.end(),
                     [&](const std::string& name) { return among(names, name); });
}

}  // namespace

bool Rule::concerns(const Occasion& occasion) const {
  if (generated_only && !occasion.generated) return false;
  if (!channels.empty() && !any_among(channels, occasion.channels)) return false;
  if (!tones.empty() && !among(tones, occasion.tone)) return false;
  if (!kinds.empty() && !any_among(kinds, occasion.kinds)) return false;
  return !any_among(not_kinds, occasion.kinds);
}

std::vector<Range> Rule::breaches(const FoldedText& text, const PhraseMatcher& names) const {
  const std::size_t end = text.source().size();
  if (!require.empty()) return require.found_in(text) ? std::vector<Range>{} : std::vector<Range>{{end, end}};
  std::vector<Range> out;
  std::int64_t found = 0;
  for (const Range& match : matcher.find_all(text)) {
    if (except.covers(text, match) || (outside_names && names.covers(text, match))) continue;
    if (++found > at_most) out.push_back(text.source_of(match));
  }
  return out;
}

bool RulePack::is_about(Language language) const {
  return !of_fields && std::find(languages.begin(), languages.end(), language) != languages.end();
}

std::vector<std::string> RulePack::failed_examples() const {
  std::vector<std::string> out;
  for (const Rule& rule : rules) {
    for (const std::string& text : rule.bad) {
      if (rule.breaches(FoldedText(text)).empty()) out.push_back(rule.id + " finds nothing in: " + text);
    }
    for (const std::string& text : rule.good) {
      for (const Range& where : rule.breaches(FoldedText(text)))
        out.push_back(rule.id + " finds '" + text.substr(where.begin, where.end - where.begin) +
                      "' in: " + text);
    }
  }
  return out;
}

Level parse_level(std::string_view name) {
  const auto found = std::find(kLevels.begin(), kLevels.end(), name);
  require(found != kLevels.end(), "level '", name,
          "' is unknown, expected one of style, caution, evidence, error, ban");
  return static_cast<Level>(found - kLevels.begin());
}
const char* to_string(Level level) noexcept { return kLevels[static_cast<std::size_t>(level)]; }

RulePack RulePack::read(const std::filesystem::path& file) {
  return parse(io::read_file(file), file.string());
}

RulePack RulePack::parse(std::string_view text, const std::string& file) {
  const toml::table root = parse_toml(text, file);
  const toml::table* head = root["pack"].as_table();
  if (!head) fail(ErrorCode::bad_format, file, ":1: a file of rules begins with [pack]");
  RulePack pack;
  TomlTable about(*head, file, "[pack]");
  pack.id = about.text("id");
  pack.title = about.text("title");
  pack.version = about.text("version");
  pack.sources = about.texts("sources");
  for (const PhraseSource& language : about.list("languages")) {
    try {
      pack.languages.push_back(parse_language(language.text));
    } catch (const Error& error) {
      fail(ErrorCode::bad_format, language.where, ": [pack]: ", error.what());
    }
  }
  if (pack.languages.empty()) about.refuse(*head, "'languages' names none; expected zh, en or both");
  pack.of_fields = about.flag("of-fields");
  about.refuse_unknown_keys();

  std::set<std::string> ids;
  for (const auto& [key, value] : root) {
    if (key == "pack") continue;
    const toml::array* rules = value.as_array();
    if (key != "rule" || !rules)
      about.refuse(value, concat("beside [pack] there are only [[rule]], not '", key.str(), "'"));
    for (const toml::node& node : *rules) {
      const toml::table* one = node.as_table();
      if (!one) about.refuse(node, "a rule begins with [[rule]]");
      TomlTable table(*one, file, concat("rule '", (*one)["id"].value_or(std::string("?")), "'"));
      Rule rule = read_rule(table, pack.id);
      if (!ids.insert(rule.id).second) table.refuse(node, "another rule of the pack has this id");
      pack.rules.push_back(std::move(rule));
    }
  }
  if (pack.rules.empty()) fail(ErrorCode::bad_format, file, ": the pack has no [[rule]]");
  return pack;
}

std::vector<RulePack> read_packs(const std::filesystem::path& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::recursive_directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    if (at->path().extension() != ".toml" || !at->is_regular_file()) continue;
    std::ifstream in(at->path());
    std::string line;
    while (std::getline(in, line) && (line.empty() || line[0] == '#' || line == "\r")) {
    }
    if (line.starts_with("[pack]")) files.push_back(at->path());
  }
  if (error)
    fail(ErrorCode::not_found, directory.string(),
         ": cannot be read as a folder of rules: ", error.message());
  std::sort(files.begin(), files.end());
  std::vector<std::optional<RulePack>> read(files.size());
  std::vector<std::exception_ptr> failed(files.size());  // of several, the first file's is told
  parallel_for(num_threads(), std::ssize(files), [&](std::int64_t i) {
    const auto at = static_cast<std::size_t>(i);
    try {
      read[at] = RulePack::read(files[at]);
    } catch (...) {
      failed[at] = std::current_exception();
    }
  });
  std::vector<RulePack> packs;
  for (std::size_t at = 0; at < files.size(); ++at) {
    if (failed[at]) std::rethrow_exception(failed[at]);
    packs.push_back(std::move(*read[at]));
    for (std::size_t i = 0; i < at; ++i) {
      if (packs[i].id == packs.back().id)
        fail(ErrorCode::bad_format, files[at].string(), ": its id '", packs[i].id, "' is also that of ",
             files[i].string());
    }
  }
  return packs;
}

}  // namespace adlib::copywriter
