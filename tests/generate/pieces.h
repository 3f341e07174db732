// tests/generate/pieces.h: pieces of text that are hard on whoever looks for characters in them.
#pragma once

#include <random>
#include <string>
#include <vector>

namespace adlib::test {

template <class T>
const T& one_of(const std::vector<T>& from, std::mt19937_64& random) {
  return from[random() % from.size()];
}

/// Pieces that try to get around rules: bytes of characters, full-width and spaced letters, digits of several
/// scripts, marks of all kinds, syllables of which phrases are made.
inline const std::vector<std::string>& pieces() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> out = {"</s>", "<pad>"};
    for (int byte = 0; byte < 0xC0; ++byte) out.emplace_back(1, static_cast<char>(byte));
    for (const int lead : {0xC0, 0xC3, 0xCE, 0xD0, 0xE2, 0xE5, 0xEF, 0xF0, 0xFF}) {
      out.emplace_back(1, static_cast<char>(lead));
    }
    for (const char* text :
         {"最",     "佳",     "第",     "一",    "国家级", "国",      "家",    "级",    "最近", "近",
          "时间",   "好",     "的",     "外套",  "柔软",   "，",      "。",    "！",    "：",   "；",
          "（",     "）",     "“",      "”",     "元",     "折",      "％",    "１",    "２",   "９",
          "①",      "½",      "٣",      "¥",     "￥",     "$",       "厘米",  "千克",  "ｃｍ", "cm",
          "kg",     "%",      "Ｂ",     "ｅ",    "ｓ",     "ｔ",      "best",  "Best",  "BE",   "st",
          "bestow", "ow",     " the",   " best", " soft",  " warm",   " coat", ". ",    ", ",   " ",
          "\u00A0", "\u200B", "\u00AD", "　",    "é",      "e\u0301", "ﬁ",     "ẞ",     "😀",    "👍🏽",
          "の",     "カ",     "한",     "Д",     "ж",      "π",       "12",    "99",    "299",  "1,",
          ".5",     "0.",     "20",     "2024",  "\n",     "雪峰",    "Snow",  " Peak", "新品", "上市",
          "适合",   "你",     "we",     " made", " it",    " for",    " you",  "软",    "暖",   "轻",
          "薄",     "透",     "气",     "每",    "天",     "都",      "穿",    "着",    "走",   "en",
          "er",     "ing",    "㎏",     "𝐁",     "Ⓔ",      "ﾟ"})
      out.emplace_back(text);
    return out;
  }();
  return all;
}

}  // namespace adlib::test
