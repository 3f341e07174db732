#include "eval/ngrams.h"

#include <algorithm>

namespace adlib::eval {

std::u32string TokenIds::operator()(const Tokens& tokens) {
  std::u32string text;
  text.reserve(tokens.size());
  for (const std::string& token : tokens) {
    text += ids_.try_emplace(token, static_cast<char32_t>(ids_.size())).first->second;
  }
  return text;
}

void count_ngrams(std::u32string_view text, std::size_t n, NgramCounts& counts) {
  for (std::size_t at = 0; at + n <= text.size(); ++at) ++counts[text.substr(at, n)];
}

NgramCounts count_ngrams(std::u32string_view text, std::size_t n) {
  NgramCounts counts;
  counts.reserve(text.size());
  count_ngrams(text, n, counts);
  return counts;
}

std::int64_t shared_ngrams(const NgramCounts& a, const NgramCounts& b) {
  std::int64_t shared = 0;
  for (const auto& [ngram, count] : a) {
    const auto other = b.find(ngram);
    if (other != b.end()) shared += std::min(count, other->second);
  }
  return shared;
}

}  // namespace adlib::eval
