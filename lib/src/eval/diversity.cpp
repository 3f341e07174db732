#include "adlib/eval/diversity.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "eval/ngrams.h"

namespace adlib::eval {
namespace {

std::size_t checked_order(const char* measure, int n) {
  require(n >= 1, measure, ": n is ", n, ", expected at least 1");
  return static_cast<std::size_t>(n);
}

}  // namespace

Distinct distinct_ngrams(std::span<const Tokens> texts, int n) {
  const std::size_t order = checked_order("distinct_ngrams", n);
  TokenIds ids;
  std::vector<std::u32string> sequences;
  for (const Tokens& text : texts) sequences.push_back(ids(text));
  NgramCounts counts;
  Distinct out;
  for (const std::u32string& sequence : sequences) {
    count_ngrams(sequence, order, counts);
    out.total += ngrams_in(sequence.size(), order);
  }
  out.distinct = std::ssize(counts);
  return out;
}

std::int64_t count_characters(std::span<const std::string> texts) {
  std::int64_t count = 0;
  for (const std::string& text : texts) {
    const std::u32string points = code_points(text);
    count += std::count_if(points.begin(), points.end(), [](char32_t c) { return !is_space(c); });
  }
  return count;
}

std::vector<std::string> cut_to_characters(std::span<const std::string> texts, std::int64_t characters) {
  std::vector<std::string> out;
  for (const std::string& text : texts) {
    if (characters <= 0) break;
    const std::u32string points = code_points(text);
    std::size_t end = 0;
    while (end < points.size() && characters > 0) characters -= is_space(points[end++]) ? 0 : 1;
    out.push_back(utf8(std::u32string_view(points).substr(0, end)));
  }
  return out;
}

Repetition repeated_ngrams(std::span<const Tokens> texts, int n) {
  const std::size_t order = checked_order("repeated_ngrams", n);
  Repetition out;
  for (const Tokens& text : texts) {
    TokenIds ids;
    const std::u32string sequence = ids(text);
    const auto total = static_cast<double>(ngrams_in(sequence.size(), order));
    const auto distinct = static_cast<double>(count_ngrams(sequence, order).size());
    if (distinct == total) continue;
    out.texts += 1;
    out.rate += 1 - distinct / total;
  }
  const auto count = static_cast<double>(std::max<std::size_t>(texts.size(), 1));
  return {out.texts / count, out.rate / count};
}

}  // namespace adlib::eval
