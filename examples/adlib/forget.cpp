// adlib forget: erases a person from the store.
#include "copywriter/collect/forget.h"
#include "app.h"
#include "copywriter/shop/json_line.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct ForgetOptions {
  std::string store, user;
};

int run_forget(const ForgetOptions& options, const Console& console) {
  const cw::Store store(options.store, cw::Store::Mode::write);
  cw::OrderedJson published = cw::OrderedJson::array();
  const bool erased = cw::forget(store, options.user, [&](const cw::Elsewhere& one) {
    published.push_back({{"target", one.target}, {"destination", one.destination}, {"copies", one.copies}});
    console.warn(counted(one.copies, "text") + " for this person went to " + one.destination + " (" +
                 one.target + "), which adlib does not reach: erase the person there, too");
  });
  console.note(erased ? "the user is erased, and no later file brings them back; review sheets, reports, "
                        "training pairs and the shop's own files are not reached"
                      : "the user had been erased before");
  Output output("");
  output.write(cw::to_line({{"erased", erased}, {"published", published}}));
  output.flush();
  return 0;
}

}  // namespace

void add_forget(CLI::App& app, Session& session) {
  auto options = std::make_shared<ForgetOptions>();
  CLI::App* command =
      app.add_subcommand("forget", "Erase a person from a store: record, events, reviews, copies, outcomes");
  add_store(*command, options->store);
  command->add_option("USER", options->user, "The id that the shop's files have")
      ->required()
      ->type_name("USER");
  command->footer(
      "What remains is a keyed hash of the id, by which later files leave the person out. What was "
      "published\n"
      "before is not reached: a warning names each such file and address, once, and stdout gets them as a "
      "JSON\n"
      "object.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_forget(*options, session.console); };
  });
}

}  // namespace adlib::cli
