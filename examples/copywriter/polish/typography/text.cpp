#include "copywriter/polish/typography/text.h"

#include <algorithm>
#include <cstdint>

#include "adlib/core/error.h"
#include "adlib/tokenizer/characters.h"
#include "copywriter/rules/pcre2_code.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter::typography {
namespace {

constexpr std::uint32_t kMostGroups = 10;  // $0 to $9

// `fix` with its groups put in.
std::string expand(std::string_view fix, const Pattern::Match& match, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < fix.size(); ++i) {
    if (fix[i] != '$') {
      out += fix[i];
      continue;
    }
    const auto group = static_cast<std::size_t>(fix.at(++i) - '0');
    if (group < match.groups.size()) out += match.text(text, group);
  }
  return out;
}

// An invisible character may join emoji or letters of scripts that need it, but no Latin or Chinese ones.
bool is_lettered(char32_t c) {
  const Script script = script_of(c);
  return script == Script::latin || script == Script::han;
}

bool is_tab_or_line(char32_t c) { return c == '\t' || c == '\n' || c == '\r' || c == 0x85; }

}  // namespace

Pattern::Pattern(std::string_view written) {
  std::string expression(written);
#if PCRE2_MAJOR > 10 || PCRE2_MINOR >= 40
  // Since 10.40 \p{Han} has the marks of Chinese, too, unless the property Script alone is asked for.
  constexpr std::string_view han = "\\p{Han}", script = "\\p{sc:Han}";
  for (std::size_t at = 0; (at = expression.find(han, at)) != std::string::npos; at += script.size()) {
    expression.replace(at, han.size(), script);
  }
#endif
  std::string error;
  code_ = Pcre2Code::compile(expression, PCRE2_UTF | PCRE2_UCP, error);
  require(code_ != nullptr, "pattern '", expression, "' is malformed: ", error);
}

std::vector<Pattern::Match> Pattern::find_all(std::string_view text) const {
  thread_local const Pcre2Match data(pcre2_match_data_create(kMostGroups, nullptr));
  std::vector<Match> found;
  for (std::size_t from = 0; from <= text.size();) {
    const int groups = code_->match(text, from, PCRE2_NO_UTF_CHECK, data.get());
    if (groups < 0) break;
    const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
    Match match;
    match.whole = {ends[0], ends[1]};
    for (int g = 0; g < groups; ++g) {
      const bool took_part = ends[2 * g] != PCRE2_UNSET;
      match.groups.push_back(took_part ? Range{ends[2 * g], ends[2 * g + 1]} : Range{});
    }
    from = match.whole.end;
    if (match.whole.empty()) {
      if (from == text.size())
        from = text.size() + 1;
      else
        next_code_point(text, from);
    }
    found.push_back(std::move(match));
  }
  return found;
}

bool Pattern::found_in(std::string_view text) const {
  thread_local const Pcre2Match data(pcre2_match_data_create(1, nullptr));
  return code_->match(text, 0, PCRE2_NO_UTF_CHECK, data.get()) >= 0;
}

Rules::Rules(std::initializer_list<Rule> rules) {
  for (const Rule& rule : rules) rules_.emplace_back(rule, Pattern(rule.pattern));
}

Proof::Proof(std::string_view source, Language language)
    : source_(source), text_(source), language_(language) {
  for (std::size_t at = 0; at < source.size();) {
    const std::size_t begin = at;
    if (next_code_point(source, at) == 0xFFFD) blank({begin, at});
  }
}

void Proof::blank(Range range) {
  std::fill(text_.begin() + static_cast<std::ptrdiff_t>(range.begin),
            text_.begin() + static_cast<std::ptrdiff_t>(range.end), kBlank);
}

void Proof::add(const char* rule, Level level, Range where, const char* message,
                std::optional<std::string> fix) {
  findings_.push_back(
      {.rule = rule, .level = level, .where = where, .message = message, .fix = std::move(fix)});
}

void Proof::apply(const Rules& rules) {
  for (const auto& [rule, pattern] : rules.all()) {
    for (const Pattern::Match& match : pattern.find_all(text_)) {
      std::optional<std::string> fix;
      // What is blank in the text must come back as it was.
      if (rule.fix) fix = expand(rule.fix, match, source_);
      add(rule.id, rule.level, match.whole, say(rule.zh, rule.en), std::move(fix));
    }
  }
}

std::vector<Character> characters(std::string_view text) {
  std::vector<Character> all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t code = next_code_point(text, at);
    all.push_back({code, {begin, at}});
  }
  return all;
}

void check_characters(Proof& proof) {
  const std::vector<Character> all = characters(proof.source());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto [code, at] = all[i];
    if (code == 0xFFFD) {
      Range lost = at;
      for (; i + 1 < all.size() && all[i + 1].code == 0xFFFD; ++i) lost.end = all[i + 1].at.end;
      proof.add("typography/lost-character", Level::error, lost,
                proof.say("这里丢了字符：编码有误", "a character was lost here: the encoding is wrong"));
    } else if (code == 0x2028 || code == 0x2029) {
      proof.add("typography/invisible", Level::error, at,
                proof.say("特殊的换行符", "an unusual line separator"), "\n");
    } else {
      const bool joiner = code == 0x200C || code == 0x200D;
      const bool needed =
          i > 0 && i + 1 < all.size() && !is_lettered(all[i - 1].code) && !is_lettered(all[i + 1].code);
      // Tag characters spell which flag 🏴 is.
      const auto is_tag = [](char32_t c) { return c >= 0xE0020 && c <= 0xE007F; };
      const bool flag = is_tag(code) && i > 0 && (all[i - 1].code == 0x1F3F4 || is_tag(all[i - 1].code));
      if ((is_invisible(code) && !is_tab_or_line(code) && !flag) || (joiner && !needed)) {
        proof.add("typography/invisible", Level::error, at,
                  proof.say("看不见的字符", "a character that cannot be seen"), "");
      }
    }
  }
}

