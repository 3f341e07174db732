// adlib recommend: which product for whom, and whether that is better than what sells most.
#include <memory>
#include <optional>

#include "app.h"
#include "copywriter/recommend/report.h"
#include "copywriter/shop/text.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct RecommendOptions {
  std::string store;
  std::size_t top = 5;
  std::string method = "auto";
  std::string now;
  double half_life = 90;
  std::string seed = "0";
  bool evaluate = false;
};

int run_recommend(const RecommendOptions& options, const Console& console) {
  cw::RecommendOptions recommend;
  recommend.top = options.top;
  if (options.method == "popular") recommend.method = cw::Method::popular;
  if (options.method == "item-to-item") recommend.method = cw::Method::item_to_item;
  recommend.evaluate = recommend.evaluate_only = options.evaluate;
  recommend.seed = std::stoull(options.seed);
  recommend.interactions.half_life_days = options.half_life;
  recommend.interactions.now = parse_now(options.now);
  recommend.progress = [&](std::int64_t customers) { console.status(counted(customers, "customer")); };

  const cw::Store store(options.store, options.evaluate ? cw::Store::Mode::read : cw::Store::Mode::write);
  const cw::RecommendSummary summary = cw::recommend(store, recommend);
  console.status("");
  if (summary.from_events)
    console.note(
        "no product is listed: what is recommended are products of the log, which may no longer be sold");
  if (summary.evaluation) console.note(cw::to_table(*summary.evaluation));
  console.note(std::string("method: ") + cw::to_string(summary.method) + "; " + summary.reason);
  Output output("");
  output.write(cw::to_line(cw::to_json(summary)));
  output.flush();
  return 0;
}

}  // namespace

void add_recommend(CLI::App& app, Session& session) {
  auto options = std::make_shared<RecommendOptions>();
  CLI::App* command = app.add_subcommand("recommend", "Choose products for each customer of a campaign");
  add_store(*command, options->store);
  command->add_option("--top", options->top, "Products for each customer")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1000}))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--method", options->method,
                   "auto measures both and takes item-to-item only where it is surely better than popularity")
      ->check(CLI::IsMember({"auto", "item-to-item", "popular"}))
      ->capture_default_str();
  command->add_flag("--evaluate", options->evaluate, "Measure only, and leave the store as it is");
  command
      ->add_option("--now", options->now,
                   "Leave out what happened later; Unix seconds or a date; default: now")
      ->type_name("TIME");
  command
      ->add_option("--half-life", options->half_life,
                   "Days after which an event counts half; 0: it never fades")
      ->check(CLI::Range(0.0, 100'000.0))
      ->type_name("DAYS")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the draws that measure")
      ->check(check_seed)
      ->type_name("N")
      ->capture_default_str();
  command->footer(
      "Example:\n"
      "  adlib recommend shop.db --top 3\n\n"
      "Recommends listed products that a customer has not bought. Where the method says nothing, what is\n"
      "popular fills the list. Prints a JSON object with what was chosen and measured.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_recommend(*options, session.console); };
  });
}

}  // namespace adlib::cli
