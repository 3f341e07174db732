#include "copywriter/corpus/invent.h"

#include <cctype>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

// Every draw stands in a statement of its own: see Random.

namespace adlib::copywriter::corpus {
namespace {

using Strings = std::vector<std::string>;

const Strings kOnsets{"b",  "br", "c", "cl", "d",  "dr", "f",  "fl", "g", "gr", "h",  "j",
                      "k",  "kl", "l", "m",  "n",  "p",  "pl", "qu", "r", "s",  "sh", "sk",
                      "sl", "st", "t", "th", "tr", "v",  "w",  "y",  "z", ""};
const Strings kVowels{"a", "e", "i", "o", "u", "ai", "ea", "ee", "ia", "io", "oa", "ou", "y"};
const Strings kCodas{"",  "",   "",   "",   "l",  "m",  "n",  "r",  "s",  "t",
                     "x", "ck", "ld", "ll", "nd", "ng", "rn", "rt", "sk", "th"};
const Strings kAccents{"é", "ö", "ñ", "ü", "å", "ø", "ê", "ç"};
const Strings kSuffixes{"Pro", "Max", "Plus", "Air", "Mini", "Lite", "Ultra", "SE",
                        "S",   "X",   "Neo",  "One", "Go",   "II",   "III"};
const Strings kZhSuffixes{"二代",   "三代", "四代",   "青春版", "标准版", "升级版",
                          "经典款", "新款", "礼盒装", "家庭装", "旅行装", "系列"};
const Strings kZhUnits{"克", "毫升", "小时", "厘米", "毫米", "瓦", "片",   "只",   "层", "米",
                       "升", "千克", "寸",   "支",   "页",   "件", "毫安", "分钟", "码", "格"};
const Strings kEnUnits{" g",  " ml",     " h",     " cm", " mm", " W",   " pieces",  " m",      " l",
                       " kg", " inches", " pages", " oz", " lb", " mAh", " minutes", " layers", " V"};
const Strings kZhCreatures{"猫", "鲸",   "鹿", "松鼠", "海鸥", "狐狸", "橘子", "石头",
                           "云", "面包", "树", "先生", "小姐", "同学", "阿姨", "老师"};

std::string number(Random& random) {
  switch (random.below(5)) {
    case 0:
      return std::to_string(random.between(2, 9));
    case 1:
      return std::to_string(random.between(10, 99));
    case 2:
      return std::to_string(random.between(100, 999));
    case 3: {
      const std::string tenths = std::to_string(random.between(1, 9));
      return concat(random.between(1, 99), ".", tenths);
    }
    default:
      return std::to_string(random.between(10, 999) * 10);
  }
}

char upper(char c) { return static_cast<char>(std::toupper(static_cast<unsigned char>(c))); }

std::string letters(std::size_t count, Random& random) {
  std::string text;
  while (text.size() < count) text += static_cast<char>('A' + random.below(26));
  return text;
}

}  // namespace

std::string capitalised(std::string text) {
  if (!text.empty()) text[0] = upper(text[0]);
  return text;
}

Inventor::Inventor(const Lexicon& zh, const Lexicon& en) : zh_(zh), en_(en) {}

std::string Inventor::characters(std::size_t count, Random& random) const {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    if (random.chance(0.02)) {  // a rare one, which the vocabulary has as bytes only
      append_utf8(text, static_cast<char32_t>(random.between(0x4E00, 0x9FA5)));
    } else {
      text += random.pick(zh_.characters);
    }
  }
  return text;
}

std::string Inventor::syllables(Random& random) const {
  std::string word;
  const std::size_t count = 1 + random.weighted({1, 5, 2});
  for (std::size_t i = 0; i < count; ++i) {
    const std::string coda = i + 1 == count || random.chance(0.2) ? random.pick(kCodas) : "";
    const std::string& vowel = random.pick(kVowels);
    word += random.pick(kOnsets) + vowel + coda;
  }
  if (word.size() < 3) word += random.pick(kVowels) + "n";
  if (random.chance(0.03)) word += random.pick(kAccents);
  return word;
}

