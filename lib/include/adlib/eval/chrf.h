// adlib/eval/chrf.h: chrF and chrF++ as sacrebleu computes them.
#pragma once

#include <span>
#include <string>

namespace adlib::eval {

struct ChrfOptions {
  int char_order = 6;
  int word_order = 0;  ///< 2: chrF++ (Popović 2017)
  double beta = 2;     ///< recall counts beta² times as much as precision
};
/// (1 + β²) P R / (β² P + R), 0 … 100 (Popović 2015): P and R are the means, over the orders that both sides
/// have, of the precision and recall of character n-grams without whitespace, summed over all texts first
/// (sacrebleu's corpus_score() without eps_smoothing). One reference a text; throws Error(invalid_argument)
/// when their numbers differ or an order is negative.
double corpus_chrf(std::span<const std::string> texts, std::span<const std::string> references,
                   const ChrfOptions& options = {});

}  // namespace adlib::eval
