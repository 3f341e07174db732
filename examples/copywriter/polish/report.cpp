#include "copywriter/polish/report.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "adlib/generate/text_length.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::int64_t kContext = 36;  // columns shown on either side of what is underlined

std::int64_t columns(std::string_view text) { return length_of(text).in(LengthUnit::double_width); }

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

// The end of a text that fits into so many columns, or its beginning. No more of a long line is looked at.
std::string_view last_columns(std::string_view text, std::int64_t count) {
  TextLength length;
  for (std::size_t end = text.size(); end > 0;) {
    std::size_t at = end - 1;
    while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) --at;
    length.add(code_points(text.substr(at, end - at)).front());
    if (length.in(LengthUnit::double_width) > count) return text.substr(end);
    end = at;
  }
  return text;
}
std::string_view first_columns(std::string_view text, std::int64_t count) {
  TextLength length;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    length.add(next_code_point(text, at));
    if (length.in(LengthUnit::double_width) > count) return text.substr(0, begin);
  }
  return text;
}

// The line of the finding, cut to what a screen shows, and what underlines the words.
std::string excerpt(const Finding& finding, std::string_view text) {
  const auto [begin, end] = finding.where;
  const std::size_t line_begin = begin == 0 ? 0 : text.rfind('\n', begin - 1) + 1;  // npos + 1 is 0
  const std::size_t line_end = std::min(text.find('\n', begin), text.size());
  const std::string_view before_all = text.substr(line_begin, begin - line_begin);
  const std::string_view words = text.substr(begin, std::min(end, line_end) - begin);
  const std::string_view after_all = text.substr(begin + words.size(), line_end - begin - words.size());
  const std::string_view before = last_columns(before_all, kContext),
                         after = first_columns(after_all, kContext);
  std::string shown = before.size() < before_all.size() ? "…" : "";
  const auto indent = static_cast<std::size_t>(columns(shown) + columns(before));
  shown += std::string(before) + std::string(words) + std::string(after);
  if (after.size() < after_all.size()) shown += "…";
  const auto width = static_cast<std::size_t>(std::max<std::int64_t>(columns(words), 1));
  return concat("    ", shown, "\n    ", std::string(indent, ' '), std::string(width, '^'), "\n");
}

// RFC 3986, 2.1: a path as a reference.
std::string uri(std::string_view path) {
  std::string out;
  for (const char c : path) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    constexpr std::string_view digits = "0123456789ABCDEF";
    const auto byte = static_cast<unsigned char>(c);
    if (plain) out += c;
    if (!plain) out += {'%', digits[byte / 16], digits[byte % 16]};
  }
  return out;
}

const char* sarif_level(Level level) {
  switch (level) {
    case Level::ban:
    case Level::error:
      return "error";
    case Level::evidence:
    case Level::caution:
      return "warning";
    case Level::style:
      break;
  }
  return "note";
}

}  // namespace

Position Positions::of(std::size_t byte) {
  if (byte < at_) at_ = 0, position_ = {};
  while (at_ < byte) {
    if (next_code_point(text_, at_) == U'\n') {
      ++position_.line, position_.column = 1;
    } else {
      ++position_.column;
    }
  }
  return position_;
}

std::string to_text(std::span<const Finding> findings, std::string_view text, const TextSource& source) {
  std::string out;
  Positions positions(text);
  for (const Finding& finding : findings) {
    const Position at = positions.of(finding.where.begin);
    const std::int64_t line = source.is_record ? source.line : source.line + at.line - 1;
    out += concat(source.file, ":", line, ":", at.column, ": ", to_string(finding.level), ": ",
                  finding.message, " [", finding.rule, "]\n", excerpt(finding, text));
    if (!finding.basis.empty()) out += concat("    ", finding.basis, "\n");
    const std::string& rewrite = finding.fix && !finding.fix->empty() ? *finding.fix : finding.rewrite;
    if (!rewrite.empty()) out += concat("    → ", rewrite, "\n");
  }
  return out;
}

