// adlib report: the campaign on one page.
#include "copywriter/measure/report.h"
#include "app.h"

namespace adlib::cli {

namespace cw = adlib::copywriter;

void add_report(CLI::App& app, Session& session) {
  struct Options {
    std::string store, output, language = "en", now;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("report", "Write the whole campaign as one HTML page");
  add_store(*command, options->store);
  command
      ->add_option("-o,--output", options->output,
                   "Write to a file, which appears when all is done; default stdout")
      ->type_name("FILE");
  command->add_option("--language", options->language, "Of the page; copies keep theirs")
      ->check(CLI::IsMember({"en", "zh"}))
      ->capture_default_str();
  command->add_option("--now", options->now, "The date of the page; Unix seconds or a date; default: now")
      ->type_name("TIME");
  command->footer(
      "Examples:\n"
      "  adlib report shop.db -o report.html\n"
      "  adlib report shop.db --language zh -o report.zh.html\n\n"
      "The page needs nothing but itself: it can be mailed, printed, and read on a phone, in light and "
      "dark.");
  command->callback([options, &session] {
    session.job = [options] {
      const cw::Store store(options->store, cw::Store::Mode::read);
      Output output(options->output);
      output.write(cw::campaign_report(
          store, {.language = cw::parse_language(options->language), .now = parse_now(options->now)}));
      output.commit();
      return 0;
    };
  });
}

}  // namespace adlib::cli
