#include "copywriter/measure/shown.h"

#include <algorithm>
#include <set>

namespace adlib::copywriter {
namespace {

constexpr std::string_view kSelect = R"sql(
SELECT c.id, p.user, p.scene, p.channel, p.language, c.arm,
       coalesce(o.impressions, 0), coalesce(o.clicks, 0), coalesce(o.conversions, 0),
       coalesce(o.unsubscribes, 0),
       c.status = 'published' OR EXISTS(SELECT 1 FROM publication b WHERE b.copy = c.id AND b.status = 'sent'),
       a.policy, a.propensity, a.context, a.time
FROM copy c JOIN placement p ON p.id = c.placement
LEFT JOIN assignment a ON a.copy = c.id
LEFT JOIN (SELECT copy, sum(kind = 'impression') AS impressions, sum(kind = 'click') AS clicks,
                  sum(kind = 'conversion') AS conversions, sum(kind = 'unsubscribe') AS unsubscribes
           FROM outcome WHERE copy IS NOT NULL GROUP BY copy) o ON o.copy = c.id
WHERE o.copy IS NOT NULL OR a.id IS NOT NULL OR c.status = 'published'
      OR EXISTS(SELECT 1 FROM publication b WHERE b.copy = c.id AND b.status = 'sent')
ORDER BY c.id)sql";

std::set<std::string> channels_with_impressions(const Store& store) {
  std::set<std::string> channels;
  Statement rows = store.prepare(
      "SELECT DISTINCT p.channel FROM outcome o JOIN copy c ON c.id = o.copy "
      "JOIN placement p ON p.id = c.placement WHERE o.kind = 'impression'");
  while (rows.step()) channels.emplace(rows.text(0));
  return channels;
}

// Before the first file of outcomes nobody knows what became of any copy.
bool has_outcomes(const Store& store) {
  Statement rows = store.prepare("SELECT 1 FROM outcome WHERE kind <> 'unsubscribe' LIMIT 1");
  return rows.step();
}

Draw draw_of(const Statement& row, const Store& store) {
  Draw draw;
  draw.policy = row.text(11);
  draw.time = row.integer(14);
  const io::Json context = io::parse_json(row.text(13), store.where() + ": assignment");
  const double control = context.value("control", 0.0);
  draw.propensity = row.real(12) / (1 - control);
  const io::Json arms = context.value("arms", io::Json::object());
  for (const auto& [arm, probability] : arms.items()) draw.arms.emplace_back(arm, probability.get<double>());
  draw.context = context_numbers_of(context.value("features", io::Json::object()));
  return draw;
}

}  // namespace

void for_each_shown_copy(const Store& store, const std::function<void(ShownCopy&&)>& take) {
  const std::set<std::string> with_impressions = channels_with_impressions(store);
  const bool told = has_outcomes(store);
  Statement rows = store.prepare(kSelect);
  while (rows.step()) {
    ShownCopy shown;
    shown.copy = rows.integer(0);
    if (!rows.is_null(1)) shown.user = rows.integer(1);
    shown.scene = rows.text(2);
    shown.channel = rows.text(3);
    shown.language = rows.text(4);
    shown.arm = rows.text(5);
    shown.impressions = rows.integer(6);
    shown.unsubscribed = rows.integer(9);
    const std::int64_t clicks = rows.integer(7), conversions = rows.integer(8);
    const bool sent = told && rows.integer(10) != 0 && !with_impressions.contains(shown.channel);
    if (shown.user) {  // who clicked or bought has seen it, whatever the count of impressions missed
      shown.seen = sent || shown.impressions + clicks + conversions > 0 ? 1 : 0;
      shown.clicked = clicks > 0 ? 1 : 0;
      shown.converted = conversions > 0 ? 1 : 0;
    } else {
      shown.seen = std::max({shown.impressions, clicks, conversions});
      shown.clicked = clicks;
      shown.converted = conversions;
    }
    if (!rows.is_null(11)) shown.draw = draw_of(rows, store);
    take(std::move(shown));
  }
}

}  // namespace adlib::copywriter
