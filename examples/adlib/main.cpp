// adlib: the command-line tool. Three exits: 0 done, 1 failed, 2 wrong use.
#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "adlib/core/parallel.h"
#include "app.h"
#include "copywriter/shop/text.h"

namespace adlib::cli {
namespace {

// What CLI11 calls extra arguments is most often one mistyped option, and its values, or a mistyped command.
std::string explain(const CLI::ExtrasError& wrong, const CLI::App& app) {
  const std::vector<std::string> extras = app.remaining(true);
  if (extras.empty()) return wrong.what();
  const CLI::App* last = &app;
  while (!last->get_subcommands().empty()) last = last->get_subcommands().front();
  const auto commands = last->get_subcommands([](const CLI::App*) { return true; });
  if (const std::string& word = extras.front(); !commands.empty() && !word.starts_with('-')) {
    std::string nearest;
    std::size_t distance = 4;  // more than three letters apart are other words
    for (const CLI::App* command : commands) {
      const std::size_t apart = copywriter::edit_distance(word, command->get_name());
      if (apart < distance) distance = apart, nearest = command->get_name();
    }
    return "there is no command " + word + (nearest.empty() ? "" : "; did you mean " + nearest + "?");
  }
  const auto option = std::find_if(extras.begin(), extras.end(),
                                   [](const std::string& extra) { return extra.starts_with("--"); });
  if (option == extras.end()) return wrong.what();
  const std::string name = option->substr(0, option->find('='));
  std::string nearest;
  std::size_t distance = 4;
  const auto look = [&](const CLI::App& at) {
    for (const CLI::Option* known : at.get_options({})) {
      for (const std::string& other : known->get_lnames()) {
        const std::string full = "--" + other;
        const std::size_t apart = full.starts_with(name) ? 1 : copywriter::edit_distance(name, full);
        if (apart < distance) distance = apart, nearest = other;
      }
    }
  };
  const CLI::App* at = &app;
  look(*at);
  while (!at->get_subcommands().empty()) look(*(at = at->get_subcommands().front()));
  return "there is no option " + name + (nearest.empty() ? "" : "; did you mean --" + nearest + "?");
}

}  // namespace

int run_command(std::vector<std::string> arguments, bool quiet) {
  Session session;
  session.console.set_quiet(quiet);
  CLI::App app("Transformers that write personalised marketing copy", "adlib");
  app.set_version_flag("--version", std::string("adlib ") + version, "Print the version and exit");
  app.add_flag_callback(
         "-q,--quiet", [&] { session.console.set_quiet(true); }, "No progress and timings on stderr")
      ->trigger_on_parse();
  app.add_option_function<int>(
         "--threads", [](const int& threads) { set_num_threads(threads); },
         "Threads that an operation may use; default: ADLIB_NUM_THREADS, else every processor")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.require_subcommand(0, 1);  // none at all is reported below: CLI11 would say so for a mistyped one, too
  app.fallthrough();             // --quiet may stand after the subcommand, too
  app.footer(
      "First steps:\n"
      "  adlib init model --family gpt2 --size tiny      a fresh model, which writes noise until it is "
      "trained\n"
      "  adlib inspect model                             what the directory holds\n"
      "  adlib generate model 'Once upon a time'         continue a text\n"
      "  adlib write --help                              copy for customers and products\n\n"
      "Exit status: 0 done, 1 failed, 2 wrong use. Results go to stdout, everything else to stderr.\n"
      "NO_COLOR=1 switches colours off.");
  for (auto* add :
       {add_generate,  add_collect, add_forget, add_campaign,   add_prepare,   add_recommend, add_write,
        add_polish,    add_review,  add_assign, add_publish,    add_measure,   add_report,    add_audit,
        add_reproduce, add_check,   add_train,  add_tokenize,   add_tokenizer, add_init,      add_inspect,
        add_quantize,  add_eval,    add_corpus, add_completion, add_man}) {
    add(app, session);
  }
  try {
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 wants them
    app.parse(std::move(arguments));
    if (!session.job) throw UsageError("a command is required, such as 'adlib generate'");
    return session.job();
  } catch (const CLI::Success& wish) {  // --help, --version
    return app.exit(wish);
  } catch (const CLI::ExtrasError& wrong) {
    session.console.error(explain(wrong, app));
  } catch (const CLI::ParseError& wrong) {
    session.console.error(wrong.what());
  } catch (const UsageError& wrong) {
    session.console.error(wrong.what());
  } catch (const std::exception& failure) {
    session.console.error(failure.what());
    return 1;
  }
  session.console.note("Run 'adlib --help' or 'adlib COMMAND --help' to see what is accepted.");
  return 2;
}

}  // namespace adlib::cli

int main(int argc, char** argv) { return adlib::cli::run_command({argv + 1, argv + argc}, false); }
