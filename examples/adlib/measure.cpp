// adlib measure: what became of the copies.

#include "adlib/core/error.h"
#include "app.h"
#include "copywriter/measure/outcomes.h"
#include "copywriter/measure/preferences.h"
#include "copywriter/measure/results.h"
#include "rejected_report.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

constexpr std::size_t kShownErrors = 10;  // the store has them all

struct MeasureOptions {
  std::string store, output, preferences, rules, rejected, now;
  std::vector<std::string> outcomes;
  std::int64_t max_errors = 0;
  double probability = 0.95;
  bool json = false;
};

void import_all(const cw::Store& store, const MeasureOptions& options, const Console& console) {
  cw::OutcomeOptions reading;
  reading.max_errors = options.max_errors;
  reading.channels = cw::read_channels(rules_folder(options.rules) / "channels.toml");
  reading.now = parse_now(options.now);
  RejectedReport report(options.rejected);
  reading.on_rejected = [&](const cw::RejectedRow& row) { report.add(row); };
  for (const std::string& file : options.outcomes) {
    cw::InputFile input(file, cw::Encoding::automatic);
    const std::string& where = input.where();
    reading.progress = [&](std::int64_t rows) { console.status(where + ": " + counted(rows, "row")); };
    const cw::OutcomeSummary done = [&] {
      try {
        return cw::import_outcomes(store, input, reading);
      } catch (const Error&) {
        console.status("");
        report.commit();  // it tells why
        throw;
      }
    }();
    console.status("");
    for (std::size_t i = 0; i < done.rejected.size() && i < kShownErrors; ++i) {
      console.warn(
          concat(where, ":", done.rejected[i].line, ": ", done.rejected[i].reason, "; the row was left out"));
    }
    if (done.rejected.size() > kShownErrors) {
      console.warn(concat(where, ": ", done.rejected.size() - kShownErrors,
                          " more rows were left out; the table rejected of the store has all of them"));
    }
    console.note(concat(
        where, ": ", counted(done.rows, "row"), ", ", done.new_rows, " new, ", done.rejected.size(),
        " left out, ", counted(done.unsubscribed, "unsubscribe"),
        done.outdated > 0 ? concat(", ", done.outdated, " of them before a consent with a later date") : "",
        done.forgotten > 0 ? concat(", ", done.forgotten, " of people who were erased") : ""));
  }
  report.commit();
}

int run_measure(const MeasureOptions& options, const Console& console) {
  if (options.outcomes.empty() && !options.rejected.empty())
    throw UsageError("--rejected is for the bad rows of --outcomes FILE");
  const bool writes = !options.outcomes.empty();
  const cw::Store store(options.store, writes ? cw::Store::Mode::write : cw::Store::Mode::read);
  import_all(store, options, console);
  if (!options.preferences.empty()) {
    Output pairs(options.preferences);
    const std::int64_t count =
        cw::for_each_preference(store, {.probability = options.probability},
                                [&](const cw::OrderedJson& pair) { pairs.write(cw::to_line(pair)); });
    pairs.commit();
    console.note(counted(count, "pair") + " of copies, of which one was liked better");
    if (pairs.is_stdout()) return 0;  // which holds them, and nothing else
  }
  const cw::Results results = cw::measure(store);
  Output output(options.output);
  output.write(options.json
                   ? cw::to_json(results).dump(2, ' ', false, cw::OrderedJson::error_handler_t::replace) +
                         "\n"
                   : cw::to_text(results));
  output.commit();
  return 0;
}

}  // namespace

void add_measure(CLI::App& app, Session& session) {
  auto options = std::make_shared<MeasureOptions>();
  CLI::App* command =
      app.add_subcommand("measure", "Import impressions, clicks and orders, and show what copies brought");
  add_store(*command, options->store);
  command
      ->add_option("--outcomes", options->outcomes,
                   "Files of outcomes, CSV or JSON Lines: copy or user, kind, time, value; '-' is stdin")
      ->type_name("FILE");
  command
      ->add_option("--max-errors", options->max_errors,
                   "Bad rows of a file that are left out; one more refuses the file")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000}))
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--rejected", options->rejected,
                   "Report bad rows here: file, line and reason, a JSON object each")
      ->type_name("FILE.jsonl");
  command
      ->add_option("--now", options->now,
                   "Outcomes of more than a day later are bad rows; Unix seconds or a date; default: now")
      ->type_name("TIME");
  command->add_flag("--json", options->json, "The results as one JSON object");
  command
      ->add_option("-o,--output", options->output,
                   "Write the results to a file, which appears when all is done; default stdout")
      ->type_name("FILE");
  command
      ->add_option("--preferences", options->preferences,
                   "Write pairs of copies, of which one was clicked more, for 'adlib train'; '-' is stdout, "
                   "without the results")
      ->type_name("FILE");
  command
      ->add_option("--probability", options->probability,
                   "How sure it must be that the chosen copy of a pair is clicked more")
      ->check(CLI::Range(0.501, 0.9999))
      ->type_name("P")
      ->capture_default_str();
  command->add_option("--rules", options->rules, "The rules, for their channels; default: adlib's own")
      ->type_name("DIR");
  command->footer(
      "Examples:\n"
      "  adlib measure shop.db --outcomes clicks.csv --outcomes orders.jsonl\n"
      "  adlib measure shop.db --json | jq .lift\n"
      "  adlib measure shop.db --preferences pairs.jsonl\n\n"
      "Kinds are impression, click, conversion and unsubscribe. Each row counts once, whatever file it comes "
      "in again;\n"
      "an unsubscribe is obeyed from then on. Intervals are 95%; the test against held-out users may be "
      "looked at any\n"
      "time. A row about a copy that was never published, or of the future, is a bad one.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_measure(*options, session.console); };
  });
}

}  // namespace adlib::cli
