#include "copywriter/measure/results.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "copywriter/measure/bandit.h"
#include "copywriter/measure/context.h"
#include "copywriter/measure/shown.h"
#include "copywriter/shop/hash.h"

namespace adlib::copywriter {
namespace {

constexpr std::uint64_t kFolds = 5;
constexpr std::size_t kMostSegments = 12;  // of interests, the rest is "other"

struct Segment {
  std::string life_cycle, interest;
};

std::unordered_map<std::int64_t, Segment> read_segments(const Store& store) {
  std::unordered_map<std::int64_t, Segment> segments;
  Statement rows = store.prepare("SELECT user, record FROM feature");
  while (rows.step()) {
    const UserContext user = user_context(io::parse_json(rows.text(1), store.where() + ": feature"));
    segments[rows.integer(0)] = {user.life_cycle, user.interests.empty() ? "" : user.interests.front().first};
  }
  return segments;
}

void add(ResultRow& row, const ShownCopy& shown) {
  row.clicked.trials += shown.seen;
  row.clicked.successes += std::min(shown.clicked, shown.seen);
  row.converted.trials += shown.seen;
  row.converted.successes += std::min(shown.converted, shown.seen);
  row.unsubscribed += shown.unsubscribed;
}

// Rows by name, with the users behind each.
class Table {
 public:
  void take(const std::string& name, const ShownCopy& shown) {
    auto& [row, users] = rows_[name];
    row.name = name;
    add(row, shown);
    if (shown.user) users.insert(*shown.user);
  }
  std::vector<ResultRow> rows() const {
    std::vector<ResultRow> rows;
    for (const auto& [name, entry] : rows_) rows.push_back(entry.first);
    return rows;
  }
  // The largest first, small ones together at the end.
  std::vector<ResultRow> segments() const {
    std::vector<std::pair<std::int64_t, ResultRow>> large;
    ResultRow other{.name = "other", .clicked = {}, .converted = {}};
    const auto merge = [&](const ResultRow& row) {
      other.clicked.successes += row.clicked.successes;
      other.clicked.trials += row.clicked.trials;
      other.converted.successes += row.converted.successes;
      other.converted.trials += row.converted.trials;
      other.unsubscribed += row.unsubscribed;
    };
    for (const auto& [name, entry] : rows_) {
      const auto users = static_cast<std::int64_t>(entry.second.size());
      if (users < kSmallestSegment)
        merge(entry.first);
      else
        large.emplace_back(users, entry.first);
    }
    std::stable_sort(large.begin(), large.end(),
                     [](const auto& a, const auto& b) { return a.first > b.first; });
    std::vector<ResultRow> rows;
    for (const auto& [users, row] : large) {
      if (rows.size() < kMostSegments)
        rows.push_back(row);
      else
        merge(row);
    }
    if (other.clicked.trials > 0) rows.push_back(other);
    return rows;
  }

