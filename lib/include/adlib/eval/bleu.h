// adlib/eval/bleu.h: BLEU-4 as sacrebleu computes it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "adlib/eval/text.h"

namespace adlib::eval {

/// What BLEU needs to know of a text and its references; sums over texts give the corpus's.
struct BleuCounts {
  static constexpr std::size_t orders = 4;
  std::int64_t length = 0;            ///< tokens of the text
  std::int64_t reference_length = 0;  ///< of the reference nearest in length, the shorter of two as near
  std::array<std::int64_t, orders> matches = {};  ///< n-grams found in a reference, at most as often as there
  std::array<std::int64_t, orders> totals = {};   ///< n-grams of the text

  BleuCounts& operator+=(const BleuCounts& other);
};
/// Throws Error(invalid_argument) without a reference.
BleuCounts bleu_counts(const Tokens& text, std::span<const Tokens> references);

struct Bleu {
  double score = 0;                                        ///< 0 … 100
  std::array<double, BleuCounts::orders> precisions = {};  ///< 0 … 100, smoothed
  double brevity_penalty = 1;
};
/// BP · exp(¼ Σ log p_n), p_n = matches / totals, BP = exp(1 - reference_length / length) for a text that is
/// shorter than its reference (Papineni et al. 2002). The k-th p_n that would be 0 is 1 / (2^k · totals)
/// instead ("exp" of sacrebleu, method 3 of Chen & Cherry 2014), unless nothing matches at all. With
/// `effective_order`, meant for single sentences, orders that the text is too short for are left out;
/// otherwise they make the score 0.
Bleu bleu(const BleuCounts& counts, bool effective_order = false);

/// BLEU of a corpus, one reference a text: sacrebleu's corpus_score(). Throws Error(invalid_argument) when
/// their numbers differ.
Bleu corpus_bleu(std::span<const Tokens> texts, std::span<const Tokens> references);
/// sacrebleu's sentence_score() with effective_order.
double sentence_bleu(const Tokens& text, std::span<const Tokens> references);

/// The mean over all texts of sentence_bleu() with all others as references (Zhu et al. 2018): 100 when all
/// are alike. Time and memory grow with the number of texts, not with its square. Throws
/// Error(invalid_argument) for fewer than two texts.
double self_bleu(std::span<const Tokens> texts);

}  // namespace adlib::eval
