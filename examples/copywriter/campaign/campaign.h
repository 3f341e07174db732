// copywriter/campaign/campaign.h: a campaign as a file: which stages, and what each is told.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace adlib::copywriter {

/// One call of a stage's command: {"publish", "shop.db", "--to", "sms"} behind the program's name.
struct CampaignStage {
  std::string name;
  std::vector<std::string> arguments;
  std::string where;  ///< "campaign.toml:12:1" for messages
};

/// What a file says.
struct Campaign {
  std::string now;  ///< the clock of a rehearsal (ADLIB_NOW); "" is the real one
  std::vector<CampaignStage> stages;
};

/// The stages there are, in the order in which they run.
const std::vector<std::string_view>& campaign_stages();

/// Reads a file of TOML. A section is a stage, [publish], or several calls of it, [[publish]]; its keys are
/// the flags of the stage's command without dashes in front: a text or number is the flag's value, a list
/// repeats the flag, true gives it alone, false leaves it out. `do` names the command of a stage that has
/// several: [review] do = "approve". {here} in a text is the folder of the file. `now = "2026-11-01"`, above
/// the sections, sets the clock. Stages run in the order of campaign_stages(), calls of one stage in that of
/// the file. Throws Error(bad_format) "file:line:column: …".
Campaign read_campaign(const std::filesystem::path& file, const std::string& store);

/// The call as a line for a shell, with the quotes that it needs.
std::string command_line(const CampaignStage& stage);

}  // namespace adlib::copywriter