OrderedJson to_json(std::span<const Finding> findings, std::string_view text, const TextSource& source) {
  OrderedJson list = OrderedJson::array();
  Positions positions(text);
  for (const Finding& finding : findings) {
    const Position at = positions.of(finding.where.begin);
    OrderedJson one{{"rule", finding.rule},
                    {"level", to_string(finding.level)},
                    {"begin", finding.where.begin},
                    {"end", finding.where.end},
                    {"line", at.line},
                    {"column", at.column},
                    {"words", text.substr(finding.where.begin, finding.where.end - finding.where.begin)},
                    {"message", finding.message}};
    if (!finding.basis.empty()) one["basis"] = finding.basis;
    if (!finding.rewrite.empty()) one["rewrite"] = finding.rewrite;
    if (finding.fix) one["fix"] = *finding.fix;
    list.push_back(std::move(one));
  }
  return {{"file", source.file}, {"line", source.line}, {"findings", std::move(list)}};
}

void SarifLog::add(std::span<const Finding> findings, std::string_view text, const TextSource& source) {
  Positions begins(text), ends(text);
  for (const Finding& finding : findings) {
    const Position begin = begins.of(finding.where.begin), end = ends.of(finding.where.end);
    OrderedJson region{{"startLine", source.line}};
    if (!source.is_record) {
      region = {{"startLine", source.line + begin.line - 1},
                {"startColumn", begin.column},
                {"endLine", source.line + end.line - 1},
                {"endColumn", end.column}};
    }
    region["snippet"] = {{"text", text.substr(finding.where.begin, finding.where.end - finding.where.begin)}};
    const OrderedJson location{{"artifactLocation", {{"uri", uri(source.file)}}}, {"region", region}};
    OrderedJson result{
        {"ruleId", finding.rule},
        {"level", sarif_level(finding.level)},
        {"message", {{"text", finding.message + (finding.basis.empty() ? "" : " — " + finding.basis)}}},
        {"locations", OrderedJson::array({{{"physicalLocation", location}}})},
        {"properties", {{"level", to_string(finding.level)}}}};
    if (finding.fix && !source.is_record) {
      const OrderedJson replacement{{"deletedRegion", region}, {"insertedContent", {{"text", *finding.fix}}}};
      const OrderedJson change{{"artifactLocation", {{"uri", uri(source.file)}}},
                               {"replacements", OrderedJson::array({replacement})}};
      result["fixes"] = OrderedJson::array({{{"artifactChanges", OrderedJson::array({change})}}});
    }
    results_.push_back(std::move(result));
    if (std::find(rules_.begin(), rules_.end(), finding.rule) == rules_.end()) rules_.push_back(finding.rule);
  }
}

OrderedJson SarifLog::document(const std::vector<RulePack>& packs) const {
  OrderedJson rules = OrderedJson::array();
  for (const std::string& id : rules_) {
    OrderedJson about{{"id", id}};
    for (const RulePack& pack : packs) {
      for (const Rule& rule : pack.rules) {
        if (rule.id != id) continue;
        about["shortDescription"] = {{"text", rule.message}};
        if (!rule.rewrite.empty()) about["help"] = {{"text", rule.rewrite}};
        if (!pack.sources.empty()) about["helpUri"] = pack.sources.front();
        about["properties"] = {{"basis", rule.basis}, {"pack", pack.title}, {"version", pack.version}};
      }
    }
    rules.push_back(std::move(about));
  }
  const OrderedJson driver{{"name", "adlib check"}, {"semanticVersion", version_}, {"rules", rules}};
  const OrderedJson run{
      {"tool", {{"driver", driver}}}, {"columnKind", "unicodeCodePoints"}, {"results", results_}};
  return {{"$schema",
           "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"},
          {"version", "2.1.0"},
          {"runs", OrderedJson::array({run})}};
}

std::string diff(std::string_view before, std::string_view after, const TextSource& source) {
  if (before == after) return "";
  std::vector<std::string_view> old = lines_of(before), now = lines_of(after);
  std::size_t same = 0;
  while (same < std::min(old.size(), now.size()) && old[same] == now[same]) ++same;
  std::size_t tail = 0;
  while (tail + same < std::min(old.size(), now.size()) &&
         old[old.size() - 1 - tail] == now[now.size() - 1 - tail])
    ++tail;
  const std::int64_t line = source.is_record ? source.line : source.line + static_cast<std::int64_t>(same);
  std::string out = concat("@@ ", source.file, ":", line, " @@\n");
  for (std::size_t i = same; i + tail < old.size(); ++i) out += concat("-", old[i], "\n");
  for (std::size_t i = same; i + tail < now.size(); ++i) out += concat("+", now[i], "\n");
  return out;
}

}  // namespace adlib::copywriter
