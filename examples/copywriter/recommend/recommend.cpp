#include "copywriter/recommend/recommend.h"

#include <algorithm>
#include <optional>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::int8_t kBought = 3;

std::vector<std::int32_t> bought_items(std::span<const LoggedEvent> events) {
  std::vector<std::int32_t> items;
  for (const LoggedEvent& event : events) {
    if (event.behaviour == kBought) items.push_back(event.item);
  }
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
  return items;
}

void choose_method(const RecommendOptions& options, RecommendSummary& summary) {
  if (options.method) {
    summary.method = *options.method;
    summary.reason = "it was asked for";
    return;
  }
  const Evaluation& evaluation = *summary.evaluation;
  if (evaluation.item_to_item_is_better) {
    summary.method = Method::item_to_item;
    summary.reason =
        "item-to-item finds more than popularity: the interval of the difference in hit@10 is above 0";
  } else if (evaluation.customers < static_cast<std::int64_t>(kFewestEvaluated)) {
    summary.reason = concat("too few customers to tell: ", evaluation.customers,
                            " have a last product to hold out, ", kFewestEvaluated, " are needed");
  } else {
    summary.reason =
        "item-to-item is no better than popularity: the interval of the difference in hit@10 reaches to 0 or "
        "below";
  }
}

// Writes the lists of customers, and counts what it changes.
class Rows {
 public:
  Rows(const Store& store, std::int64_t run)
      : run_(run),
        write_(store.prepare(
            "INSERT INTO recommendation(user, rank, product, score, method, because, run) "
            "VALUES (?, ?, ?, ?, ?, NULLIF(?, 0), ?) ON CONFLICT(user, rank) DO UPDATE SET product = "
            "excluded.product, "
            "score = excluded.score, method = excluded.method, because = excluded.because, run = "
            "excluded.run "
            "WHERE product <> excluded.product OR score <> excluded.score OR method <> excluded.method "
            "OR because IS NOT excluded.because")),
        shorten_(store.prepare("DELETE FROM recommendation WHERE user = ? AND rank > ?")) {}

  std::int64_t write(std::int64_t user, const std::vector<Suggestion>& suggestions, const EventLog& log) {
    const auto row_of = [&](std::int32_t item) { return log.items[static_cast<std::size_t>(item)]; };
    std::int64_t changed = shorten_.run(user, suggestions.size());
    for (std::size_t i = 0; i < suggestions.size(); ++i) {
      const Suggestion& one = suggestions[i];
      const std::int64_t because = one.because >= 0 ? row_of(one.because) : 0;
      changed += write_.run(user, i + 1, row_of(one.item), static_cast<double>(one.score),
                            to_string(one.method), because, run_);
    }
    return changed;
  }

 private:
  std::int64_t run_;
  Statement write_, shorten_;
};

}  // namespace

RecommendSummary recommend(const Store& store, const RecommendOptions& options) {
  require(options.top > 0, "recommend: 0 products for each customer, expected at least 1");
  const std::int64_t now = options.interactions.now;
  RecommendSummary summary;
  std::optional<Run> run;
  std::optional<Transaction> transaction;
  if (!options.evaluate_only) {
    run.emplace(store, "recommend",
                io::Json{{"now", now},
                         {"top", options.top},
                         {"method", options.method ? to_string(*options.method) : "auto"},
                         {"seed", options.seed},
                         {"half_life_days", options.interactions.half_life_days},
                         {"neighbours", options.neighbours.neighbours},
                         {"shrinkage", options.neighbours.shrinkage}});
    transaction.emplace(store.database());
  }
  const EventLog log = read_event_log(store, now);
  summary.from_events = log.from_events;
  summary.products = std::count(log.listed.begin(), log.listed.end(), true);
  if (summary.products == 0)
    fail(ErrorCode::invalid_argument, store.where(),
         ": no product has a title, so none can be recommended; import the shop's products with 'adlib "
         "collect'");
  if (options.evaluate || options.evaluate_only || !options.method)
    summary.evaluation = evaluate(log, options.interactions, options.neighbours, options.seed);
  choose_method(options, summary);
  if (options.evaluate_only) return summary;

  const Interactions interactions = interactions_of(log, options.interactions);
  std::optional<Neighbours> neighbours;
  if (summary.method == Method::item_to_item)
    neighbours.emplace(interactions, log.listed, options.neighbours);
  Recommender recommender(interactions, log.listed, neighbours ? &*neighbours : nullptr);
  Rows rows(store, run->id());
  for (std::size_t user = 0; user < log.users.size(); ++user) {
    const std::vector<Suggestion> suggestions =
        recommender.recommend(interactions.of(user), bought_items(log.of(user)), options.top,
                              [&](std::int32_t item) { return log.fits(user, item); });
    summary.changed += rows.write(log.users[user], suggestions, log);
    summary.customers += suggestions.empty() ? 0 : 1;
    summary.unpersonalised += log.personalised[user] ? 0 : 1;
    summary.recommendations += static_cast<std::int64_t>(suggestions.size());
    summary.by_item_to_item +=
        std::count_if(suggestions.begin(), suggestions.end(),
                      [](const Suggestion& one) { return one.method == Method::item_to_item; });
    if (options.progress && (user + 1) % 4096 == 0) options.progress(static_cast<std::int64_t>(user + 1));
  }
  run->finish();
  transaction->commit();
  return summary;
}

}  // namespace adlib::copywriter
