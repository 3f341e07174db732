// adlib assign: which variant each user gets.
#include "copywriter/measure/assign.h"

#include "adlib/core/error.h"
#include "app.h"
#include "copywriter/shop/json_line.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct AssignOptions {
  std::string store, policy = "thompson", rules;
  double control = 0.1;
  std::uint64_t seed = 0;
  std::vector<std::string> allow;
};

int run_assign(const AssignOptions& options, const Console& console) {
  cw::AssignOptions assign;
  assign.policy = cw::parse_policy(options.policy);
  assign.control = options.control;
  assign.seed = options.seed;
  assign.allow_finance = !options.allow.empty();
  assign.channels = cw::read_channels(rules_folder(options.rules) / "channels.toml");
  assign.progress = console.progress("drawing variants");
  const cw::Store store(options.store, cw::Store::Mode::write);
  const cw::AssignSummary done = cw::assign_variants(store, assign);
  Output output("");
  output.write(cw::to_line({{"assigned", done.assigned},
                            {"held_out", done.held_out},
                            {"refused", done.refused},
                            {"before", done.before},
                            {"users", done.users},
                            {"users_held_out", done.users_held_out}}));
  output.flush();
  console.note(concat(counted(done.assigned, "placement"), " got a variant; of ", counted(done.users, "user"),
                      " ", done.users_held_out, " held out"));
  return 0;
}

}  // namespace

void add_assign(CLI::App& app, Session& session) {
  auto options = std::make_shared<AssignOptions>();
  CLI::App* command = app.add_subcommand("assign", "Draw which variant of a copy each user gets");
  add_store(*command, options->store);
  command->add_option("--policy", options->policy, "How variants are drawn")
      ->check(CLI::IsMember({"uniform", "thompson", "contextual"}))
      ->capture_default_str();
  command
      ->add_option("--control", options->control,
                   "The share of users who get no copy at all, so that there is something to compare with")
      ->check(CLI::Range(0.0, 0.9))
      ->type_name("SHARE")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "The same seed draws the same")
      ->check(check_seed)
      ->type_name("N")
      ->capture_default_str();
  command
      ->add_option("--allow", options->allow,
                   "finance: the contextual policy may know how much prices matter to a user")
      ->check(CLI::IsMember({"finance"}))
      ->type_name("NAME");
  command->add_option("--rules", options->rules, "The rules, for their channels; default: adlib's own")
      ->type_name("DIR");
  command->footer(
      "Examples:\n"
      "  adlib assign shop.db\n"
      "  adlib assign shop.db --policy contextual --control 0.2 --seed 7\n\n"
      "Draws for every placement that has approved copies and no variant yet; running it again goes on with "
      "new\n"
      "ones. uniform draws all variants alike; thompson draws each with the probability that it is clicked "
      "most;\n"
      "contextual does so for users like this one. The probability of each draw is kept, for 'adlib "
      "measure'. Prints a JSON object.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_assign(*options, session.console); };
  });
}

}  // namespace adlib::cli
