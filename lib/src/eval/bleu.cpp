#include "adlib/eval/bleu.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <map>

#include "adlib/core/error.h"
#include "eval/ngrams.h"

namespace adlib::eval {
namespace {

bool is_nearer(std::int64_t length, std::int64_t than, std::int64_t to) {
  const std::int64_t a = std::abs(length - to), b = std::abs(than - to);
  return a < b || (a == b && length < than);
}

// The two highest counts of an n-gram over all texts, and who has the first: the highest count in all texts
// but one is then known at once.
struct Highest {
  std::int64_t first = 0, second = 0;
  std::size_t holder = 0;

  void add(std::int64_t count, std::size_t text) {
    if (count > first) {
      second = first;
      first = count;
      holder = text;
    } else {
      second = std::max(second, count);
    }
  }
  std::int64_t without(std::size_t text) const { return text == holder ? second : first; }
};

// The length nearest to `length` among the lengths of all texts but one of that length.
std::int64_t nearest_other(const std::map<std::int64_t, std::int64_t>& lengths, std::int64_t length) {
  const auto own = lengths.find(length);
  if (own->second > 1) return length;
  const auto longer = std::next(own);
  if (own == lengths.begin()) return longer->first;
  const auto shorter = std::prev(own);
  if (longer == lengths.end()) return shorter->first;
  return is_nearer(longer->first, shorter->first, length) ? longer->first : shorter->first;
}

}  // namespace

BleuCounts& BleuCounts::operator+=(const BleuCounts& other) {
  length += other.length;
  reference_length += other.reference_length;
  for (std::size_t i = 0; i < orders; ++i) {
    matches[i] += other.matches[i];
    totals[i] += other.totals[i];
  }
  return *this;
}

BleuCounts bleu_counts(const Tokens& text, std::span<const Tokens> references) {
  require(!references.empty(), "bleu: a text has no reference, expected at least one");
  TokenIds ids;
  const std::u32string own = ids(text);
  std::vector<std::u32string> others;
  for (const Tokens& reference : references) others.push_back(ids(reference));

  BleuCounts counts;
  counts.length = std::ssize(text);
  counts.reference_length = std::ssize(references.front());
  for (const Tokens& reference : references) {
    if (is_nearer(std::ssize(reference), counts.reference_length, counts.length)) {
      counts.reference_length = std::ssize(reference);
    }
  }
  for (std::size_t n = 1; n <= BleuCounts::orders; ++n) {
    NgramCounts allowed;
    for (const std::u32string& other : others) {
      for (const auto& [ngram, count] : count_ngrams(other, n)) {
        std::int64_t& most = allowed[ngram];
        most = std::max(most, count);
      }
    }
    counts.totals[n - 1] = ngrams_in(own.size(), n);
    counts.matches[n - 1] = shared_ngrams(count_ngrams(own, n), allowed);
  }
  return counts;
}

Bleu bleu(const BleuCounts& counts, bool effective_order) {
  Bleu out;
  if (counts.length < counts.reference_length) {
    out.brevity_penalty =
        counts.length > 0
            ? std::exp(1 - static_cast<double>(counts.reference_length) / static_cast<double>(counts.length))
            : 0.0;
  }
  if (std::all_of(counts.matches.begin(), counts.matches.end(), [](auto count) { return count == 0; })) {
    return out;
  }
  double smooth = 1, logarithms = 0;
  std::size_t orders = 0;
  for (; orders < BleuCounts::orders && counts.totals[orders] > 0; ++orders) {
    const auto total = static_cast<double>(counts.totals[orders]);
    if (counts.matches[orders] == 0) smooth *= 2;
    const double matches =
        counts.matches[orders] > 0 ? static_cast<double>(counts.matches[orders]) : 1 / smooth;
    out.precisions[orders] = 100 * matches / total;
    logarithms += std::log(out.precisions[orders]);
  }
  if (orders == BleuCounts::orders || effective_order) {
    out.score = out.brevity_penalty * std::exp(logarithms / static_cast<double>(orders));
  }
  return out;
}

Bleu corpus_bleu(std::span<const Tokens> texts, std::span<const Tokens> references) {
  require(texts.size() == references.size(), "bleu: ", texts.size(), " texts and ", references.size(),
          " references, expected one for each text");
  BleuCounts counts;
  for (std::size_t i = 0; i < texts.size(); ++i) counts += bleu_counts(texts[i], references.subspan(i, 1));
  return bleu(counts);
}

double sentence_bleu(const Tokens& text, std::span<const Tokens> references) {
  return bleu(bleu_counts(text, references), /*effective_order=*/true).score;
}

double self_bleu(std::span<const Tokens> texts) {
  require(texts.size() >= 2, "self_bleu: got ", texts.size(), " texts, expected at least 2 to compare");
  TokenIds ids;
  std::vector<std::u32string> sequences;
  std::map<std::int64_t, std::int64_t> lengths;
  for (const Tokens& text : texts) {
    sequences.push_back(ids(text));
    ++lengths[std::ssize(text)];
  }
  std::vector<BleuCounts> counts(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    counts[i].length = std::ssize(texts[i]);
    counts[i].reference_length = nearest_other(lengths, counts[i].length);
  }
  for (std::size_t n = 1; n <= BleuCounts::orders; ++n) {
    std::unordered_map<std::u32string_view, Highest> highest;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      for (const auto& [ngram, count] : count_ngrams(sequences[i], n)) highest[ngram].add(count, i);
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
      counts[i].totals[n - 1] = ngrams_in(sequences[i].size(), n);
      for (const auto& [ngram, count] : count_ngrams(sequences[i], n)) {
        counts[i].matches[n - 1] += std::min(count, highest.at(ngram).without(i));
      }
    }
  }
  double sum = 0;
  for (const BleuCounts& own : counts) sum += bleu(own, /*effective_order=*/true).score;
  return sum / static_cast<double>(texts.size());
}

}  // namespace adlib::eval
