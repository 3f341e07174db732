#include "copywriter/recommend/report.h"

#include <iomanip>
#include <sstream>

namespace adlib::copywriter {
namespace {

constexpr const char* kSetting =
    "leave the last out: of each customer the product that they met last, among the listed products that "
    "they had "
    "not met before";

OrderedJson to_json(const Interval& interval) {
  return {{"mean", interval.mean}, {"low", interval.low}, {"high", interval.high}};
}
OrderedJson to_json(const Measure& measure) {
  return {{"hit@10", to_json(measure.hit)}, {"ndcg@10", to_json(measure.ndcg)}};
}

OrderedJson to_json(const Evaluation& evaluation) {
  OrderedJson out{{"setting", kSetting}, {"customers", evaluation.customers}};
  if (evaluation.customers < static_cast<std::int64_t>(kFewestEvaluated)) return out;
  out["candidates"] = evaluation.candidates;
  out["interval"] = 0.95;
  out["random"] = to_json(evaluation.random);
  out["popular"] = to_json(evaluation.popular);
  out["item-to-item"] = to_json(evaluation.item_to_item);
  out["item-to-item less popular"] = to_json(evaluation.over_popular);
  out["better_than_popularity"] = evaluation.item_to_item_is_better;
  return out;
}

std::string in_percent(const Interval& interval) {
  std::ostringstream out;
  out << std::fixed << std::setprecision(2) << std::setw(6) << 100 * interval.mean << " [" << std::setw(5)
      << 100 * interval.low << ", " << std::setw(5) << 100 * interval.high << "]";
  return out.str();
}

}  // namespace

OrderedJson to_json(const RecommendSummary& summary) {
  OrderedJson out{{"method", to_string(summary.method)},
                  {"reason", summary.reason},
                  {"products", summary.products},
                  {"catalogue", summary.from_events ? "events" : "products"},
                  {"customers", summary.customers},
                  {"unpersonalised", summary.unpersonalised},
                  {"recommendations", summary.recommendations},
                  {"item_to_item", summary.by_item_to_item},
                  {"changed", summary.changed}};
  if (summary.evaluation) out["evaluation"] = to_json(*summary.evaluation);
  return out;
}

std::string to_table(const Evaluation& evaluation) {
  std::ostringstream out;
  out << kSetting << "\n" << evaluation.customers << " customers";
  if (evaluation.customers < static_cast<std::int64_t>(kFewestEvaluated)) {
    out << ", too few to measure by; " << kFewestEvaluated << " are needed\n";
    return out.str();
  }
  out << ", " << std::fixed << std::setprecision(1) << evaluation.candidates
      << " products to choose from on average; 95 % intervals over customers\n\n"
      << std::left << std::setw(26) << "percent" << std::setw(26) << "hit@10"
      << "NDCG@10\n";
  const auto line = [&](const char* name, const Measure& measure) {
    out << std::left << std::setw(26) << name << std::setw(26) << in_percent(measure.hit)
        << in_percent(measure.ndcg) << "\n";
  };
  line("random (expected)", evaluation.random);
  line("popular", evaluation.popular);
  line("item-to-item", evaluation.item_to_item);
  line("item-to-item less popular", evaluation.over_popular);
  return out.str();
}

}  // namespace adlib::copywriter
