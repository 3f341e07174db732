#include "copywriter/measure/assign.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "adlib/core/error.h"
#include "copywriter/measure/context.h"
#include "copywriter/measure/shown.h"
#include "copywriter/shop/hash.h"
#include "copywriter/store/consents.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kBatch = 1000;  // draws of one transaction

// Placements of a user whose copies could go out, and that nobody has drawn for.
constexpr std::string_view kPending = R"sql(
SELECT p.id, p.user, u.shop_id, u.personalised, p.scene, p.channel, p.language, q.shop_id,
       json_extract(q.record, '$.category'), f.record
FROM placement p JOIN user u ON u.id = p.user JOIN product q ON q.id = p.product
LEFT JOIN feature f ON f.user = u.id
WHERE NOT EXISTS(SELECT 1 FROM assignment a WHERE a.placement = p.id)
  AND EXISTS(SELECT 1 FROM copy c WHERE c.placement = p.id AND c.status IN ('approved', 'published'))
ORDER BY p.id)sql";

// A number of [0, 1) that depends on nothing but its parts.
double unit_of(const StableHash& hash) { return static_cast<double>(hash.value() >> 11) * 0x1p-53; }

// The bandits of scenes × channels × languages, each with the arms that it has seen or may draw.
class Cells {
 public:
  Cells(const Store& store, Policy policy) : policy_(policy) {
    for_each_shown_copy(store, [&](ShownCopy&& shown) {
      if (!shown.user || shown.seen == 0) return;
      Cell& cell = cells_[shown.cell()];
      Trial trial;
      trial.arm = arm_of(cell, shown.arm);
      trial.clicked = shown.clicked > 0;
      if (shown.draw) {
        trial.features.assign(shown.draw->context.begin(), shown.draw->context.end());
      } else {  // published without a draw: nothing was logged
        trial.features.assign(kContextNames.size(), 0.0);
        trial.features.front() = 1;
      }
      cell.trials.push_back(std::move(trial));
    });
  }
  std::vector<double> probabilities(const std::string& name, const std::vector<std::string>& arms,
                                    const ContextNumbers& context) {
    Cell& cell = cells_[name];
    std::vector<std::size_t> available;
    for (const std::string& arm : arms) available.push_back(arm_of(cell, arm));
    if (!cell.bandit) {
      cell.bandit.emplace(policy_, cell.arms.size(), kContextNames.size());
      cell.bandit->learn(cell.trials);
      cell.known.clear();
    }
    if (policy_ == Policy::contextual) return cell.bandit->probabilities(available, context);
    auto& known = cell.known[available];
    if (known.empty()) known = cell.bandit->probabilities(available, context);
    return known;
  }

 private:
  struct Cell {
    std::map<std::string, std::size_t> arms;
    std::vector<Trial> trials;
    std::optional<Bandit> bandit;
    std::map<std::vector<std::size_t>, std::vector<double>> known;  // where they do not depend on the user
  };
  std::size_t arm_of(Cell& cell, const std::string& name) {
    const auto [at, fresh] = cell.arms.emplace(name, cell.arms.size());
    if (fresh) cell.bandit.reset();
    return at->second;
  }
  Policy policy_;
  std::unordered_map<std::string, Cell> cells_;
};

// Who is held out: as the user's first assignment says, else by the hash.
class Control {
 public:
  Control(const Store& store, const AssignOptions& options)
      : options_(options),
        first_(
            store.prepare("SELECT a.copy IS NULL, json_extract(a.context, '$.control') FROM assignment a "
                          "JOIN placement p ON p.id = a.placement WHERE p.user = ? ORDER BY a.id LIMIT 1")) {}
  struct Side {
    bool held_out;
    double control;  // the probability with which a user was held out when the side was chosen
  };
  Side side_of(std::int64_t user, std::string_view shop_id) {
    if (first_.with(user).step()) return {first_.integer(0) != 0, first_.real(1)};
    const double unit = unit_of(StableHash().add("control").add(options_.seed).add(shop_id));
    return {unit < options_.control, options_.control};
  }

 private:
  const AssignOptions& options_;
  Statement first_;
};

// A channel that channels.toml does not have is a family of its own.
ChannelField field_of(const std::vector<ChannelField>& channels, std::string_view channel) {
  const auto found = std::find_if(channels.begin(), channels.end(),
                                  [&](const ChannelField& field) { return field.id == channel; });
  if (found != channels.end()) return *found;
  ChannelField unknown;
  unknown.id = unknown.family = channel;
  return unknown;
}

