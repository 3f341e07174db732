// adlib prepare: what is known of each customer, and what the shop's own texts teach.
#include <memory>
#include <optional>
#include <vector>

#include "adlib/core/error.h"
#include "app.h"
#include "copywriter/prepare/pairs.h"
#include "copywriter/prepare/prepare.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/privacy.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct PrepareOptions {
  std::string store;
  std::string now;
  double half_life = 30;
  std::size_t interests = 5;
  std::string lexicon;
  std::string pairs;
  std::string rules;
  std::vector<std::string> allow;
};

void check_allowed(const PrepareOptions& options) {
  try {
    cw::Privacy(rules_folder(options.rules), {options.allow.begin(), options.allow.end()});
  } catch (const Error& error) {
    if (error.code() == ErrorCode::invalid_argument)
      throw UsageError(std::string("--allow: ") + error.what());
    throw;
  }
}

cw::OrderedJson write_pairs(const cw::Store& store, const PrepareOptions& options) {
  Output output(options.pairs);
  const cw::PairSummary summary =
      cw::make_pairs(store, {rules_folder(options.rules), {options.allow.begin(), options.allow.end()}},
                     [&](const cw::OrderedJson& pair) { output.write(cw::to_line(pair)); });
  output.commit();
  return {{"past_copy", summary.of_past_copy},          {"purchases", summary.of_purchases},
          {"without_outcome", summary.without_outcome}, {"below_average", summary.below_average},
          {"without_product", summary.without_product}, {"banned", summary.banned}};
}

int run_prepare(const PrepareOptions& options, const Console& console) {
  if (options.pairs == "-") throw UsageError("--pairs needs a file: stdout has the summary");
  if (options.pairs.empty() && !options.allow.empty())
    throw UsageError("--allow is about the prompts of --pairs FILE, which is not given");
  if (!options.pairs.empty()) check_allowed(options);  // before anything is done
  cw::PrepareOptions prepare;
  prepare.features = {parse_now(options.now), options.half_life, options.interests};
  prepare.lexicon = options.lexicon.empty() ? own_templates().parent_path() / "lexicon"
                                            : std::filesystem::path(options.lexicon);
  prepare.progress = [&](std::int64_t customers) { console.status(counted(customers, "customer")); };

  const cw::Store store(options.store, cw::Store::Mode::write);
  const cw::PrepareSummary summary = cw::prepare(store, prepare);
  console.status("");
  cw::OrderedJson record{{"customers", summary.customers},
                         {"cold_starts", summary.cold_starts},
                         {"unprofiled", summary.unprofiled},
                         {"changed", summary.changed}};
  if (!options.pairs.empty()) record["pairs"] = write_pairs(store, options);
  Output output("");
  output.write(cw::to_line(record));
  output.flush();
  return 0;
}

}  // namespace

void add_prepare(CLI::App& app, Session& session) {
  auto options = std::make_shared<PrepareOptions>();
  CLI::App* command = app.add_subcommand("prepare", "Find out what is known of each customer of a campaign");
  add_store(*command, options->store);
  command
      ->add_option("--now", options->now,
                   "Leave out what happened later; Unix seconds or a date; default: now")
      ->type_name("TIME");
  command
      ->add_option("--half-life", options->half_life,
                   "Days after which an event says half as much of an interest")
      ->check(CLI::Range(0.001, 100'000.0))
      ->type_name("DAYS")
      ->capture_default_str();
  command
      ->add_option("--interests", options->interests, "At most so many categories and brands of a customer")
      ->check(CLI::Range(std::size_t{1}, std::size_t{100}))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--lexicon", options->lexicon,
                   "The words by which reviews are read, zh.toml and en.toml; default: adlib's own")
      ->type_name("DIR");
  const std::string training = "Training data";
  command
      ->add_option("--pairs", options->pairs,
                   "Also write prompts and completions for 'adlib train', of past copy and of purchases")
      ->type_name("FILE")
      ->group(training);
  command
      ->add_option("--allow", options->allow,
                   "What prompts may use of a customer beside the ordinary, as for 'adlib write'")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->type_name("NAME")
      ->group(training);
  command->add_option("--rules", options->rules, "The rules; default: adlib's own")
      ->type_name("DIR")
      ->group(training);
  command->footer(
      "Examples:\n"
      "  adlib prepare shop.db\n"
      "  adlib prepare shop.db --now 2025-11-02 --pairs pairs.jsonl\n\n"
      "Prints a JSON object: customers, cold_starts (too little is known), unprofiled (opted out or under "
      "18),\n"
      "changed, pairs. The same store at the same --now gives the same features.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_prepare(*options, session.console); };
  });
}

}  // namespace adlib::cli
