#include "adlib/eval/rouge.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "eval/ngrams.h"

namespace adlib::eval {
namespace {

RougeScore score(std::int64_t shared, std::int64_t of_text, std::int64_t of_reference) {
  RougeScore out;
  out.precision = static_cast<double>(shared) / static_cast<double>(std::max<std::int64_t>(of_text, 1));
  out.recall = static_cast<double>(shared) / static_cast<double>(std::max<std::int64_t>(of_reference, 1));
  if (shared > 0) out.f = 2 * out.precision * out.recall / (out.precision + out.recall);
  return out;
}

}  // namespace

RougeScore rouge_n(const Tokens& text, const Tokens& reference, int n) {
  require(n >= 1, "rouge_n: n is ", n, ", expected at least 1");
  const auto order = static_cast<std::size_t>(n);
  TokenIds ids;
  const std::u32string a = ids(text), b = ids(reference);
  return score(shared_ngrams(count_ngrams(a, order), count_ngrams(b, order)), ngrams_in(a.size(), order),
               ngrams_in(b.size(), order));
}

RougeScore rouge_l(const Tokens& text, const Tokens& reference) {
  TokenIds ids;
  const std::u32string a = ids(text), b = ids(reference);
  // longest[j]: the longest common subsequence of what was read of a with the first j of b.
  std::vector<std::int64_t> longest(b.size() + 1, 0);
  for (const char32_t token : a) {
    std::int64_t diagonal = 0;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::int64_t above = longest[j];
      longest[j] = token == b[j - 1] ? diagonal + 1 : std::max(above, longest[j - 1]);
      diagonal = above;
    }
  }
  return score(longest.back(), std::ssize(a), std::ssize(b));
}

Rouge mean_rouge(std::span<const Tokens> texts, std::span<const Tokens> references) {
  require(texts.size() == references.size(), "rouge: ", texts.size(), " texts and ", references.size(),
          " references, expected one for each text");
  Rouge mean;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    mean.rouge_1 += rouge_n(texts[i], references[i], 1).f;
    mean.rouge_2 += rouge_n(texts[i], references[i], 2).f;
    mean.rouge_l += rouge_l(texts[i], references[i]).f;
  }
  const auto count = static_cast<double>(std::max<std::size_t>(texts.size(), 1));
  return {mean.rouge_1 / count, mean.rouge_2 / count, mean.rouge_l / count};
}

}  // namespace adlib::eval
