#include "adlib/generate/text_length.h"

#include "generate/pieces.h"
#include "generate/plain_check.h"
#include "support/catch.h"

namespace adlib {

TEST_CASE("lengths are what the channels count", "[generate][constraint]") {
  struct Counts {
    const char* text;
    std::int64_t characters, double_width, chinese, utf16, gsm7, segments, bytes;
  };
  constexpr std::int64_t none = TextLength::too_long;
  // 3GPP TS 23.038 (septets), UAX #11 (widths), RFC 3629 (bytes), the Unicode standard's UTF-16; by hand.
  const Counts row = GENERATE(values<Counts>({{"", 0, 0, 0, 0, 0, 0, 0},
                                              {"Hello", 5, 5, 3, 5, 5, 1, 5},
                                              {"[€]", 3, 3, 2, 3, 6, 1, 5},
                                              {"你好", 2, 4, 2, 2, none, 1, 6},
                                              {"A，", 2, 3, 2, 2, none, 1, 4},
                                              {"😀", 1, 2, 1, 2, none, 1, 4},
                                              {"👍🏽", 2, 4, 2, 4, none, 1, 8},
                                              {"e\u0301", 2, 2, 1, 2, none, 1, 3},
                                              {"é", 1, 1, 1, 1, 1, 1, 2},
                                              {"ê", 1, 1, 1, 1, none, 1, 2},
                                              {"ｱ", 1, 1, 1, 1, none, 1, 3},
                                              {"`", 1, 1, 1, 1, none, 1, 1}}));
  CAPTURE(row.text);
  const TextLength length = length_of(row.text);
  CHECK(length.in(LengthUnit::characters) == row.characters);
  CHECK(length.in(LengthUnit::double_width) == row.double_width);
  CHECK(length.in(LengthUnit::chinese_width) == row.chinese);
  CHECK(length.in(LengthUnit::utf16) == row.utf16);
  CHECK(length.in(LengthUnit::gsm7) == row.gsm7);
  CHECK(length.in(LengthUnit::sms_segments) == row.segments);
  CHECK(length.in(LengthUnit::bytes) == row.bytes);
}

TEST_CASE("long messages are cut where carriers cut them", "[generate][constraint]") {
  const auto segments = [](const std::string& text) { return length_of(text).in(LengthUnit::sms_segments); };
  CHECK(segments(std::string(160, 'a')) == 1);
  CHECK(segments(std::string(161, 'a')) == 2);
  CHECK(segments(std::string(306, 'a')) == 2);
  CHECK(segments(std::string(307, 'a')) == 3);
  CHECK(segments(std::string(152, 'a') + "€" + std::string(152, 'a')) ==
        3);  // the pair does not fit into the first
  std::string chinese;
  for (int i = 0; i < 70; ++i) chinese += "好";
  CHECK(segments(chinese) == 1);
  CHECK(segments(chinese + "a") == 2);
  CHECK(segments(std::string(66, 'a') + "😀" + std::string(66, 'a')) == 3);
}

TEST_CASE("counts agree with plain counting of random text", "[generate][constraint]") {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    std::mt19937_64 random(seed);
    std::string text;
    const bool ascii = random() % 3 == 0;
    for (std::size_t n = random() % 300; n > 0; --n) {
      const std::string& piece = test::one_of(test::pieces(), random);
      if (piece.size() > 1 && (!ascii || static_cast<unsigned char>(piece[0]) < 0x80)) text += piece;
    }
    CAPTURE(text);
    for (const LengthUnit unit :
         {LengthUnit::characters, LengthUnit::double_width, LengthUnit::chinese_width, LengthUnit::utf16,
          LengthUnit::gsm7, LengthUnit::sms_segments, LengthUnit::bytes}) {
      CHECK(length_of(text).in(unit) == test::plain_length(text, unit));
    }
  }
}

}  // namespace adlib
