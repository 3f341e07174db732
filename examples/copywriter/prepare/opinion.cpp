#include "copywriter/prepare/opinion.h"

#include <algorithm>
#include <optional>
#include <set>

#include "copywriter/polish/check.h"
#include "copywriter/rules/toml_table.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::array<AspectName, kAspects> kNames{{{"quality", "质量", "quality"},
                                                   {"size", "尺码", "size"},
                                                   {"price", "价格", "price"},
                                                   {"delivery", "物流", "delivery"},
                                                   {"comfort", "舒适", "comfort"},
                                                   {"taste", "口味", "taste"},
                                                   {"service", "服务", "service"},
                                                   {"packaging", "包装", "packaging"}}};
constexpr std::string_view kAny = "any";
// How far before a judgement its negation may stand: 不是特别舒服, "not all that comfortable".
constexpr std::size_t kChineseReach = 4, kEnglishReach = 3;

std::string key_of(std::string_view folded) {
  std::string key(folded);
  std::erase_if(key, [](char c) { return c == ' ' || c == '-'; });
  return key;
}

bool ends_clause(std::string_view text, std::size_t at) {
  constexpr std::string_view kMarks = ",;!?:\n~";
  if (kMarks.find(text[at]) != std::string_view::npos) return true;
  if (text[at] == '.') return at + 1 == text.size() || text[at + 1] == ' ' || text[at + 1] == '.';
  for (const std::string_view mark : {"。", "、", "…"}) {
    if (text.substr(at).starts_with(mark)) return true;
  }
  return false;
}

bool is_letter_byte(char c) { return (c >= 'a' && c <= 'z') || c == '\''; }

// Words between in English, characters in Chinese.
bool within_reach(std::string_view between) {
  const bool latin = std::any_of(between.begin(), between.end(), is_letter_byte);
  if (latin)
    return static_cast<std::size_t>(std::count(trim(between).begin(), trim(between).end(), ' ')) <
           kEnglishReach;
  std::size_t characters = 0;
  for (std::size_t at = 0; at < between.size(); ++characters) next_code_point(between, at);
  return characters <= kChineseReach;
}

std::size_t distance(Range a, Range b) {
  return a.end <= b.begin ? b.begin - a.end : a.begin >= b.end ? a.begin - b.end : 0;
}

}  // namespace

const std::array<AspectName, kAspects>& aspect_names() { return kNames; }

OpinionLexicon::OpinionLexicon(const std::filesystem::path& file) {
  std::vector<PhraseSource> all;
  for_each_table(file, "aspect", [&](TomlTable& table) {
    const toml::node& id = table.at("id");
    const std::string name = table.text(id, "id");
    const auto* found = std::find_if(kNames.begin(), kNames.end(),
                                     [&](const AspectName& aspect) { return name == aspect.id; });
    if (found == kNames.end() && name != kAny) table.refuse(id, "is no aspect that features know");
    const auto aspect = static_cast<std::size_t>(found - kNames.begin());
    std::vector<std::pair<const char*, Role>> keys{{"praise", Role::praise}, {"complaint", Role::complaint}};
    if (name == kAny) {
      keys.insert(keys.end(), {{"negation", Role::negation}, {"contrast", Role::contrast}});
    } else {
      keys.emplace_back("words", Role::word);
    }
    for (const auto& [key, role] : keys) {
      for (const PhraseSource& phrase : table.list(key)) {
        all.push_back(phrase);
        std::set<std::string> keys_of_phrase;  // "well made" stands for "well-made", too
        for (const std::string& plain : plain_phrases(phrase))
          keys_of_phrase.insert(key_of(FoldedText(plain).folded()));
        for (const std::string& one : keys_of_phrase) {
          if (!entries_.emplace(one, Entry{role, aspect}).second)
            fail(ErrorCode::bad_format, phrase.where, ": '", phrase.text, "' is there twice");
        }
      }
    }
  });
  phrases_ = PhraseMatcher(all);
}

void OpinionLexicon::add(std::string_view review, Opinions& opinions) const {
  const FoldedText text(review);
  const std::string_view folded = text.folded();
  std::vector<Mention> clause;
  std::size_t at = 0;
  for (const Range match : phrases_.find_all(text)) {
    bool ended = false;
    for (; at < match.begin && !ended; ++at) ended = ends_clause(folded, at);
    at = match.end;
    const auto entry = entries_.find(key_of(folded.substr(match.begin, match.end - match.begin)));
    if (entry == entries_.end()) continue;  // a spelling that the pattern allows and the list does not have
    const bool contrast = entry->second.role == Role::contrast;
    if (ended || contrast) {
      add_clause(text, clause, opinions);
      clause.clear();
    }
    if (!contrast) clause.push_back({match, entry->second});
  }
  add_clause(text, clause, opinions);
}

void OpinionLexicon::add_clause(const FoldedText& text, const std::vector<Mention>& clause,
                                Opinions& opinions) const {
  const std::string_view folded = text.folded();
  std::array<int, kAspects> balance{};
  std::vector<Mention> aspects;
  std::vector<std::pair<Range, int>> general;
  std::optional<Range> negation;
  for (const Mention& mention : clause) {
    const auto& [where, entry] = mention;
    if (entry.role == Role::negation) {
      // "没有不": two take each other away
      negation = negation && within_reach(folded.substr(negation->end, where.begin - negation->end))
                     ? std::nullopt
                     : std::optional(where);
      continue;
    }
    if (entry.role == Role::word) {
      aspects.push_back(mention);
      continue;
    }
    int sign = entry.role == Role::praise ? 1 : -1;
    if (negation && within_reach(folded.substr(negation->end, where.begin - negation->end))) sign = -sign;
    if (entry.aspect == kAspects)
      general.emplace_back(where, sign);
    else
      balance[entry.aspect] += sign;
  }
  if (general.size() == 1) {
    for (const Mention& aspect : aspects) balance[aspect.entry.aspect] += general.front().second;
  } else if (!aspects.empty()) {
    for (const auto& [where, sign] : general) {
      const Range here = where;
      const auto nearest =
          std::min_element(aspects.begin(), aspects.end(), [&](const Mention& a, const Mention& b) {
            return distance(a.where, here) < distance(b.where, here);
          });
      balance[nearest->entry.aspect] += sign;
    }
  }
  for (std::size_t i = 0; i < kAspects; ++i) {
    if (balance[i] > 0) ++opinions.praise[i];
    if (balance[i] < 0) ++opinions.complaint[i];
  }
}

OpinionReader::OpinionReader(const std::filesystem::path& directory)
    : zh_(directory / "zh.toml"), en_(directory / "en.toml") {}

void OpinionReader::add(std::string_view review, Opinions& opinions) const {
  (language_of(review) == Language::zh ? zh_ : en_).add(review, opinions);
}

}  // namespace adlib::copywriter
