#include <algorithm>
#include <array>
#include <string>

#include "copywriter/polish/typography/text.h"

namespace adlib::copywriter::typography {
namespace {

enum class Sound { vowel, consonant, unknown };

bool starts(std::string_view word, std::initializer_list<std::string_view> beginnings) {
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](auto beginning) { return word.starts_with(beginning); });
}
bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// How its name begins: "em", "ex", but "you", "tee".
Sound of_letter(char c) {
  return std::string_view("AEFHILMNORSX").find(c) != std::string_view::npos ? Sound::vowel : Sound::consonant;
}

// 8, 80, 8.5 and 8,000 begin with "eight", 11 and 18 with "eleven" and "eighteen". 1100 may be read in two
// ways.
Sound of_number(std::string_view word) {
  const auto digits = static_cast<std::size_t>(
      std::find_if(word.begin(), word.end(), [](char c) { return !is_digit(c) && c != ','; }) - word.begin());
  std::string number(word.substr(0, digits));
  const bool grouped = number.find(',') != std::string::npos;
  number.erase(std::remove(number.begin(), number.end(), ','), number.end());
  if (number[0] == '8') return Sound::vowel;
  if (number[0] == '0') return Sound::unknown;
  if (number[0] != '1') return Sound::consonant;
  if (number.starts_with("11") || number.starts_with("18")) {
    if (number.size() == 2 || (grouped && number.size() == 5)) return Sound::vowel;
    return number.size() == 3 ? Sound::consonant : Sound::unknown;
  }
  return number.size() >= 4 ? Sound::unknown : Sound::consonant;
}

Sound of_capitals(std::string_view word) {
  if (word.size() == 1) return of_letter(word[0]);
  if (is_one_of(word, {"SQL", "SCSI"})) return Sound::unknown;  // "sequel", "scuzzy"
  const bool readable = word.find_first_of("AEIOUY") != std::string_view::npos;
  if (!readable) return of_letter(word[0]);
  if (is_one_of(word, {"MBA", "HDMI", "SUV", "SUVS", "LED", "LEDS", "RFID", "MRI", "OLED", "AI", "IPX"}))
    return Sound::vowel;
  if (is_one_of(word, {"USB", "UV", "UVA", "UVB", "UK", "US", "USA", "UPC", "URL", "UI", "UX", "UPF", "UHD",
                       "UPS", "UN", "ONE", "UNIQUE"})) {
    return Sound::consonant;
  }
  // Read as a word or letter by letter, these begin alike.
  if (std::string_view("AEI").find(word[0]) != std::string_view::npos && !word.starts_with("EU"))
    return Sound::vowel;
  if (std::string_view("BCDGJKPQTVWZ").find(word[0]) != std::string_view::npos) return Sound::consonant;
  return Sound::unknown;
}

Sound of_word(std::string_view word) {
  switch (word[0]) {
    case 'a':
    case 'i':
      return Sound::vowel;
    case 'e':
      return starts(word, {"eu", "ew"}) ? Sound::consonant : Sound::vowel;
    case 'o':
      if (is_one_of(word, {"one", "ones", "once", "oneself"})) return Sound::consonant;
      return starts(word, {"oui", "oua"}) ? Sound::unknown : Sound::vowel;
    case 'u':
      if (starts(word, {"unin", "unim", "un-", "ultra", "ulti", "umb",   "ugl", "utter", "utmost",
                        "urb",  "urg",  "urn", "usher", "up",   "under", "unb", "unc",   "unf",
                        "unl",  "unp",  "unr", "uns",   "unt",  "unw",   "unh", "unk",   "unm",
                        "unn",  "unv",  "unu", "unex",  "unea", "unev",  "una", "und"})) {
        return word.starts_with("unanim") ? Sound::consonant : Sound::vowel;
      }
      if (starts(word,
                 {"uni", "use", "usu", "usa", "util", "uten", "utop", "ubiq", "ukul", "uran", "euro"})) {
        return starts(word, {"unid", "unir", "unis", "unit"}) && !starts(word, {"unisex", "unison", "unit"})
                   ? Sound::unknown
                   : Sound::consonant;
      }
      return Sound::unknown;
    case 'h':
      if (starts(word, {"hour", "honest", "honor", "honour", "heir"})) return Sound::vowel;
      // With or without the h, as people like.
      if (starts(word, {"herb", "histor", "hotel", "habit", "homage", "hallu", "hyster", "horri", "hors",
                        "humble", "haute", "heredit", "hdmi", "hilar"})) {
        return Sound::unknown;
      }
      return Sound::consonant;
    case 'y':
      return starts(word, {"yt", "yv", "yp"}) ? Sound::unknown : Sound::consonant;
    default:
      return Sound::consonant;
  }
}