 private:
  std::map<std::string, std::pair<ResultRow, std::set<std::int64_t>>> rows_;
};

std::optional<Lift> measure_lift(const Store& store) {
  Lift lift;
  RateRatioTest test;
  // With min() SQLite takes the other columns from the row that has it: the user's first assignment.
  Statement users = store.prepare(
      "SELECT p.user, a.copy IS NULL, json_extract(a.context, '$.control'), a.time, min(a.id) "
      "FROM assignment a JOIN placement p ON p.id = a.placement GROUP BY p.user");
  Statement conversion =
      store.prepare("SELECT 1 FROM outcome WHERE user = ? AND kind = 'conversion' AND time >= ? LIMIT 1");
  while (users.step()) {
    const bool held_out = users.integer(1) != 0;
    const double control = users.real(2);
    const bool converted = conversion.with(users.integer(0), users.integer(3)).step();
    Count& count = held_out ? lift.held_out : lift.got_copy;
    ++count.trials;
    count.successes += converted ? 1 : 0;
    if (converted && control > 0) test.add(!held_out, 1 - control);
  }
  if (lift.held_out.trials == 0 || lift.got_copy.trials == 0) return std::nullopt;
  lift.difference = newcombe(lift.got_copy, lift.held_out);
  lift.ratio = test.ratio();
  lift.p_value = test.p_value();
  return lift;
}

// The draws of one scene, channel and language.
struct CellDraws {
  std::vector<std::string> arms;
  std::vector<ShownCopy> shown;
  std::size_t arm_of(const std::string& name) {
    const auto at = std::find(arms.begin(), arms.end(), name);
    if (at != arms.end()) return static_cast<std::size_t>(at - arms.begin());
    arms.push_back(name);
    return arms.size() - 1;
  }
};

std::uint64_t fold_of(const ShownCopy& shown) {
  return StableHash().add("fold").add(static_cast<std::uint64_t>(*shown.user)).value() % kFolds;
}

// What models that did not see the user say of a draw: of each arm of the cell, what it is expected to bring,
// and how often each policy would draw it.
struct Judged {
  std::vector<double> expected, thompson, contextual;
};

std::vector<Judged> cross_fitted(CellDraws& cell) {
  for (const ShownCopy& one : cell.shown) {
    for (const auto& [arm, probability] : one.draw->arms) cell.arm_of(arm);
    cell.arm_of(one.arm);
  }
  std::vector<Judged> judged(cell.shown.size());
  for (std::uint64_t fold = 0; fold < kFolds; ++fold) {
    std::vector<Trial> others;
    for (const ShownCopy& one : cell.shown) {
      if (fold_of(one) == fold) continue;
      const auto& context = one.draw->context;
      others.push_back({cell.arm_of(one.arm), {context.begin(), context.end()}, one.clicked > 0});
    }
    Bandit thompson(Policy::thompson, cell.arms.size(), kContextNames.size());
    Bandit contextual(Policy::contextual, cell.arms.size(), kContextNames.size());
    thompson.learn(others);
    contextual.learn(others);
    std::map<std::pair<std::vector<std::size_t>, ContextNumbers>, Judged> known;  // many users are alike
    for (std::size_t i = 0; i < cell.shown.size(); ++i) {
      const ShownCopy& one = cell.shown[i];
      if (fold_of(one) != fold) continue;
      std::vector<std::size_t> available;
      for (const auto& [arm, probability] : one.draw->arms) available.push_back(cell.arm_of(arm));
      Judged& entry = known[{available, one.draw->context}];
      if (entry.expected.empty()) {
        for (std::size_t arm = 0; arm < cell.arms.size(); ++arm)
          entry.expected.push_back(contextual.rate(arm, one.draw->context));
        const auto spread = [&](const Bandit& bandit) {
          std::vector<double> target(cell.arms.size());
          const std::vector<double> drawn = bandit.probabilities(available, one.draw->context);
          for (std::size_t k = 0; k < available.size(); ++k) target[available[k]] = drawn[k];
          return target;
        };
        entry.thompson = spread(thompson);
        entry.contextual = spread(contextual);
      }
      judged[i] = entry;
    }
  }
  return judged;
}

// For "everyone gets ARM", and for the policies that learn, as they would draw now.
class WhatIfs {
 public:
  void add(CellDraws& cell) {
    const std::vector<Judged> judged = cross_fitted(cell);
    for (std::size_t i = 0; i < cell.shown.size(); ++i) {
      const ShownCopy& one = cell.shown[i];
      if (one.draw->arms.size() < 2) continue;  // there was nothing to choose
      LoggedDraw logged{*one.user,
                        cell.arm_of(one.arm),
                        one.draw->propensity,
                        one.clicked > 0 ? 1.0 : 0.0,
                        std::vector<double>(cell.arms.size()),
                        judged[i].expected};
      drawn_.successes += one.clicked > 0 ? 1 : 0;
      ++drawn_.trials;
      for (const auto& [arm, probability] : one.draw->arms) {
        std::vector<double> only(cell.arms.size());
        only[cell.arm_of(arm)] = 1;
        logs_["everyone: " + arm].push_back(with_target(logged, std::move(only)));
      }
      logs_["thompson"].push_back(with_target(logged, judged[i].thompson));
      logs_["contextual"].push_back(with_target(logged, judged[i].contextual));
    }
  }
  void finish(Results& results) const {
    if (drawn_.trials == 0) return;
    results.as_drawn = wilson(drawn_);
    for (const auto& [policy, log] : logs_)
      results.what_if.push_back({policy, std::ssize(log), evaluate_off_policy(log)});
  }

