#include "copywriter/recommend/evaluate.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "adlib/core/error.h"
#include "copywriter/shop/hash.h"

namespace adlib::copywriter {
namespace {

// A uniform number below n (n < 2^32) from the seed and a place: the same on every machine.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(mixed(seed + 0x9E3779B97F4A7C15u)) {}
  std::size_t below(std::size_t n) {
    state_ += 0x9E3779B97F4A7C15u;
    return static_cast<std::size_t>(((mixed(state_) >> 32) * n) >> 32);
  }

 private:
  std::uint64_t state_;
};

struct Held {
  std::size_t user;
  std::size_t known;  // events before the product was met
  std::int32_t item;
};

std::vector<Held> hold_out(const EventLog& log, std::uint64_t seed) {
  std::vector<Held> held;
  std::unordered_set<std::int32_t> met;
  for (std::size_t user = 0; user < log.users.size(); ++user) {
    const auto events = log.of(user);
    met.clear();
    std::size_t last = 0;
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (met.insert(events[i].item).second) last = i;
    }
    if (last > 0 && log.listed[static_cast<std::size_t>(events[last].item)])
      held.push_back({user, last, events[last].item});
  }
  if (held.size() > kMostEvaluated) {
    Draws draws(seed);
    for (std::size_t i = 0; i < kMostEvaluated; ++i)
      std::swap(held[i], held[i + draws.below(held.size() - i)]);
    held.resize(kMostEvaluated);
    std::sort(held.begin(), held.end(), [](const Held& a, const Held& b) { return a.user < b.user; });
  }
  return held;
}

double gain(std::size_t rank) { return 1 / std::log2(static_cast<double>(rank) + 1); }  // rank from 1

struct Columns {
  std::vector<double> hit, ndcg;
  void add(const std::vector<Suggestion>& suggestions, std::int32_t wanted) {
    std::size_t rank = 1;
    while (rank <= suggestions.size() && suggestions[rank - 1].item != wanted) ++rank;
    const bool found = rank <= suggestions.size();
    hit.push_back(found ? 1 : 0);
    ndcg.push_back(found ? gain(rank) : 0);
  }
  // Every rank is as likely as another.
  void add_random(std::size_t candidates) {
    const std::size_t places = std::min(candidates, kEvaluatedTop);
    double sum = 0;
    for (std::size_t rank = 1; rank <= places; ++rank) sum += gain(rank);
    hit.push_back(static_cast<double>(places) / static_cast<double>(candidates));
    ndcg.push_back(sum / static_cast<double>(candidates));
  }
};

std::vector<double> difference(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) out[i] = a[i] - b[i];
  return out;
}

}  // namespace

std::vector<Interval> bootstrap_means(std::span<const std::vector<double>> columns, std::uint64_t seed,
                                      int resamples) {
  require(!columns.empty() && !columns.front().empty() && resamples >= 40,
          "bootstrap_means: needs columns with rows, and at least 40 resamples");
  const std::size_t rows = columns.front().size();
  for (const auto& column : columns)
    require(column.size() == rows, "bootstrap_means: columns of ", rows, " and ", column.size(), " rows");
  std::vector<std::vector<double>> means(columns.size());
  Draws draws(seed);
  std::vector<double> sums(columns.size());
  std::vector<double> by_row(rows * columns.size());  // a row's values side by side: one look a draw
  for (std::size_t c = 0; c < columns.size(); ++c) {
    for (std::size_t r = 0; r < rows; ++r) by_row[r * columns.size() + c] = columns[c][r];
  }
  for (int i = 0; i < resamples; ++i) {
    std::fill(sums.begin(), sums.end(), 0);
    for (std::size_t r = 0; r < rows; ++r) {
      const double* row = &by_row[draws.below(rows) * columns.size()];
      for (std::size_t c = 0; c < columns.size(); ++c) sums[c] += row[c];
    }
    for (std::size_t c = 0; c < columns.size(); ++c) means[c].push_back(sums[c] / static_cast<double>(rows));
  }
  std::vector<Interval> out;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    std::sort(means[c].begin(), means[c].end());
    const auto at = [&](double share) {
      return means[c][static_cast<std::size_t>(share * static_cast<double>(resamples - 1) + 0.5)];
    };
    double sum = 0;
    for (const double value : columns[c]) sum += value;
    out.push_back({sum / static_cast<double>(rows), at(0.025), at(0.975)});
  }
  return out;
}

Evaluation evaluate(const EventLog& log, const InteractionOptions& interaction_options,
                    const NeighbourOptions& neighbour_options, std::uint64_t seed) {
  Evaluation out;
  const std::vector<Held> held = hold_out(log, seed);
  out.customers = static_cast<std::int64_t>(held.size());
  if (held.size() < kFewestEvaluated) return out;

  std::vector<std::size_t> known(log.users.size());
  for (std::size_t user = 0; user < known.size(); ++user) known[user] = log.of(user).size();
  for (const Held& one : held) known[one.user] = one.known;
  const Interactions interactions = interactions_of(log, interaction_options, known);
  const Neighbours neighbours(interactions, log.listed, neighbour_options);
  Recommender popular(interactions, log.listed, nullptr), near(interactions, log.listed, &neighbours);

  const auto listed = static_cast<std::size_t>(std::count(log.listed.begin(), log.listed.end(), true));
  Columns random_columns, popular_columns, near_columns;
  for (const Held& one : held) {
    std::vector<std::int32_t> met;
    for (const LoggedEvent& event : log.of(one.user).first(one.known)) met.push_back(event.item);
    std::sort(met.begin(), met.end());
    met.erase(std::unique(met.begin(), met.end()), met.end());
    const std::size_t candidates =
        listed - static_cast<std::size_t>(std::count_if(met.begin(), met.end(), [&](std::int32_t item) {
          return log.listed[static_cast<std::size_t>(item)];
        }));
    out.candidates += static_cast<double>(candidates) / static_cast<double>(held.size());
    const auto theirs = interactions.of(one.user);
    random_columns.add_random(candidates);
    popular_columns.add(popular.recommend(theirs, met, kEvaluatedTop), one.item);
    near_columns.add(near.recommend(theirs, met, kEvaluatedTop), one.item);
  }
  const std::vector<std::vector<double>> columns{random_columns.hit,
                                                 random_columns.ndcg,
                                                 popular_columns.hit,
                                                 popular_columns.ndcg,
                                                 near_columns.hit,
                                                 near_columns.ndcg,
                                                 difference(near_columns.hit, popular_columns.hit),
                                                 difference(near_columns.ndcg, popular_columns.ndcg)};
  const std::vector<Interval> means = bootstrap_means(columns, seed);
  out.random = {means[0], means[1]};
  out.popular = {means[2], means[3]};
  out.item_to_item = {means[4], means[5]};
  out.over_popular = {means[6], means[7]};
  out.item_to_item_is_better = out.over_popular.hit.low > 0;
  return out;
}

}  // namespace adlib::copywriter
