// adlib forget: erases a person from the store.
#include "copywriter/collect/forget.h"
#include "app.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct Options {
  std::string store, user;
};

int run(const Options& options, const Console& console) {
  const cw::Store store(options.store, cw::Store::Mode::write);
  const bool erased = cw::forget(store, options.user);
  console.note(erased ? "the user is erased, and no later file brings them back"
                      : "the user had been erased before");
  return 0;
}

}  // namespace

void add_forget(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("forget", "Erase a person from a store: record, events, reviews, copies, outcomes");
  command->add_option("STORE", options->store, "The campaign's file")->required()->type_name("STORE");
  command->add_option("USER", options->user, "The id that the shop's files have")
      ->required()
      ->type_name("USER");
  command->footer(
      "What remains is a keyed hash of the id, by which later files leave the person out. What other "
      "commands have\n"
      "written elsewhere (exports, reports) is not reached.");
  command->callback(
      [options, &session] { session.job = [options, &session] { return run(*options, session.console); }; });
}

}  // namespace adlib::cli
