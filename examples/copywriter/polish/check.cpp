#include "copywriter/polish/check.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <tuple>

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"
#include "copywriter/polish/channel.h"
#include "copywriter/polish/typography/typography.h"

namespace adlib::copywriter {
namespace {

PhraseMatcher names_of(const Product* product) {
  std::vector<PhraseSource> names;
  if (product) {
    for (const std::string& name : {product->title, product->brand}) {
      if (!folded(name).empty()) names.push_back({escaped_phrase(name), product->source.text()});
    }
  }
  return PhraseMatcher(names);
}

// What --fix puts in place of a match: that of the replacement which is about exactly these words, with a
// capital where they have one.
std::optional<std::string> replacement(const Rule& rule, std::string_view words) {
  for (const Replacement& one : rule.replacements) {
    const FoldedText text(words);
    const std::vector<Range> found = one.phrase.find_all(text);
    if (found.size() != 1 || found[0] != Range{0, text.folded().size()}) continue;
    std::string with = one.with;
    if (!with.empty() && std::isupper(static_cast<unsigned char>(words.front())))
      with[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(with[0])));
    return with;
  }
  return std::nullopt;
}

// Names and values stand as the shop writes them: their marks and spaces are not looked at.
void leave_out_names(std::vector<Finding>& findings, std::string_view text, const Product* product) {
  if (!product) return;
  for (const NamedValues* named : {&product->attributes, &product->options}) {
    for (const auto& [name, values] : *named) {
      for (const std::string& value : values) {
        for (std::size_t at = text.find(value); !value.empty() && at != text.npos;
             at = text.find(value, at + 1)) {
          std::erase_if(findings, [&](const Finding& finding) {  // a space beside a value is another matter
            return at < finding.where.begin && finding.where.end < at + value.size();
          });
        }
      }
    }
  }
  for (const std::string_view name : {std::string_view(product->title), std::string_view(product->brand)}) {
    for (std::size_t at = text.find(name); !name.empty() && at != text.npos; at = text.find(name, at + 1)) {
      const Range place{at, at + name.size()};
      std::erase_if(findings, [&](const Finding& finding) { return place.contains(finding.where); });
    }
  }
}

// Several packs say the same of the same words: of findings with one place, level and message the first
// stays.
void leave_out_repeated(std::vector<Finding>& findings) {
  std::set<std::tuple<std::size_t, std::size_t, Level, std::string>> told;
  std::vector<Finding> kept;
  for (Finding& finding : findings) {
    const Range where = finding.where;
    const bool first = told.emplace(where.begin, where.end, finding.level, finding.message).second;
    if (first || where.empty()) kept.push_back(std::move(finding));
  }
  findings = std::move(kept);
}

void append(std::vector<Finding>& all, std::vector<Finding>&& more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

}  // namespace

Language language_of(std::string_view text) {
  std::size_t chinese = 0, letters = 0;
  for (const char32_t c : code_points(text)) {
    const Script script = script_of(c);
    if (script == Script::common) continue;
    ++letters;
    if (script == Script::han || script == Script::kana) ++chinese;
  }
  return chinese * 4 >= letters && chinese > 0 ? Language::zh : Language::en;
}

Checker::Checker(const std::filesystem::path& rules, std::span<const std::filesystem::path> packs,
                 std::span<const Product> catalogue)
    : Checker(std::make_shared<RuleSet>(rules, packs), catalogue) {}

Checker::Checker(std::shared_ptr<const RuleSet> rules, std::span<const Product> catalogue)
    : rules_(std::move(rules)),
      claims_(rules_->directory(), catalogue),
      reader_(rules_->directory(), catalogue) {
  refuse_unknown_names();
}

void Checker::refuse_unknown_names() const {
  const std::vector<std::string> kinds = this->kinds().names();
  std::vector<std::string> channels;
  for (const ChannelField& channel : this->channels()) {
    channels.push_back(channel.id);
    channels.push_back(channel.family);
  }
  const auto check = [](const Rule& rule, const std::vector<std::string>& names,
                        const std::vector<std::string>& known, const char* what, const char* file) {
    for (const std::string& name : names) {
      if (std::find(known.begin(), known.end(), name) == known.end()) {
        fail(ErrorCode::bad_format, rule.where, ": rule '", rule.id, "': ", what, " '", name, "' is not in ",
             file);
      }
    }
  };
  for (const RulePack& pack : packs()) {
    for (const Rule& rule : pack.rules) {
      check(rule, rule.kinds, kinds, "kind", "kinds.toml");
      check(rule, rule.not_kinds, kinds, "kind", "kinds.toml");
      check(rule, rule.channels, channels, "channel", "channels.toml");
    }
  }
}

std::vector<Finding> Checker::check(const Subject& subject) const {
  Occasion occasion;
  occasion.kinds = subject.kinds;
  if (occasion.kinds.empty()) {
    const Product* product = subject.product;
    occasion.kinds =
        kinds().of(product ? product->category + "\n" + product->title : std::string(subject.text));
  }
  if (subject.channel) occasion.channels = {subject.channel->id, subject.channel->family};
  if (!subject.channel_family.empty()) occasion.channels.push_back(subject.channel_family);
  occasion.tone = subject.tone;
  occasion.generated = subject.generated;

  std::vector<Finding> all = check_typography(subject.text, subject.language);
  leave_out_names(all, subject.text, subject.product);
  const FoldedText text(subject.text);
  const PhraseMatcher names = names_of(subject.product);
  for (const Rule* rule : rules_->rules_for(text, subject.language)) {
    if (!rule->concerns(occasion)) continue;
    for (const Range& where : rule->breaches(text, names)) {
      all.push_back({rule->id, rule->level, where, rule->message, rule->basis, rule->rewrite,
                     replacement(*rule, subject.text.substr(where.begin, where.end - where.begin))});
    }
  }
  if (subject.channel)
    append(all, check_channel(subject.text, beside_label(*subject.channel, subject.language, subject.text)));
  if (subject.product)
    append(all, claims_.check(subject.text, *subject.product, subject.customer, subject.language,
                              subject.generated));
  if (subject.customer || subject.unpersonalised)
    append(all, reader_.check(subject.text, subject.language,
                              subject.unpersonalised ? nullptr : subject.customer));
  leave_out_repeated(all);
  std::stable_sort(all.begin(), all.end(), [](const Finding& a, const Finding& b) {
    return std::pair(a.where.begin, b.level) < std::pair(b.where.begin, a.level);
  });
  return all;
}

bool keeps_to_facts(const Checker& checker, const Subject& subject) {
  const std::vector<Finding> findings = checker.check(subject);
  return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
    return finding.level >= Level::error &&
           (finding.rule.starts_with("facts/") || finding.rule.starts_with("reader/"));
  });
}

std::string fixed(std::string_view text, std::span<const Finding> findings) {
  std::vector<const Finding*> fixes;
  for (const Finding& finding : findings) {
    if (finding.fix) fixes.push_back(&finding);
  }
  std::stable_sort(fixes.begin(), fixes.end(),
                   [](const Finding* a, const Finding* b) { return a->where.begin < b->where.begin; });
  std::string out;
  std::size_t done = 0;
  for (const Finding* finding : fixes) {
    if (finding->where.begin < done) continue;
    out += text.substr(done, finding->where.begin - done);
    out += *finding->fix;
    done = finding->where.end;
  }
  return out + std::string(text.substr(done));
}

}  // namespace adlib::copywriter
