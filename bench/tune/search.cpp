#include "bench/tune/search.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <set>

#include "adlib/core/error.h"
#include "support/compare.h"

namespace adlib::bench {
namespace {

using kernels::cpu::GemmKind;
using kernels::cpu::GemmTuning;
using kernels::cpu::Tuning;

struct Setting {
  const char* name;
  std::int64_t GemmTuning::*value;
  std::vector<std::int64_t> values;
  bool packed_only = false;
};

std::vector<Setting> settings(std::int64_t tile_rows) {
  const std::set<std::int64_t> heights = {std::max<std::int64_t>(1, tile_rows / 2),
                                          std::max<std::int64_t>(1, tile_rows * 3 / 4),
                                          std::max<std::int64_t>(1, tile_rows - 1)};
  return {{"block_n", &GemmTuning::block_n, {32, 64, 128, 256}},
          {"block_m", &GemmTuning::block_m, {64, 128, 256, 512, 1024}},
          {"few_rows", &GemmTuning::few_rows, {0, 16, 64, 256, 1024}, /*packed_only=*/true},
          {"tile_rows", &GemmTuning::tile_rows, {heights.begin(), heights.end()}}};
}

std::string to_text(const GemmTuning& cut) {
  return concat("block_m ", cut.block_m, " block_n ", cut.block_n, " few_rows ", cut.few_rows, " tile_rows ",
                cut.tile_rows);
}

std::string percent(double ratio) {
  char text[32];
  std::snprintf(text, sizeof text, "%+.1f%%", 100 * (ratio - 1));
  return text;
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// What a cut took, by itself and by the first cut's time in the same round.
struct Times {
  std::vector<double> seconds;  // one a product: medians over the rounds
  std::vector<double> ratios;   // one a product: medians over the rounds
  std::vector<double> rounds;   // one a round: the sum over products of the ratio's logarithm

  double mean_ratio() const {
    double sum = 0;
    for (const double ratio : ratios) sum += std::log(ratio);
    return std::exp(sum / static_cast<double>(ratios.size()));
  }
  /// The part of the rounds in which all products together were faster than with the first cut.
  double rounds_won() const {
    const auto won = std::count_if(rounds.begin(), rounds.end(), [](double sum) { return sum < 0; });
    return static_cast<double>(won) / static_cast<double>(rounds.size());
  }
};

class Search {
 public:
  Search(GemmKind kind, const std::vector<Product>& products) : kind_(kind), products_(products) {
    use({});
    for (const Product& product : products) expected_.push_back(product.run());
  }
  ~Search() { set_tuning(before_); }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  /// Samples of all cuts in turn, round by round: what slows the machine for a while slows all of them. The
  /// first of `cuts` is what the others are compared with.
  std::vector<Times> measure(const std::vector<GemmTuning>& cuts, int rounds, bool packed_only) {
    for (const GemmTuning& cut : cuts) verify(cut);
    std::vector<Times> all(cuts.size());
    for (Times& times : all) times.rounds.resize(static_cast<std::size_t>(rounds));
    for (const Product& product : products_) {
      if (packed_only && !product.packed) continue;
      std::vector<std::vector<double>> seconds(cuts.size()), ratios(cuts.size());
      for (int round = 0; round < rounds; ++round) {
        std::vector<double> now(cuts.size());
        for (std::size_t i = 0; i < cuts.size(); ++i) {
          const std::size_t at =
              (i + static_cast<std::size_t>(round)) % cuts.size();  // no cut is always first
          use(cuts[at]);
          now[at] = product.seconds();
        }
        for (std::size_t i = 0; i < cuts.size(); ++i) {
          seconds[i].push_back(now[i]);
          ratios[i].push_back(now[i] / now[0]);
          all[i].rounds[static_cast<std::size_t>(round)] += std::log(now[i] / now[0]);
        }
      }
      for (std::size_t i = 0; i < cuts.size(); ++i) {
        all[i].seconds.push_back(median(seconds[i]));
        all[i].ratios.push_back(median(ratios[i]));
      }
    }
    return all;
  }

 private:
  void use(const GemmTuning& cut) const {
    Tuning tuning;
    tuning.gemm[static_cast<std::size_t>(kind_)] = cut;
    set_tuning(tuning);
  }
  void verify(const GemmTuning& cut) {
    if (std::find(verified_.begin(), verified_.end(), cut) != verified_.end()) return;
    use(cut);
    for (std::size_t i = 0; i < products_.size(); ++i) {
      if (test::same_bits(products_[i].run(), expected_[i])) continue;
      fail(ErrorCode::unsupported, to_string(kind_), " ", products_[i].name, ": ", to_text(cut),
           " changes the result, which no tuning may; please report this as a fault of adlib");
    }
    verified_.push_back(cut);
  }

  GemmKind kind_;
  const std::vector<Product>& products_;
  Tuning before_ = kernels::cpu::tuning();
  std::vector<Tensor> expected_;  // one a product
  std::vector<GemmTuning> verified_;
};

// `control` is the first cut once more: how far it is from itself is noise.
bool wins(const Times& times, const Times& control) {
  const double noise = std::fabs(control.mean_ratio() - 1);
  return times.mean_ratio() < 1 - std::max(least_gain, 3 * noise) && times.rounds_won() >= least_rounds &&
         *std::max_element(times.ratios.begin(), times.ratios.end()) < 1 + most_loss;
}

}  // namespace

Choice choose_cut(GemmKind kind, std::int64_t tile_rows, const std::vector<Product>& products,
                  const Effort& effort, const std::function<void(const std::string&)>& progress) {
  const GemmTuning usual;
  GemmTuning best;
  Search search(kind, products);
  for (const Setting& setting : settings(tile_rows)) {
    std::vector<GemmTuning> cuts = {best};
    for (const std::int64_t value : setting.values) {
      GemmTuning cut = best;
      cut.*setting.value = value;
      if (cut != best) cuts.push_back(cut);
    }
    cuts.push_back(best);
    const std::vector<Times> times = search.measure(cuts, effort.rounds, setting.packed_only);
    std::string line = concat(to_string(kind), " ", setting.name, " ", best.*setting.value, ":");
    std::size_t winner = 0;
    for (std::size_t i = 1; i + 1 < cuts.size(); ++i) {
      line += concat(" ", cuts[i].*setting.value, " ", percent(times[i].mean_ratio()));
      if (wins(times[i], times.back()) && times[i].mean_ratio() < times[winner].mean_ratio()) winner = i;
    }
    best = cuts[winner];
    progress(line + concat(" (noise ", percent(times.back().mean_ratio()), ") -> ", best.*setting.value));
  }
  const std::vector<Times> times = search.measure({usual, best, usual}, effort.final_rounds, false);
  const bool won = best != usual && wins(times[1], times[2]);
  Choice choice;
  if (won) choice = {.cut = best, .ratio = times[1].mean_ratio(), .comparisons = {}};
  for (std::size_t i = 0; i < products.size(); ++i) {
    const Times& chosen = won ? times[1] : times[0];
    choice.comparisons.push_back(
        {products[i].name, times[0].seconds[i], chosen.seconds[i], chosen.ratios[i]});
  }
  progress(won ? concat(to_string(kind), ": ", to_text(best), ", ", percent(choice.ratio))
               : concat(to_string(kind), ": the default stays",
                        best == usual ? "" : concat("; ", to_text(best), " did not hold its gain")));
  return choice;
}

}  // namespace adlib::bench
