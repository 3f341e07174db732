#include <algorithm>
#include <string>
#include <vector>

#include "adlib/tokenizer/characters.h"
#include "copywriter/polish/typography/text.h"

namespace adlib::copywriter::typography {
namespace {

// The Chinese form of a mark of ASCII.
std::string wide_mark(char c) {
  switch (c) {
    case ',':
      return "，";
    case '.':
      return "。";
    case '!':
      return "！";
    case '?':
      return "？";
    case ';':
      return "；";
    case ':':
      return "：";
    case '(':
      return "（";
    default:
      return "）";
  }
}

void half_width_marks(Proof& proof) {
  // After Chinese and before Chinese, what quotes or brackets it, or the end of the line. Where the text goes
  // on in letters or digits, points and colons may be part of a name or a time.
  static const Pattern marks(
      R"((?<=[\p{Han}”’》」』】）…])(?:[,;!?]+(?=[\p{Han}A-Za-z0-9“‘《「『【（！？]|\s*(?:\n|\z))|[,;!?.:][^\S\r\n]+(?=\p{Han}))"
      R"(|:(?=\p{Han})|\.(?=[“‘《「『【（])|[.:](?=\s*(?:\n|\z))))");
  const char* message = proof.say("中文里用了半角标点", "a half-width mark in Chinese");
  for (const Pattern::Match& match : marks.find_all(proof.text())) {
    std::string fix;
    for (const char c : match.text(proof.text())) {
      if (!is_white_space(static_cast<unsigned char>(c)) && static_cast<unsigned char>(c) < 0x80)
        fix += wide_mark(c);
    }
    proof.add("typography/half-width-mark", Level::error, match.whole, message, fix);
  }
  // It may stand for a dot between names, 安妮·海瑟薇.
  static const Pattern points(R"((?<=\p{Han})(?<![一二三四五六七八九十])\.(?=\p{Han}))");
  for (const Pattern::Match& match : points.find_all(proof.text())) {
    proof.add("typography/half-width-mark", Level::error, match.whole, message);
  }
  static const Pattern brackets(R"((\()([^()\n\x1A]*\p{Han}[^()\n\x1A]*)(\)))");
  for (const Pattern::Match& match : brackets.find_all(proof.text())) {
    for (const std::size_t group : {std::size_t{1}, std::size_t{3}}) {
      proof.add("typography/half-width-mark", Level::style, match.groups[group], message,
                wide_mark(match.text(proof.text(), group)[0]));
    }
  }
}

// Between Chinese and letters, or between Chinese and a number after it, some places have a space and some do
// not. A number and its unit are another matter: 3 升 beside 3升 is not looked at.
void uneven_spaces(Proof& proof) {
  static const Pattern letters(R"((?<=\p{Han})[^\S\r\n]?(?=[A-Za-z])|(?<=[A-Za-z])[^\S\r\n]?(?=\p{Han}))"),
      numbers(R"((?<=\p{Han})[^\S\r\n]?(?=[0-9]))");
  for (const Pattern* pattern : {&letters, &numbers}) {
    std::vector<Range> with, without;
    for (const Pattern::Match& match : pattern->find_all(proof.text())) {
      (match.whole.empty() ? without : with).push_back(match.whole);
    }
    const bool rather_with = with.size() > without.size();
    const std::vector<Range>& few = rather_with ? without : with;
    const std::vector<Range>& many = rather_with ? with : without;
    if (many.size() < 2 || few.size() * 2 > many.size()) continue;
    for (const Range where : few) {
      proof.add(
          "typography/uneven-spaces", Level::style, where,
          rather_with
              ? proof.say("中文与字母、数字之间别处有空格，这里没有", "no space here, but elsewhere")
              : proof.say("中文与字母、数字之间别处没有空格，这里有", "a space here, but not elsewhere"),
          rather_with ? " " : "");
    }
  }
}

// In a sentence with marks one space between Chinese characters is a slip; several set the words of a slogan
// or a title apart.
void chinese_spaces(Proof& proof) {
  static const Pattern sentence(R"([，。；])"), segments(R"([^，。！？；：…\n]+)"),
      spaces(R"((?<=\p{Han})[^\S\r\n](?=\p{Han}))"), any(R"([^\S\r\n])"),
      slip(R"((?<=\p{Han})[^\S\r\n](?=[的们吗呢吧](?!确))|(?<=[的很])[^\S\r\n](?=\p{Han}))");
  if (!sentence.found_in(proof.text())) return;
  for (const Pattern::Match& segment : segments.find_all(proof.text())) {
    const std::string text(segment.text(proof.text()));
    const auto found = spaces.find_all(text);
    if (found.size() != 1 || any.find_all(text.substr(text.find_first_not_of(' '))).size() > 1) continue;
    const Range where = {segment.whole.begin + found[0].whole.begin,
                         segment.whole.begin + found[0].whole.end};
    proof.add("typography/chinese-space", Level::style, where,
              proof.say("汉字之间有空格", "a space between Chinese characters"),
              slip.found_in(text) ? std::optional<std::string>("") : std::nullopt);
  }
}

const Rules& chinese_mark_rules() {
  static const Rules rules = {
      {"typography/ellipsis", Level::style, "省略号是两个三连点", "a Chinese ellipsis is six points",
       R"((?<=[\p{Han}，”》）])(?:\.{3,}|…\.+)(?![A-Za-z0-9]))", "……"},
      {"typography/ellipsis", Level::style, "省略号是两个三连点", "a Chinese ellipsis is six points",
       R"((?<!。)。{3,}|…{3,})", "……"},
      {"typography/ellipsis", Level::style, "两个点不是标点", "two points are no mark",
       R"((?<=\p{Han})\.\.(?!\.))", nullptr},
      {"typography/dash", Level::style, "破折号是两个全角长横", "a Chinese dash is two em dashes",
       R"((?<=[\p{Han}，。！？”》）])-{2,}(?=[\p{Han}“《])|(?<=\p{Han})—-+(?=\p{Han}))", "——"},
      {"typography/space-before-mark", Level::error, "标点前有空格", "a space before a mark",
       R"((?<=[\p{L}\p{N}”》）」』】])[^\S\r\n]+(?=[，。、；：！？）》」』】]))", ""},
      {"typography/space-after-mark", Level::style, "标点后有空格", "a space after a full-width mark",
       R"((?<=[，。、；：])[^\S\r\n]+(?=[\p{L}\p{N}“《（「]))", ""},
      {"typography/wrong-mark", Level::error, "一句话用了两个不同的标点",
       "two marks where there should be one",
       R"([，、；：][。，、；：!?！？](?<!，，|、、|；；|：：)|。[，、；：])", nullptr},
      {"typography/wrong-mark", Level::error, "同一个标点，全角和半角各一个", "the same mark in both widths",
       R"(，,|,，)", "，"},
      {"typography/wrong-mark", Level::error, "同一个标点，全角和半角各一个", "the same mark in both widths",
       R"((?<=\p{Han})(?:。\.(?!\.)|(?<!\.)\.。))", "。"},
      {"typography/wrong-mark", Level::error, "问号、叹号之后不再用句号",
       "no full stop after a question or exclamation mark", R"((?<=[！？])。(?!。))", ""},
      {"typography/wrong-mark", Level::error, "前括号、前引号之后不用逗号和句号",
       "a mark right after what opens", R"((?<=[（《「『【“])[，。、；](?![）》」』】”]))", nullptr},
      {"typography/wrong-mark", Level::error, "后括号之前不用逗号", "a comma right before what closes",
       R"((?<![（《【「])[，、；](?=[）》】]))", ""},
      {"typography/line-start", Level::error, "标点不能在开头", "a mark cannot stand first",
       R"(\A\s*\K[，。、；：](?=[\p{L}\p{N}]))", ""},
      {"typography/line-start", Level::error, "标点不能在行首", "a mark cannot stand first in a line",
       R"((?<=\n)[，。、；：）》」』】”](?=\S))", nullptr},
      {"typography/final-mark", Level::style, "最后一句没有标点", "the last sentence has no mark",
       R"(\A[^\n]*[。！？][^\n]*\p{Han}\K\z)", nullptr},
  };
  return rules;
}

// Each pattern keeps to where the doubled word cannot be the end of one word and the beginning of the next.
const Rules& chinese_words() {
  static const char* const doubled = "多了一个重复的字";
  static const char* const english = "a word too many";
  static const char* const one = "两样东西其实是同一样";
  static const char* const is_one = "two things that are one";
  static const Rules rules = {
      {"grammar/doubled-word", Level::error, doubled, english, "(?<![目打端的])的的(?![确士的])", "的"},
      {"grammar/doubled-word", Level::error, doubled, english,
       "(?<![不得草末终时了])了了(?![解结却断然事不无之如了])", "了"},
      {"grammar/doubled-word", Level::error, doubled, english,
       "(?<![现存实内外正自所潜旨好还同健常在])在在(?!在)", "在"},
      {"grammar/doubled-word", Level::error, doubled, english,
       "(?<![温柔暖平随缓饱谐调中共亲祥和一二])和和(?![美气睦平顺和谐])", "和"},
      {"grammar/doubled-word", Level::error, doubled, english,
       "(?<![\\p{Han}])是是(?![非是])|(?<=[款件这那它品])是是(?![非是])", "是"},
      {"grammar/doubled-word", Level::error, doubled, english,
       "(?<![一二两三几车手拖门刀火靶话把])把把(?![关脉尿酒手玩握戏把])", "把"},
      {"grammar/doubled-word", Level::error, doubled, english,
       "(?<![参赠给授付与])与与(?![会众时否人日生共世其与])", "与"},
      {"grammar/doubled-word", Level::error, doubled, english, "(?<!也)也也(?!也)", "也"},
      {"grammar/doubled-word", Level::error, doubled, english,
       "(?<![首成古大京帝故国都])都都(?![市会城都督])", "都"},
      {"grammar/doubled-word", Level::error, doubled, english,
       "(?<![成造迁高将屈俯就])就就(?![业职医是近读地餐座任位绪算就])", "就"},
      {"grammar/doubled-word", Level::error, doubled, english, "(?<!很)很很(?!很)", "很"},
      {"grammar/doubled-word", Level::error, doubled, english, "(?<!更)(?<!变)更更(?![新改换正衣替迭深更])",
       "更"},
      {"grammar/doubled-word", Level::error, "多了一个重复的词", english,
       R"((?<!\p{Han})(我们|你们|他们|她们|它们|这款|该款)\1(?!\1))", "$1"},
      {"grammar/doubled-word", Level::error, "多了一个重复的词", english,
       "(因为|所以|而且|但是|如果|虽然|由于|以及|或者|并且|对于|关于|不仅|通过|采用|具有)\\1(?!\\1)", "$1"},
      // Not what sounds or calls come in threes: 哈哈哈, 买买买.
      {"grammar/doubled-word", Level::style, "一个字连着三次", "a character three times",
       R"((?![哈嘻呵嘿呜啦嗒哒咚喵汪叮滴噗咕嘎哇啊哎来去买冲对好多真快妈爸加一])(\p{Han})\1{2,})", nullptr},
      {"grammar/same-twice", Level::style, one, is_one,
       R"((?:爱|喜欢)((?:\p{Han}|[A-Za-z]){2,12}?)(?:的你|的人)?[，、]?(?:又|也|还|更)(?:爱|喜欢)\1(?=[，。！？；、的]|\s|\z))",
       nullptr},
      {"grammar/same-twice", Level::style, one, is_one,
       R"((?:爱|喜欢|无论是|从|\A|[，。！？；])((?:\p{Han}|[A-Za-z]){2,12}?)(?:和|与|聊到|还是)\1(?=[，。！？；、]|都[是能要有]|\s|\z))",
       nullptr},
      {"grammar/missing-word", Level::error, "句子没有说完", "the sentence is not complete",
       "(?:以及|及其|以便|之所以)(?=[。！；])", nullptr},
      {"grammar/missing-word", Level::error, "金额没有写出来", "an amount is missing",
       R"((?<![A-Za-z\d])(?<!\d )[$£€¥￥](?!\s?\d)(?![A-Za-z])|(?<=价格|售价|只要|只需|现价|特价)[是为：]?元(?![素旦宵气]))",
       nullptr},
  };
  return rules;
}

}  // namespace

void check_chinese(Proof& proof) {
  half_width_marks(proof);
  chinese_spaces(proof);
  uneven_spaces(proof);
  proof.apply(chinese_mark_rules());
  proof.apply(chinese_words());
}

}  // namespace adlib::copywriter::typography