 private:
  static LoggedDraw with_target(LoggedDraw logged, std::vector<double> target) {
    logged.target = std::move(target);
    return logged;
  }
  std::map<std::string, std::vector<LoggedDraw>> logs_;
  Count drawn_;
};

OrderedJson to_json(const Estimate& estimate) {
  return {{"value", estimate.value}, {"low", estimate.low}, {"high", estimate.high}};
}

OrderedJson to_json(const std::vector<ResultRow>& rows) {
  OrderedJson list = OrderedJson::array();
  for (const ResultRow& row : rows) {
    list.push_back({{"name", row.name},
                    {"seen", row.clicked.trials},
                    {"clicked", row.clicked.successes},
                    {"click_rate", to_json(wilson(row.clicked))},
                    {"converted", row.converted.successes},
                    {"conversion_rate", to_json(wilson(row.converted))},
                    {"unsubscribed", row.unsubscribed}});
  }
  return list;
}

}  // namespace

Estimate WhatIf::as_rate(const Estimate& estimate) {
  const auto clamped = [](double rate) { return std::clamp(rate, 0.0, 1.0); };
  return {clamped(estimate.value), clamped(estimate.low), clamped(estimate.high)};
}

bool WhatIf::is_telling() const {
  return value.effective >= static_cast<double>(kFewTrials) && value.dr.value >= 0 && value.dr.value <= 1;
}

Results measure(const Store& store) {
  Results results;
  Statement kinds = store.prepare("SELECT kind, count(*) FROM outcome GROUP BY kind");
  while (kinds.step()) {
    const std::string_view kind = kinds.text(0);
    (kind == "impression"   ? results.impressions
     : kind == "click"      ? results.clicks
     : kind == "conversion" ? results.conversions
                            : results.unsubscribes) = kinds.integer(1);
  }
  const auto segments = read_segments(store);
  Table arms, life_cycles, interests, scenes, channels, languages;
  std::map<std::string, CellDraws> cells;
  results.all.name = "all";
  for_each_shown_copy(store, [&](ShownCopy&& shown) {
    if (shown.seen == 0 && shown.unsubscribed == 0) return;
    add(results.all, shown);
    arms.take(shown.arm, shown);
    scenes.take(shown.scene, shown);
    channels.take(shown.channel, shown);
    languages.take(shown.language, shown);
    if (!shown.user) return;
    const auto segment = segments.find(*shown.user);
    const auto name = [&](std::string Segment::*part) {
      const std::string known = segment == segments.end() ? "" : segment->second.*part;
      return known.empty() ? std::string("unknown") : known;
    };
    life_cycles.take(name(&Segment::life_cycle), shown);
    interests.take(name(&Segment::interest), shown);
    if (shown.draw && shown.seen > 0) cells[shown.cell()].shown.push_back(std::move(shown));
  });
  results.arms = arms.rows();
  results.life_cycles = life_cycles.segments();
  results.interests = interests.segments();
  results.scenes = scenes.rows();
  results.channels = channels.rows();
  results.languages = languages.rows();
  results.lift = measure_lift(store);
  WhatIfs what_if;
  for (auto& [name, cell] : cells) what_if.add(cell);
  what_if.finish(results);
  return results;
}

OrderedJson to_json(const Results& results) {
  OrderedJson json = {{"impressions", results.impressions},
                      {"clicks", results.clicks},
                      {"conversions", results.conversions},
                      {"unsubscribes", results.unsubscribes},
                      {"all", to_json(std::vector<ResultRow>{results.all}).front()},
                      {"arms", to_json(results.arms)},
                      {"life_cycles", to_json(results.life_cycles)},
                      {"interests", to_json(results.interests)},
                      {"scenes", to_json(results.scenes)},
                      {"channels", to_json(results.channels)},
                      {"languages", to_json(results.languages)}};
  json["lift"] = nullptr;
  if (const auto& lift = results.lift) {
    OrderedJson ratio = {{"low", lift->ratio.low}, {"high", nullptr}};
    if (std::isfinite(lift->ratio.high)) ratio["high"] = lift->ratio.high;
    json["lift"] = {{"got_copy", {{"users", lift->got_copy.trials}, {"converted", lift->got_copy.successes}}},
                    {"held_out", {{"users", lift->held_out.trials}, {"converted", lift->held_out.successes}}},
                    {"difference", to_json(lift->difference)},
                    {"ratio", ratio},
                    {"p_value", lift->p_value}};
  }
  json["as_drawn"] = to_json(results.as_drawn);
  json["what_if"] = OrderedJson::array();
  for (const WhatIf& one : results.what_if) {
    json["what_if"].push_back({{"policy", one.policy},
                               {"draws", one.draws},
                               {"effective_draws", one.value.effective},
                               {"ips", to_json(one.value.ips)},
                               {"snips", to_json(one.value.snips)},
                               {"dr", to_json(one.value.dr)}});
  }
  return json;
}

}  // namespace adlib::copywriter
