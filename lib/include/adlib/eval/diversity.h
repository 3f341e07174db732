// adlib/eval/diversity.h: how much a body of texts repeats itself.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "adlib/eval/text.h"

namespace adlib::eval {

/// Different n-grams of all texts together, and all of them. Depends on how much text there is: compare
/// bodies of the same length only, see cut_to_characters().
struct Distinct {
  std::int64_t distinct = 0;
  std::int64_t total = 0;
  double ratio() const {
    return total > 0 ? static_cast<double>(distinct) / static_cast<double>(total) : 0.0;
  }
};
/// Distinct-n (Li et al. 2016) over a corpus, by n-grams: Li divides by the number of tokens, which differs
/// by n - 1 a text and cannot reach 1. N-grams do not reach over the end of a text. Throws
/// Error(invalid_argument) for n < 1.
Distinct distinct_ngrams(std::span<const Tokens> texts, int n);

/// How many characters the texts have without whitespace.
std::int64_t count_characters(std::span<const std::string> texts);
/// The first texts, the last one cut, with `characters` characters without whitespace in all; fewer when
/// there are no more.
std::vector<std::string> cut_to_characters(std::span<const std::string> texts, std::int64_t characters);

struct Repetition {
  double texts = 0;  ///< share of texts in which some n-gram occurs at least twice
  double rate = 0;   ///< mean over the texts of 1 - distinct n-grams / n-grams (Welleck et al. 2020)
};
/// Inside each text. A text with fewer than n tokens repeats nothing. Throws as distinct_ngrams().
Repetition repeated_ngrams(std::span<const Tokens> texts, int n = 4);

}  // namespace adlib::eval
