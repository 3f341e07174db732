#include "copywriter/prepare/prepare.h"

#include "adlib/core/error.h"

namespace adlib::copywriter {

PrepareSummary prepare(const Store& store, const PrepareOptions& options) {
  require(options.features.half_life_days > 0, "prepare: the half-life is ", options.features.half_life_days,
          " days, expected more than 0");
  const OpinionReader reader(options.lexicon);
  Run run(store, "prepare",
          {{"now", options.features.now},
           {"half_life_days", options.features.half_life_days},
           {"interests", options.features.interests}});

  Transaction transaction(store.database());  // nobody writes between the two passes
  Catalogue catalogue(store);
  const std::int64_t now = options.features.now;
  Shop shop;
  for_each_history(store, catalogue, now, false, [&](const History& history) {
    if (history.profiled) shop.add(purchases_of(history));
  });
  shop.finish();

  Statement write = store.prepare(
      "INSERT INTO feature(user, run, time, record) VALUES (?, ?, ?, ?) ON CONFLICT(user) DO UPDATE SET "
      "run = excluded.run, time = excluded.time, record = excluded.record "
      "WHERE time <> excluded.time OR record <> excluded.record");
  Statement remove = store.prepare("DELETE FROM feature WHERE user = ?");
  PrepareSummary summary;
  for_each_history(store, catalogue, now, true, [&](const History& history) {
    if (!history.profiled) {
      ++summary.unprofiled;
      summary.changed += remove.run(history.row);
      return;
    }
    const Features features = features_of(history, shop, catalogue, reader, options.features);
    ++summary.customers;
    summary.cold_starts += features.acts < kFewestActs ? 1 : 0;
    summary.changed +=
        write.run(history.row, run.id(), now,
                  record_of(features, catalogue).dump(-1, ' ', false, io::Json::error_handler_t::replace));
    if (options.progress && summary.customers % 4096 == 0) options.progress(summary.customers);
  });
  run.finish();
  transaction.commit();
  return summary;
}

}  // namespace adlib::copywriter