void check_placeholders(Proof& proof) {
  static const Rules rules = {
      {"typography/placeholder", Level::error, "没有填好的占位符", "a placeholder that was not filled in",
       R"(\{\{[^{}\n]*\}\}|\{%[^%\n]*%\}|[$#]\{[^{}\n]*\}|\{[A-Za-z_][\w.]*\}|\{\p{Han}{1,8}\}|<%[^%\n]*%>|\*\|[A-Z_:]+\|\*)"
       R"(|(?<![\p{L}\p{N}%])%(?:\(\w+\)|\d\$)?[sd](?![\w%]))"
       R"(|<(?:UNK|unk|PAD|pad|MASK|mask|EOS|eos|BOS|bos)>|<\|[^|<>\n]{1,40}\|>|\[(?:UNK|PAD|MASK|SEP|CLS)\])",
       nullptr},
      {"typography/placeholder", Level::error, "没有填好的占位符", "a placeholder that was not filled in",
       R"(\[(?:(?:FIRST|LAST|FULL|CUSTOMER|USER|PRODUCT|BRAND|COMPANY|STORE|SHOP|ITEM|YOUR|INSERT)[ _])?)"
       R"((?:NAME|FIRSTNAME|LASTNAME|PRODUCT|BRAND|COMPANY|PRICE|DATE|CITY|LINK|URL|CODE|AMOUNT|DISCOUNT)\])"
       R"(|\[(?:[Ii]nsert|[Yy]our) [A-Za-z ]{2,30}\]|\[(?:姓名|名字|昵称|用户名|商品名|产品名|品牌名|店名|店铺名|价格|金额|日期|链接)\])"
       R"(|[（(【\[]待(?:补充|填写|确认|定)[】\])）])",
       nullptr},
      {"typography/placeholder", Level::error, "没有填好的数字", "a number that was not filled in",
       R"((?<![A-Za-z])(?:X{2,}|x{2,}|[×＊*_]{2,})(?:\.(?:X+|x+))?(?=\s?(?:元|块钱|万元))|[¥￥$€£]\s?(?:X{2,}|x{2,})(?:\.(?:X+|x+))?(?![A-Za-z]))"
       R"(|[¥￥$€£]\s?(?:NaN|undefined|null)\b|\[object Object\])",
       nullptr},
      {"typography/entity", Level::error, "没有转换的 HTML 实体", "an HTML entity that was not decoded",
       R"(&(?:nbsp|amp|lt|gt|quot|apos|#\d{2,5}|#x[0-9A-Fa-f]{2,5});)", nullptr},
  };
  const std::size_t before = proof.findings().size();
  proof.apply(rules);
  for (std::size_t i = before; i < proof.findings().size(); ++i) proof.blank(proof.findings()[i].where);
}

void blank_verbatim(Proof& proof) {
  static const std::vector<Pattern> patterns = [] {
    std::vector<Pattern> all;
    for (
        const char* expression : {
            // Addresses end before the marks of the sentence that they stand in.
            R"((?:https?|ftp)://[!-~]*[A-Za-z0-9/=&#_-]|\bwww\.[!-~]*[A-Za-z0-9/=&#_-])",
            R"((?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)",
            R"((?<![A-Za-z0-9])[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.(?:com|cn|net|org|io|co|uk|us|de|jp|fr|eu|ca|au|tv|cc|ly|me|shop|store|info|biz|app|dev|ai|top|vip|xyz|edu|gov)(?![A-Za-z0-9.-]\w)(?:/[!-~]*[A-Za-z0-9/=&#_-])?)",
            R"((?<![\w-])[\w-]+\.(?:pdf|docx?|xlsx?|pptx?|jpe?g|png|gif|webp|svg|mp[34]|mov|avi|zip|rar|exe|apk|txt|csv|html?|js|css|json|toml)(?![A-Za-z0-9]))",
            R"(</?[A-Za-z][^<>\n]*>)",
            R"(#[^#\s]{1,30}#|(?<![\w&])[#@][A-Za-z_]\w*)",
            // U.S.A., e.g., a.m.
            R"((?<![A-Za-z])(?:[A-Za-z]\.){2,})",
            // :-) ;P =D, apart from what is written
            R"((?<![^\s.!?~。！？～，,])[:;=]['’]?-?[)(DPpOo3/\\|*]+(?=[\s.!?~。！？～，,]|\z))",
            R"([:;=]['’]?-?\)+(?=\s|\z)|[:;=]-[)(DPp])",
            R"(\((?=[^()\n]{2,12}\))[^()\s\p{Han}A-Za-z0-9]*[\^´`°>=≧≦·・ω_﹏][^()\n\p{Han}]{0,10}\))",
        }) {
      all.emplace_back(expression);
    }
    return all;
  }();
  for (const Pattern& pattern : patterns) {
    for (const Pattern::Match& match : pattern.find_all(proof.text())) proof.blank(match.whole);
  }
}

}  // namespace adlib::copywriter::typography