Sound sound_of(std::string_view word) {
  if (is_digit(word[0])) return of_number(word);
  const std::string_view part = word.substr(0, word.find_first_of("-'/&"));
  if (part.empty()) return Sound::unknown;
  std::string letters;
  bool digits = false;
  for (const char c : part) {
    if (is_digit(c))
      digits = true;
    else
      letters += c;
  }
  const auto capitals = static_cast<std::size_t>(std::count_if(letters.begin(), letters.end(), is_upper));
  // LEDs, SUVs
  const bool plural = letters.size() > 2 && capitals + 1 == letters.size() && letters.back() == 's';
  if (capitals == letters.size() || plural) {
    if (letters.size() > 5) return Sound::unknown;  // a word that is shouted
    if (digits && letters.size() > 1) return Sound::unknown;
    return of_capitals(plural ? letters.substr(0, letters.size() - 1) : letters);
  }
  if (digits) return Sound::unknown;
  std::string lower;
  for (const char c : letters) lower += is_upper(c) ? static_cast<char>(c | 0x20) : c;
  // A letter, or letters that nobody reads as a word: x-ray, spf, mp.
  if (lower.size() == 1 || lower.find_first_of("aeiouy") == std::string::npos) {
    return lower.size() == 1 && word.size() > 1 && word[1] == '-'
               ? of_letter(static_cast<char>(lower[0] & ~0x20))
               : Sound::unknown;
  }
  if (is_one_of(lower, {"led", "mba", "suv", "rfid", "mri", "sms", "faq", "lcd", "usb", "uv"}))
    return Sound::unknown;
  // Names are said as they are at home: an Hermès bag, a Uber, an Xi'an dish.
  if (is_upper(word[0])) {
    if (starts(lower, {"h", "x", "y", "u", "o", "j", "eu", "io", "ia", "ts", "ng", "mb", "nk"})) {
      return starts(lower, {"europ", "univer", "union", "united", "unit"}) ? Sound::consonant
             : is_one_of(lower,
                         {"oak", "organic", "orange", "olive", "official", "oxford", "original", "ocean"})
                 ? Sound::vowel
                 : Sound::unknown;
    }
    if (capitals > 1) return Sound::unknown;
  }
  return of_word(lower);
}

}  // namespace

void check_articles(Proof& proof) {
  static const Pattern articles(
      R"re((?<![\w’'&/.-])([Aa]n?)[^\S\r\n]+["“‘(]?[$£€]?(?=([A-Za-z0-9][A-Za-z0-9'&/,-]*)(?![\p{L}\x1A@])))re");
  for (const Pattern::Match& match : articles.find_all(proof.text())) {
    const std::string_view article = match.text(proof.text(), 1), word = match.text(proof.text(), 2);
    const bool an = article.size() == 2;
    // The letter A: "type a or b", "Vitamin A oil", "Grade A eggs".
    if (!an && is_one_of(word, {"is", "in", "and", "or", "at", "on", "of", "as", "are", "if", "it", "I", "am",
                                "us", "a", "an"}))
      continue;
    if (article == "A") {
      static const Pattern sentence_end(R"((?:\A|[.!?:\n]["”’)]*\s*|["“(])\z)");
      if (!sentence_end.found_in(std::string_view(proof.text()).substr(0, match.whole.begin))) continue;
      if (is_upper(word[0])) continue;  // a title: A Apple
    }
    const Sound sound = sound_of(word);
    if (sound == Sound::unknown || (sound == Sound::vowel) == an) continue;
    std::string fix(article.substr(0, 1));
    if (!an) fix += 'n';
    proof.add("grammar/article", Level::error, match.groups[1],
              an ? proof.say("这里用 a", "a, not an, before this sound")
                 : proof.say("这里用 an", "an, not a, before this sound"),
              std::move(fix));
  }
}

}  // namespace adlib::copywriter::typography
