// tests/copywriter/corpus_support.h: the project's corpus texts, read once, and a small folder of texts to
// break.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "copywriter/corpus/example.h"
#include "support.h"
#include "support/files.h"

namespace adlib::test {

inline std::filesystem::path corpus_dir() { return source_dir() / "examples" / "copywriter" / "corpus"; }

inline const copywriter::corpus::Lexicon& lexicon(copywriter::Language language) {
  using namespace copywriter;
  static const auto zh = corpus::Lexicon::from_directory(corpus_dir(), Language::zh);
  static const auto en = corpus::Lexicon::from_directory(corpus_dir(), Language::en);
  return language == Language::zh ? zh : en;
}

/// A generator of examples from the project's texts.
inline copywriter::corpus::ExampleMaker example_maker(const copywriter::corpus::WorldOptions& options) {
  using copywriter::Language;
  return {lexicon(Language::zh), lexicon(Language::en), options};
}

/// The case runs once for each language.
inline copywriter::Language any_language() {
  return GENERATE(copywriter::Language::zh, copywriter::Language::en);
}

/// What a list of faults has to be.
inline const std::vector<std::string> kNone;

/// Two categories and two kinds of customer in each language, with a sentence or two for every role.
class SmallTexts {
 public:
  SmallTexts() {
    write("corpus.txt", "# held out\ncategory lamp\nkind cook\n");
    write("zh/characters.txt", "云山水木风雨晴川石田\n");
    write("zh/names.txt",
          "== cities\n杭州\n青岛\n== levels level=high\n金卡\n== levels level=low\nV{int 1 3}\n");
    write("zh/general.txt",
          "== @moment\n早晨\n傍晚\n== @wish\n歇一会儿\n== @joy\n茶还热着\n== @with\n一本书\n== "
          "open\n<moment>，<joy>。\n"
          "[又是|还是]这样一天。\n== name\n看看{name}。\n{name}来了。\n== "
          "fact\n{fact}是{value}。\n{fact}写着{value}。\n"
          "== about\n店家说：{about}。\n== use\n<moment>，想<wish>。\n== link\n因为你喜欢{interest}。\n"
          "看过{viewed}，再看它。\n你买过{bought}。\n致{level}。\n== offer\n现价{price}[，原价{was}|]。\n== "
          "close\n慢慢来。\n"
          "== short\n{name}，<moment>见。\n爱{interest}的你，看看{name}。\n");
    write("zh/categories/cup.txt",
          category("杯子", "{brand} {model} 马克杯 {int 200 500}毫升", "材质", "陶瓷"));
    write("zh/categories/lamp.txt", category("台灯", "{brand} 台灯 {model}", "功率", "{dec 3.5 9.5}瓦"));
    write("zh/kinds/reader.txt", kind("阅读", "cup", "在窗边翻书", "纸的厚薄", "在书桌前"));
    write("zh/kinds/cook.txt", kind("烹饪", "cup\nlamp", "给一家人煮汤", "火的大小", "在灶台边"));

    write("en/names.txt",
          "== cities\nBristol\nCork\n== levels level=high\nGold\n== levels level=low\nLevel {int 1 3}\n");
    write("en/general.txt",
          "== @moment\non a slow morning\nafter dark\n== @wish\nrest a while\n== @joy\nthe tea is still "
          "hot\n== @with\na book\n"
          "== open\n[Another|One more] day <moment>.\nSomehow <joy>.\n== name\nHere is {name}.\n{name} has "
          "arrived.\n"
          "== fact\nThe {fact} reads {value}.\nAs for {fact}, it says {value}.\n== about\nThe shop says: "
          "{about}.\n"
          "== use\nUse it <moment>, or <wish>.\n== link\nYou like {interest}.\nYou looked at {viewed}.\n"
          "You bought {bought}.\nA note to our {level} members.\n== offer\nNow {price}[, before {was}|].\n"
          "== close\nTake your time.\n== short\nMeet {name} <moment>.\nFor {interest}, there is {name}.\n");
    write("en/categories/cup.txt",
          category("cup", "{brand} {model} Mug {int 200 500} ml", "Material", "stoneware"));
    write("en/categories/lamp.txt",
          category("lamp", "{brand} Desk Lamp {model}", "Power", "{dec 3.5 9.5} W"));
    write("en/kinds/reader.txt",
          kind("reading", "cup", "reading by the window", "the feel of paper", "at the desk"));
    write("en/kinds/cook.txt",
          kind("cooking", "cup\nlamp", "feeding a full table", "the heat", "by the stove"));
  }

  const std::filesystem::path& path() const { return dir_.path(); }
  std::filesystem::path operator/(const std::string& name) const { return dir_ / name; }
  void write(const std::string& name, const std::string& text) const {
    std::filesystem::create_directories((dir_ / name).parent_path());
    write_text(dir_ / name, text);
  }

 private:
  static std::string category(const std::string& name, const std::string& title, const std::string& attribute,
                              const std::string& value) {
    return "== names\n" + name + "\n== titles\n" + title + "\n== attribute " + attribute + "\n" + value +
           "\n";
  }
  static std::string kind(const std::string& interest, const std::string& buys, const std::string& doing,
                          const std::string& care, const std::string& place) {
    return "== interests\n" + interest + "\n== buys\n" + buys + "\n== ages\nadult\nsenior\n== @doing\n" +
           doing + "\n== @care\n" + care + "\n== @place\n" + place + "\n";
  }

  TempDir dir_;
};

}  // namespace adlib::test