std::string Inventor::brand(Language language, Random& random) const {
  if (language == Language::zh && !random.chance(0.2)) {
    switch (random.weighted({6, 2, 1.5, 1})) {
      case 0:
        return characters(2, random);
      case 1:
        return characters(3, random);
      case 2: {
        const std::string second =
            random.pick(zh_.words).substr(0, 3);  // every Chinese character is three bytes
        return characters(1, random) + second;
      }
      default:
        return random.pick(zh_.words).substr(0, 6);
    }
  }
  switch (random.weighted({5, 2, 2, 0.6, 0.5, 0.5, 0.4})) {
    case 0:
      return capitalised(syllables(random));
    case 1: {
      const std::string second = capitalised(syllables(random));
      return capitalised(random.pick(en_.words)) + " & " + second;
    }
    case 2: {
      const std::string second = capitalised(random.pick(en_.words));
      return capitalised(syllables(random)) + " " + second;
    }
    case 3: {
      std::string word = syllables(random);
      for (char& c : word) c = upper(c);
      return word;
    }
    case 4:
      return capitalised(syllables(random)) + "'s";
    case 5:
      return letters(2 + random.below(2), random);
    default: {
      const std::int64_t number = random.between(1, 99);
      return concat(capitalised(syllables(random)), number);
    }
  }
}

std::string Inventor::model(Language language, Random& random) const {
  switch (random.weighted({3, 2, 2, 2, language == Language::zh ? 2.0 : 0.0, 1.5})) {
    case 0: {
      const std::int64_t number = random.between(1, 99);
      return concat(letters(1, random), number);
    }
    case 1: {
      const std::int64_t number = random.between(10, 999);
      return concat(letters(2, random), "-", number);
    }
    case 2: {
      const std::string& suffix = random.pick(kSuffixes);
      return concat(random.between(1, 30), " ", suffix);
    }
    case 3: {
      const std::int64_t number = random.between(2, 900);
      return concat(capitalised(syllables(random)), " ", number);
    }
    case 4:
      return random.pick(kZhSuffixes);
    default: {
      const std::int64_t last = random.between(1, 99);
      const std::string letter = letters(1, random);
      const std::int64_t first = random.between(10, 99);
      return concat(letters(3, random), "-", first, letter, last);
    }
  }
}

std::string Inventor::phrase(Language language, Random& random) const {
  if (language == Language::zh) {
    switch (random.weighted({3, 3, 2, 1})) {
      case 0: {
        const std::string& word = random.pick(zh_.words);
        return characters(1 + random.below(2), random) + word;
      }
      case 1: {
        const std::string& second = random.pick(zh_.words);
        return random.pick(zh_.words) + second;
      }
      case 2:
        return characters(2 + random.below(3), random);
      default: {
        const std::string last = characters(1, random);
        return random.pick(zh_.words) + last;
      }
    }
  }
  std::string text = random.chance(0.3) ? syllables(random) : random.pick(en_.words);
  for (std::size_t more = random.below(3); more > 0; --more) {
    const std::string word = random.chance(0.2) ? syllables(random) : random.pick(en_.words);
    text += (random.chance(0.1) ? "-" : " ") + word;
  }
  return text;
}

std::string Inventor::value(Language language, Random& random) const {
  if (random.chance(0.5)) return phrase(language, random);
  const std::string& unit = random.pick(language == Language::zh ? kZhUnits : kEnUnits);
  return number(random) + unit;
}

std::string Inventor::title(Language language, Random& random) const {
  std::string text;
  const bool zh = language == Language::zh;
  const std::size_t parts = 2 + random.below(4);
  for (std::size_t i = 0; i < parts; ++i) {
    std::string part;
    switch (random.weighted({1.5, 5, 1.5, 1})) {
      case 0:
        part = brand(language, random);
        break;
      case 1:
        part = phrase(language, random);
        break;
      case 2:
        part = model(language, random);
        break;
      default:
        part = value(language, random);
        break;
    }
    if (!zh) {  // as titles are written: each word with a capital, or most of them
      const bool all = random.chance(0.8);
      for (std::size_t c = 0; c < part.size(); ++c) {
        if (c == 0 || (all && part[c - 1] == ' ')) part[c] = upper(part[c]);
      }
    }
    if (i > 0 && (!zh || random.chance(0.3))) text += random.chance(0.06) ? (zh ? "/" : " - ") : " ";
    text += part;
  }
  return text;
}

std::string Inventor::person(Language language, Random& random) const {
  if (language == Language::en) return capitalised(syllables(random));
  switch (random.below(3)) {
    case 0: {
      const std::string& creature = random.pick(kZhCreatures);
      return random.pick(zh_.words) + "的" + creature;
    }
    case 1:
      return characters(2 + random.below(2), random);
    default: {
      const std::string& creature = random.pick(kZhCreatures);
      return characters(1, random) + creature;
    }
  }
}

}  // namespace adlib::copywriter::corpus
