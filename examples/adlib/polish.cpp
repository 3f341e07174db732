// adlib polish: the copies of a campaign, held against the rules.
#include <memory>

#include "app.h"
#include "copywriter/polish/polish.h"
#include "copywriter/shop/json_line.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct PolishOptions {
  std::string store;
  std::string rules;
  std::vector<std::string> packs;
  bool all = false;
};

int run_polish(const PolishOptions& options, const Console& console) {
  const cw::Store store(options.store, cw::Store::Mode::write);
  const std::filesystem::path rules = rules_folder(options.rules);
  const std::vector<std::filesystem::path> packs(options.packs.begin(), options.packs.end());
  cw::Polish polish(store, rules, packs);
  const auto which = options.all ? cw::Polish::Which::all : cw::Polish::Which::written;
  const std::int64_t total = polish.count(which);
  cw::Run run(store, "polish",
              {{"rules_digest", cw::hexadecimal(cw::sha256_of_directory(rules))},
               {"packs", options.packs},
               {"all", options.all}});
  std::int64_t done = 0;
  const cw::Polish::Summary summary = polish.run(which, [&](std::int64_t copies) {
    done += copies;
    console.status(std::to_string(done) + "/" + std::to_string(total) + " copies");
  });
  console.status("");
  run.finish();
  Output output("");
  output.write(cw::to_line({{"copies", summary.copies},
                            {"fixed", summary.fixed},
                            {"ready", summary.ready},
                            {"blocked", summary.blocked},
                            {"withdrawn", summary.withdrawn}}));
  output.flush();
  return 0;
}

}  // namespace

void add_polish(CLI::App& app, Session& session) {
  auto options = std::make_shared<PolishOptions>();
  CLI::App* command = app.add_subcommand("polish", "Check and mend the copies of a campaign");
  add_store(*command, options->store);
  command
      ->add_option("--pack", options->packs, "Rules of your own beside adlib's; may be given several times")
      ->type_name("FILE");
  command->add_option("--rules", options->rules, "The rules; default: adlib's own")->type_name("DIR");
  command->add_flag(
      "--all", options->all,
      "Also those that were polished before, approved, published and rejected ones too: after a "
      "change of the rules or of the shop's data");
  command->footer(
      "Example:\n"
      "  adlib polish shop.db\n\n"
      "Mends what is safe to mend, keeps the rest as findings, and prints how many copies are ready and how\n"
      "many blocked: those break a rule of level error or ban and go no further unless somebody edits them.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_polish(*options, session.console); };
  });
}

}  // namespace adlib::cli
