// Characters, words, languages.
#include <atomic>
#include <string>

#include "adlib/core/parallel.h"
#include "adlib/eval/text.h"
#include "support/catch.h"

namespace adlib {
namespace {

using eval::Language;
using eval::Tokens;

TEST_CASE("code points come back as the same UTF-8, and each part that is none as U+FFFD", "[eval]") {
  const std::string text = "a\x7F é߿ ࠀ中￥� 𐀀😀\U0010FFFF";
  CHECK(eval::utf8(eval::code_points(text)) == text);
  CHECK(eval::code_points("中a") == U"中a");
  CHECK(eval::code_points(std::string_view("\x00", 1)) == std::u32string(1, U'\0'));
  for (const char* wrong : {"\x80", "\xC0", "\xFF", "\xE4"}) CHECK(eval::code_points(wrong) == U"\uFFFD");
  CHECK(eval::code_points("\xE4\xB8") == U"\uFFFD");                  // cut: one maximal part, as in Python
  CHECK(eval::code_points("\xC0\xAF") == U"\uFFFD\uFFFD");            // overlong
  CHECK(eval::code_points("\xED\xA0\x80") == U"\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(eval::code_points("\xF4\x90\x80\x80z").substr(4) == U"z");    // beyond Unicode
  CHECK(eval::code_points("\xE4"
                          "ab") ==
        U"\uFFFD"
        "ab");
}

TEST_CASE("characters are code points without whitespace of any kind", "[eval]") {
  CHECK(eval::characters("好 a\u3000，\n\u00A0b") == Tokens{"好", "a", "，", "b"});
  CHECK(eval::characters("e\u0301👍🏽") == Tokens{"e", "\u0301", "👍", "🏽"});  // not grapheme clusters
  CHECK(eval::characters(" \t").empty());
}

TEST_CASE("words are Unicode's, Chinese ones from a dictionary", "[eval]") {
  CHECK(eval::words("Don't stop: it's 3.5 mm, e-mail me!", Language::en) ==
        Tokens{"Don't", "stop", "it's", "3.5", "mm", "e", "mail", "me"});
  CHECK(eval::words("我们喜欢喝茶。", Language::zh) == Tokens{"我们", "喜欢", "喝茶"});
  CHECK(eval::words("Q2 耳机，￥599！", Language::zh) == Tokens{"Q2", "耳机", "599"});
  CHECK(eval::words("", Language::zh).empty());
  CHECK(eval::words("……，！ ", Language::zh).empty());
  CHECK(eval::words("𠀀b\xFF", Language::en).size() >= 2);  // beyond 16 bits, and no UTF-8
}

TEST_CASE("units are characters of Chinese and words of English, whatever their case", "[eval]") {
  CHECK(eval::units("The THE, the", Language::en) == Tokens{"the", "the", "the"});
  CHECK(eval::units("好，好", Language::zh) == Tokens{"好", "，", "好"});
}

TEST_CASE("several threads part texts at once into the same words", "[eval][threads]") {
  const Tokens zh = eval::words("轻盈透气的面料，让你爱上每一天", Language::zh);
  const Tokens en = eval::words("Warm, light and dry", Language::en);
  std::atomic<int> wrong{0};
  parallel_for(4, 64, [&](std::int64_t) {
    if (eval::words("轻盈透气的面料，让你爱上每一天", Language::zh) != zh) ++wrong;
    if (eval::words("Warm, light and dry", Language::en) != en) ++wrong;
  });
  CHECK(wrong == 0);
}

TEST_CASE("lower case is Unicode's and may be longer than what it was", "[eval]") {
  CHECK(eval::to_lower("ÀÉ Straße ΑΣ ТОВАР 中") == "àé straße ας товар 中");
  std::string many;
  for (int i = 0; i < 40; ++i) many += "\u0130";
  CHECK(eval::code_points(eval::to_lower(many)).size() == 80);
  CHECK(eval::to_lower("").empty());
}

TEST_CASE("full-width forms fold to ASCII, Chinese punctuation stays", "[eval]") {
  CHECK(eval::fold_width(U"ＡＢｚ０～！\u3000。、￥") == U"ABz0~! 。、￥");
  CHECK(eval::letters_and_digits(U"茶 a，1!é—😀") == U"茶a1é");
}

TEST_CASE("the language of a text is Chinese from a quarter of Han letters on", "[eval]") {
  CHECK(eval::detect_language("Fernway Trail 3 running shoes") == Language::en);
  CHECK(eval::detect_language("Lumen 台灯") == Language::zh);  // 2 of 7
  CHECK(eval::detect_language("abcdef中文") == Language::zh);  // exactly a quarter
  CHECK(eval::detect_language("abcdefg中文") == Language::en);
  CHECK(eval::detect_language("") == Language::en);
  CHECK(eval::detect_language("100%，！") == Language::en);
  CHECK(eval::detect_language("茶") == Language::zh);
}

}  // namespace
}  // namespace adlib
