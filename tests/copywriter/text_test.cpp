#include "copywriter/shop/text.h"

#include "copywriter/shop/hash.h"
#include "copywriter/shop/money.h"
#include "support.h"

using namespace adlib::copywriter;

TEST_CASE("Clean text is one line without control characters", "[copywriter][text]") {
  CHECK(clean_text("  a\r\n\tb\u00A0c\u3000d\u2028e\u2029f\u0085g  ") == "a b c d e f g");
  CHECK(clean_text(std::string("a\0b\x1B[31mc\x7F", 10)) == "ab[31mc");
  CHECK(clean_text("a\u202Eb\u2066c\u200Bd\uFEFFe\u200Ff\u00ADg") == "abcdefg");
  CHECK(clean_text("👩\u200D🌾") == "👩\u200D🌾");  // a zero-width joiner is part of this emoji
  CHECK(clean_text("x\xFF\xC0\xAFy") == "x\uFFFD\uFFFD\uFFFDy");
  CHECK(clean_text(" \n\t ").empty());
}

TEST_CASE("UTF-8 is checked by the letter", "[copywriter][text]") {
  for (const char* good : {"", "a", "é", "茶", "🍵", "\uFFFD", "\uD7FF\uE000", "\U0010FFFF"})
    CHECK(is_utf8(good));
  for (const char* bad : {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE4\xBD", "\xED\xA0\x80",
                          "\xED\xBF\xBF", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF",
                          "a\xE4\xBD"
                          "b"}) {
    CHECK_FALSE(is_utf8(bad));
  }
}

TEST_CASE("HTML becomes plain text on one line", "[copywriter][html]") {
  CHECK(html_to_text("<p>Classic <b>blown</b> clay pot</p>") == "Classic blown clay pot");
  CHECK(html_to_text("one<br>two<br/>three<li>four</li><li>five</li>") == "one two three four five");
  CHECK(html_to_text("a<b>b</b>c") == "abc");
  CHECK(html_to_text(
            "Fish &amp; chips &lt;b&gt; &quot;x&quot; &#39;y&#39; &#x8336; caf&eacute;&nbsp;&hellip;") ==
        "Fish & chips <b> \"x\" 'y' 茶 café …");
  CHECK(html_to_text("&amp;lt;") == "&lt;");  // decoded once
  CHECK(html_to_text("a<script>if (a<b) alert('</p>')</script>b<style>p{}</style >c") == "a b c");
  CHECK(html_to_text("a<!-- <p>hidden</p> -->b<!-- never closed") == "ab");
  CHECK(html_to_text("<img alt=\"a > b\" src='x>y'>c") == "c");
  CHECK(html_to_text("5 < 6 and 7 > 3; a <3 b") == "5 < 6 and 7 > 3; a <3 b");
  CHECK(html_to_text("AT&T &unknown; &; &#; &#x; &#xZZ; & x") == "AT&T &unknown; &; &#; &#x; &#xZZ; & x");
  CHECK(html_to_text("&#0;&#xD800;&#x110000;&#9999999999;") == "\uFFFD\uFFFD\uFFFD&#9999999999;");
  CHECK(html_to_text("&#10;x&#x202E;y&#7;") == "xy");
  CHECK(html_to_text("<p") == "");
  CHECK(html_to_text("x <") == "x <");
}

TEST_CASE("List cells are split by bars, or else by semicolons", "[copywriter][text]") {
  using List = std::vector<std::string>;
  CHECK(split_list("科技;游戏；电影") == List{"科技", "游戏", "电影"});
  CHECK(split_list(" a | b;c ||") == List{"a", "b;c"});
  CHECK(split_list("one") == List{"one"});
  CHECK(split_list(" ; ").empty());
  CHECK(split_list("").empty());
}

TEST_CASE("Times are Unix seconds or ISO dates", "[copywriter][text]") {
  CHECK(parse_time("1512189107") == 1512189107);
  CHECK(parse_time("0") == 0);
  CHECK(parse_time("1970-01-02") == 86400);
  CHECK(parse_time("2017-12-02 04:31:47") == 1512189107);
  CHECK(parse_time("2017-12-02T04:31:47Z") == 1512189107);
  CHECK(parse_time("2017-12-02T04:31") == 1512189060);
  CHECK(parse_time("2024-02-29") == 1709164800);
  for (const char* bad : {"", "x", "-1", "2023-02-29", "2025-13-01", "2025-1-1", "2025-01-01T24:00:00",
                          "2025/01/01", "99999999999999999999", "1.5", "Z", "2025-01-01 10"}) {
    CHECK_FALSE(parse_time(bad).has_value());
  }
  CHECK(date_text(1512189107) == "2017-12-02");
  CHECK(date_text(1709164800) == "2024-02-29");
}

TEST_CASE("Money keeps its text and adds without rounding", "[copywriter][money]") {
  CHECK(parse_money("59.90")->amount == "59.90");
  CHECK(parse_money("0.1")->ten_thousandths() == 1000);
  CHECK(parse_money("6329.2")->ten_thousandths() == 63292000);
  CHECK(parse_money("999999999999.9999")->ten_thousandths() == 9999999999999999);
  for (const char* bad :
       {"", ".5", "5.", "-1", "+1", "1,299", "1e3", "1.23456", "¥5", " 5", "1000000000000", "0x10"}) {
    CHECK_FALSE(parse_money(bad).has_value());
  }
  CHECK(money_from_ten_thousandths(1000 + 2000, "CNY").amount == "0.30");
  CHECK(money_from_ten_thousandths(12345, "").amount == "1.2345");
  CHECK(money_from_ten_thousandths(9999999999999999, "").amount == "999999999999.9999");
}

TEST_CASE("Hashes of records never change", "[copywriter][hash]") {
  // Computed apart from this code: FNV-1a over the length-prefixed bytes, then SplitMix64's finaliser.
  CHECK(StableHash().value() == 0xF52A15E9A9B5E89Bu);
  CHECK(StableHash().add("茶").add(std::uint64_t{7}).value() == 0x9DCE77AA459F1D87u);
  CHECK(StableHash().add("ab").add("c").value() != StableHash().add("a").add("bc").value());
  CHECK(hexadecimal(0xABC) == "0000000000000abc");
}
