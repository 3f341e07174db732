// bench/tune/search.h: the choice among cuts of a product by timing them in turn.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "adlib/core/tensor.h"
#include "kernels/cpu/tuning.h"

namespace adlib::bench {

/// What a kind of product is timed on. Both functions use the tuning that is set.
struct Product {
  std::string name;
  bool packed = true;               ///< few_rows makes no difference to others
  std::function<Tensor()> run;      ///< the result, which no tuning may change
  std::function<double()> seconds;  ///< one sample of the time that a product takes
};

/// How many rounds of samples a setting's values get, and the final comparison with the default.
struct Effort {
  int rounds = 9;
  int final_rounds = 21;
};

/// A choice must take this much less time over all products, in the geometric mean, and three times as much
/// as the default differs from itself; it must be faster in this part of the rounds (17 of 21 come by chance
/// once in 280 times); and no product may take this much more.
inline constexpr double least_gain = 0.02, least_rounds = 0.8, most_loss = 0.05;

struct Comparison {
  std::string product;
  double usual = 0, chosen = 0;  ///< median seconds
  double ratio = 1;              ///< the median of chosen / usual within a round
};
struct Choice {
  kernels::cpu::GemmTuning cut;  ///< the default unless another one won
  double ratio = 1;              ///< time by the default's, the geometric mean over all products
  std::vector<Comparison> comparisons;
};

/// Tries the values of block_n, block_m, few_rows and tile_rows one setting after the other, each from the
/// best so far, and compares the outcome with the default at the end. Every cut must first give the bits of
/// the default on every product: throws Error naming the cut and the product that differ. `tile_rows` is the
/// height of the kind's tallest tile; `progress` gets lines of text. The tuning that was set is back
/// afterwards.
Choice choose_cut(kernels::cpu::GemmKind kind, std::int64_t tile_rows, const std::vector<Product>& products,
                  const Effort& effort, const std::function<void(const std::string&)>& progress);

}  // namespace adlib::bench
