// n-grams of tokens, for the measures that count them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "adlib/eval/text.h"

namespace adlib::eval {

/// Tokens as single characters, the same one for the same token: a text becomes a string and an n-gram a
/// piece of it.
class TokenIds {
 public:
  std::u32string operator()(const Tokens& tokens);

 private:
  std::unordered_map<std::string, char32_t> ids_;
};

/// How often each n-gram occurs. The keys are pieces of `text`, which must outlive them.
using NgramCounts = std::unordered_map<std::u32string_view, std::int64_t>;
void count_ngrams(std::u32string_view text, std::size_t n, NgramCounts& counts);
NgramCounts count_ngrams(std::u32string_view text, std::size_t n);

/// How many n-grams a text of `length` tokens has.
inline std::int64_t ngrams_in(std::size_t length, std::size_t n) {
  return length < n ? 0 : static_cast<std::int64_t>(length - n + 1);
}
/// How many n-grams two texts share, each as often as in the text that has fewer of it.
std::int64_t shared_ngrams(const NgramCounts& a, const NgramCounts& b);

}  // namespace adlib::eval
