// adlib/eval/text.h: text as the measures see it: characters, words, and the tokens of BLEU and ROUGE.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/tokenizer/characters.h"

namespace adlib::eval {

enum class Language { en, zh };
/// "en", "zh".
std::string_view to_string(Language language);
/// Chinese when at least a quarter of the letters are Han characters: copy in Chinese is full of brand names
/// in Latin letters, copy in English hardly ever has a Chinese character.
Language detect_language(std::string_view text);

using Tokens = std::vector<std::string>;

/// A character is a Unicode code point here, as in sacrebleu; not a grapheme cluster.
using adlib::code_points;
using adlib::utf8;
/// What Python's str.isspace() calls whitespace, U+3000 among it.
bool is_space(char32_t c);

/// Every code point that is no whitespace, punctuation included.
Tokens characters(std::string_view text);
/// Words by the rules of Unicode (UAX #29), Chinese by ICU's dictionary; whitespace and punctuation left out.
/// Which words a dictionary knows depends on ICU's version. Safe to call from several threads.
Tokens words(std::string_view text, Language language);
/// characters() of Chinese, words() of English in lower case: the units in which people see repetition.
Tokens units(std::string_view text, Language language);

/// sacrebleu's tokenizers (Post 2018): "13a", which is mteval-v13a's, for English and "zh" for Chinese, which
/// makes each Chinese character a token and treats the rest like 13a.
Tokens bleu_tokens(std::string_view text, Language language);
/// rouge_score's tokens without stemming: in lower case, runs of a-z and 0-9. Nothing of Chinese is left.
Tokens rouge_tokens(std::string_view text);

/// Lower case by Unicode's rules, independent of the locale.
std::string to_lower(std::string_view text);
/// Without everything that is neither a letter nor a digit in Unicode.
std::u32string letters_and_digits(std::u32string_view text);
/// Full-width forms of ASCII (U+FF01 … U+FF5E) and the ideographic space as their ASCII twins.
std::u32string fold_width(std::u32string_view text);

}  // namespace adlib::eval
