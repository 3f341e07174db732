// adlib/eval/rouge.h: ROUGE-N and ROUGE-L as the package rouge_score computes them.
#pragma once

#include <span>

#include "adlib/eval/text.h"

namespace adlib::eval {

/// Each 0 … 1; f is their harmonic mean, 0 when both are 0.
struct RougeScore {
  double precision = 0;
  double recall = 0;
  double f = 0;
};
/// N-grams that text and reference share, by those of the text (precision) and of the reference (recall); Lin
/// 2004. Throws Error(invalid_argument) for n < 1.
RougeScore rouge_n(const Tokens& text, const Tokens& reference, int n);
/// The same with the length of the longest common subsequence, of the whole text (rouge_score's "rougeL").
RougeScore rouge_l(const Tokens& text, const Tokens& reference);

/// Means over all texts of the F-measures of ROUGE-1, ROUGE-2 and ROUGE-L. Throws Error(invalid_argument)
/// when there is not one reference for each text.
struct Rouge {
  double rouge_1 = 0, rouge_2 = 0, rouge_l = 0;
};
Rouge mean_rouge(std::span<const Tokens> texts, std::span<const Tokens> references);

}  // namespace adlib::eval
