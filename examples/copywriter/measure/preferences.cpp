#include "copywriter/measure/preferences.h"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "adlib/core/error.h"
#include "copywriter/measure/context.h"
#include "copywriter/measure/shown.h"
#include "copywriter/measure/statistics.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kMostTexts = 200;  // of a group that are paired: the best and the worst

struct Text {
  std::string text, prompt;
  Count clicked;
  Beta rate() const {
    return {1.0 + static_cast<double>(clicked.successes),
            1.0 + static_cast<double>(clicked.trials - clicked.successes)};
  }
};

using Group = std::array<std::string, 5>;  // product, scene, channel, language, life cycle

using Groups = std::map<Group, std::map<std::string, Text>>;

Groups read_groups(const Store& store) {
  std::unordered_map<std::int64_t, Count> shown;
  for_each_shown_copy(store, [&](ShownCopy&& one) {
    if (one.seen > 0) shown[one.copy] = {std::min(one.clicked, one.seen), one.seen};
  });
  Groups groups;
  Statement rows = store.prepare(
      "SELECT c.id, q.shop_id, p.scene, p.channel, p.language, f.record, c.text, c.prompt FROM copy c "
      "JOIN placement p ON p.id = c.placement JOIN product q ON q.id = p.product "
      "LEFT JOIN feature f ON f.user = p.user WHERE c.guarded = 1 AND c.status <> 'blocked' AND NOT EXISTS("
      "SELECT 1 FROM finding n WHERE n.copy = c.id AND n.level = 'ban') ORDER BY c.id");
  while (rows.step()) {
    const auto found = shown.find(rows.integer(0));
    if (found == shown.end() || rows.text(6).empty()) continue;
    std::string life_cycle;
    if (!rows.is_null(5))
      life_cycle = user_context(io::parse_json(rows.text(5), store.where() + ": feature")).life_cycle;
    const Group group{std::string(rows.text(1)), std::string(rows.text(2)), std::string(rows.text(3)),
                      std::string(rows.text(4)), life_cycle};
    Text& text = groups[group][std::string(rows.text(6))];
    if (text.text.empty()) {
      text.text = rows.text(6);
      text.prompt = rows.text(7);
    }
    text.clicked.successes += found->second.successes;
    text.clicked.trials += found->second.trials;
  }
  return groups;
}

// P(a > b), remembered: most texts have few clicks, so the same counts come again.
class Better {
 public:
  double operator()(const Text& a, const Text& b) {
    const auto key = std::array{a.clicked.successes, a.clicked.trials, b.clicked.successes, b.clicked.trials};
    const auto [at, fresh] = known_.emplace(key, 0.0);
    if (fresh) at->second = probability_best(std::array{a.rate(), b.rate()}).front();
    return at->second;
  }

 private:
  std::map<std::array<std::int64_t, 4>, double> known_;
};

}  // namespace

std::int64_t for_each_preference(const Store& store, const PreferenceOptions& options,
                                 const std::function<void(const OrderedJson& pair)>& take) {
  require(options.probability > 0.5 && options.probability < 1, "preferences: the probability is ",
          options.probability, ", expected one above 0.5 and below 1");
  Better better;
  std::int64_t count = 0;
  for (const auto& [group, by_text] : read_groups(store)) {
    std::vector<const Text*> texts;
    for (const auto& [text, entry] : by_text) texts.push_back(&entry);
    std::stable_sort(texts.begin(), texts.end(),
                     [](const Text* a, const Text* b) { return a->rate().mean() > b->rate().mean(); });
    if (texts.size() > kMostTexts) texts.erase(texts.begin() + kMostTexts / 2, texts.end() - kMostTexts / 2);
    struct Pair {
      double probability;
      const Text *chosen, *rejected;
    };
    std::vector<Pair> pairs;
    for (std::size_t i = 0; i < texts.size(); ++i) {
      for (std::size_t j = i + 1; j < texts.size(); ++j) {
        const double probability = better(*texts[i], *texts[j]);
        if (probability >= options.probability) pairs.push_back({probability, texts[i], texts[j]});
      }
    }
    std::stable_sort(pairs.begin(), pairs.end(),
                     [](const Pair& a, const Pair& b) { return a.probability > b.probability; });
    if (std::ssize(pairs) > options.most_pairs) pairs.resize(static_cast<std::size_t>(options.most_pairs));
    for (const Pair& pair : pairs) {
      take({{"prompt", pair.chosen->prompt},
            {"chosen", pair.chosen->text},
            {"rejected", pair.rejected->text},
            {"probability", pair.probability},
            {"product", group[0]},
            {"scene", group[1]},
            {"channel", group[2]},
            {"language", group[3]},
            {"life_cycle", group[4]}});
      ++count;
    }
  }
  return count;
}

}  // namespace adlib::copywriter