struct Pending {
  std::int64_t placement, user;
  std::string shop_id, cell;
  StableHash hash;
  ContextNumbers context;
};

std::vector<Pending> read_pending(const Store& store, const AssignOptions& options, AssignSummary& summary) {
  std::vector<Pending> pending;
  Statement rows = store.prepare(kPending);
  Consents consents(store);
  while (rows.step()) {
    if (consents.refuses(rows.integer(1), field_of(options.channels, rows.text(5)))) {
      ++summary.refused;
      continue;
    }
    UserContext user;
    if (rows.integer(3) != 0) {  // who opted out of personal marketing is nobody in particular
      if (!rows.is_null(9)) user = user_context(io::parse_json(rows.text(9), store.where() + ": feature"));
      if (!options.allow_finance) user.price_sensitivity.clear();
    }
    StableHash hash;
    hash.add("variant").add(options.seed);
    for (const int column : {2, 7, 4, 5, 6}) hash.add(rows.text(column));
    pending.push_back({rows.integer(0), rows.integer(1), std::string(rows.text(2)),
                       cell_name(rows.text(4), rows.text(5), rows.text(6)), hash,
                       context_numbers(user, rows.text(8))});
  }
  return pending;
}

}  // namespace

std::string consent_channel(const std::vector<ChannelField>& channels, std::string_view channel) {
  for (const ChannelField& field : channels) {
    if (field.id == channel) return std::string(consent_name(field.family));
  }
  return std::string(channel);
}

AssignSummary assign_variants(const Store& store, const AssignOptions& options) {
  require(options.control >= 0 && options.control <= 0.9, "assign: the control is ", options.control,
          ", expected a share from 0 to 0.9");
  AssignSummary summary;
  summary.before = store.database().integer("SELECT count(*) FROM assignment");
  const std::vector<Pending> pending = read_pending(store, options, summary);
  if (pending.empty()) return summary;

  Run run(store, "assign",
          {{"policy", to_string(options.policy)},
           {"control", options.control},
           {"seed", options.seed},
           {"allow_finance", options.allow_finance}});
  Cells cells(store, options.policy);
  Control control(store, options);
  Statement variants = store.prepare(
      "SELECT id, arm FROM copy WHERE placement = ? AND status IN ('approved', 'published') ORDER BY arm");
  Statement insert = store.prepare(
      "INSERT OR IGNORE INTO assignment(placement, copy, run, policy, propensity, context, time) "
      "VALUES (?, ?, ?, ?, ?, ?, ?)");
  const std::int64_t time = now();
  std::unordered_set<std::int64_t> users;
  for (std::size_t begin = 0; begin < pending.size(); begin += kBatch) {
    Transaction transaction(store.database());
    for (std::size_t i = begin; i < std::min(begin + kBatch, pending.size()); ++i) {
      const Pending& one = pending[i];
      std::vector<std::int64_t> copies;
      std::vector<std::string> arms;
      variants.with(one.placement);
      while (variants.step()) {
        copies.push_back(variants.integer(0));
        arms.emplace_back(variants.text(1));
      }
      if (copies.empty()) continue;  // a reviewer took the last one back
      const std::vector<double> probabilities = cells.probabilities(one.cell, arms, one.context);
      const auto [held_out, share] = control.side_of(one.user, one.shop_id);
      io::Json context = {{"control", share}, {"features", to_json(one.context)}};
      for (std::size_t arm = 0; arm < arms.size(); ++arm) context["arms"][arms[arm]] = probabilities[arm];
      const std::size_t drawn = draw(probabilities, unit_of(one.hash));
      const std::optional<std::int64_t> copy = held_out ? std::nullopt : std::optional(copies[drawn]);
      const double propensity = held_out ? share : (1 - share) * probabilities[drawn];
      const std::int64_t inserted = insert.run(one.placement, copy, run.id(), to_string(options.policy),
                                               propensity, context.dump(), time);
      (held_out ? summary.held_out : summary.assigned) += inserted;
      if (inserted > 0 && users.insert(one.user).second) {
        ++summary.users;
        summary.users_held_out += held_out ? 1 : 0;
      }
    }
    transaction.commit();
    if (options.progress)
      options.progress(static_cast<std::int64_t>(std::min(begin + kBatch, pending.size())),
                       static_cast<std::int64_t>(pending.size()));
  }
  run.finish();
  return summary;
}

}  // namespace adlib::copywriter
