#include "adlib/eval/chrf.h"

#include <vector>

#include "adlib/core/error.h"
#include "eval/ngrams.h"

namespace adlib::eval {
namespace {

struct Overlap {
  std::int64_t of_text = 0, of_reference = 0, shared = 0;
};

void add(Overlap& overlap, std::u32string_view text, std::u32string_view reference, std::size_t n) {
  const std::int64_t of_reference = ngrams_in(reference.size(), n);
  if (of_reference == 0) return;  // the text's n-grams do not count against it then
  overlap.of_text += ngrams_in(text.size(), n);
  overlap.of_reference += of_reference;
  overlap.shared += shared_ngrams(count_ngrams(text, n), count_ngrams(reference, n));
}

bool is_ascii_punctuation(char32_t c) {
  return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

// Words for chrF++: parted at whitespace, then from one punctuation mark at the end, or else at the front.
Tokens chrf_words(std::u32string_view text) {
  Tokens out;
  std::u32string word;
  const auto flush = [&] {
    if (word.size() > 1 && is_ascii_punctuation(word.back())) {
      out.push_back(utf8(std::u32string_view(word).substr(0, word.size() - 1)));
      out.push_back(utf8({&word.back(), 1}));
    } else if (word.size() > 1 && is_ascii_punctuation(word.front())) {
      out.push_back(utf8({&word.front(), 1}));
      out.push_back(utf8(std::u32string_view(word).substr(1)));
    } else if (!word.empty()) {
      out.push_back(utf8(word));
    }
    word.clear();
  };
  for (const char32_t c : text) {
    if (is_space(c)) {
      flush();
    } else {
      word += c;
    }
  }
  flush();
  return out;
}

}  // namespace

double corpus_chrf(std::span<const std::string> texts, std::span<const std::string> references,
                   const ChrfOptions& options) {
  require(texts.size() == references.size(), "chrf: ", texts.size(), " texts and ", references.size(),
          " references, expected one for each text");
  require(options.char_order >= 0 && options.word_order >= 0, "chrf: char_order is ", options.char_order,
          " and word_order ", options.word_order, ", expected 0 or more");
  const auto char_orders = static_cast<std::size_t>(options.char_order);
  const auto word_orders = static_cast<std::size_t>(options.word_order);
  std::vector<Overlap> overlaps(char_orders + word_orders);
  for (std::size_t i = 0; i < texts.size(); ++i) {
    std::u32string text = code_points(texts[i]), reference = code_points(references[i]);
    if (word_orders > 0) {
      TokenIds ids;
      const std::u32string a = ids(chrf_words(text)), b = ids(chrf_words(reference));
      for (std::size_t n = 1; n <= word_orders; ++n) add(overlaps[char_orders + n - 1], a, b, n);
    }
    std::erase_if(text, is_space);
    std::erase_if(reference, is_space);
    for (std::size_t n = 1; n <= char_orders; ++n) add(overlaps[n - 1], text, reference, n);
  }
  double precision = 0, recall = 0, orders = 0;
  for (const Overlap& overlap : overlaps) {
    if (overlap.of_text == 0 || overlap.of_reference == 0) continue;
    precision += static_cast<double>(overlap.shared) / static_cast<double>(overlap.of_text);
    recall += static_cast<double>(overlap.shared) / static_cast<double>(overlap.of_reference);
    ++orders;
  }
  if (precision + recall == 0) return 0;
  precision /= orders;
  recall /= orders;
  const double factor = options.beta * options.beta;
  return 100 * (1 + factor) * precision * recall / (factor * precision + recall);
}

}  // namespace adlib::eval
