// adlib campaign: all stages of a campaign, one after the other, as a file says.
#include <algorithm>
#include <cstdlib>
#include <memory>

#include "app.h"
#include "copywriter/campaign/campaign.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct CampaignOptions {
  std::string file;
  std::string store;
  std::string from, until;
  bool dry_run = false;
};

std::size_t place_of(const std::string& name, std::size_t missing) {
  if (name.empty()) return missing;
  const auto& stages = cw::campaign_stages();
  return static_cast<std::size_t>(std::find(stages.begin(), stages.end(), name) - stages.begin());
}

int run_campaign(const CampaignOptions& options, const Console& console) {
  const std::size_t from = place_of(options.from, 0), until = place_of(options.until, SIZE_MAX);
  if (from > until && !options.until.empty())
    throw UsageError("--from " + options.from + " comes behind --until " + options.until +
                     ": no stage is left");
  const cw::Campaign campaign = cw::read_campaign(options.file, options.store);
  if (!campaign.now.empty()) setenv("ADLIB_NOW", campaign.now.c_str(), 1);
  for (const cw::CampaignStage& stage : campaign.stages) {
    const std::size_t place = place_of(stage.name, 0);
    if (place < from || place > until) continue;
    const std::string line = cw::command_line(stage);
    if (options.dry_run) {
      Output output("");
      output.write(line + "\n");
      output.flush();
      continue;
    }
    console.note("$ " + line);
    const int status = run_command(stage.arguments, console.quiet());
    if (status != 0) {
      console.error(stage.where +
                    ": the campaign stops here; what was done before is kept, and the same "
                    "command goes on");
      return status;
    }
  }
  return 0;
}

}  // namespace

void add_campaign(CLI::App& app, Session& session) {
  auto options = std::make_shared<CampaignOptions>();
  CLI::App* command = app.add_subcommand("campaign", "Run the stages of a campaign, as a file says");
  command->add_option("FILE", options->file, "What each stage is told, in TOML")
      ->type_name("FILE")
      ->required();
  add_store(*command, options->store, "The campaign's file; made where it is missing");
  const std::vector<std::string> stages(cw::campaign_stages().begin(), cw::campaign_stages().end());
  command->add_option("--from", options->from, "Begin with this stage")->check(CLI::IsMember(stages));
  command->add_option("--until", options->until, "Stop behind this stage")->check(CLI::IsMember(stages));
  command->add_flag("--dry-run", options->dry_run, "Print the commands, and run none");
  command->footer(
      "Example:\n"
      "  adlib campaign campaign.toml shop.db\n\n"
      "A section is a stage, its keys are the flags of the command of that name; {here} is the folder of "
      "the\n"
      "file:\n"
      "  [collect]\n"
      "  products = \"{here}/products.csv\"\n"
      "  customers = [\"{here}/members.csv\", \"{here}/guests.jsonl\"]\n"
      "  [write]\n"
      "  channel = \"mi-push\"\n"
      "  [[publish]]\n"
      "  to = \"push\"\n"
      "Stages are repeatable: what was done is not done again.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_campaign(*options, session.console); };
  });
}

}  // namespace adlib::cli
