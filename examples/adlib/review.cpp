// adlib review: a person decides what is published.
#include <algorithm>
#include <filesystem>
#include <memory>

#include "adlib/core/error.h"
#include "app.h"
#include "copywriter/collect/input_file.h"
#include "copywriter/polish/polish.h"
#include "copywriter/review/review.h"
#include "copywriter/review/sheet.h"
#include "copywriter/shop/json_line.h"
#include "copywriter/shop/text.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct ReviewOptions {
  std::string store, sheet, output, text, rules, accept = "style", format = "text";
  std::vector<std::int64_t> ids;
  std::vector<std::string> packs;
  bool all_clean = false, force = false;
  cw::Reviewer reviewer;
  cw::ReviewFilter filter;
};

void tell(const cw::ReviewResult& result, const Console& console) {
  Output output("");
  output.write(cw::to_line({{"approved", result.approved},
                            {"rejected", result.rejected},
                            {"edited", result.edited},
                            {"blocked", result.blocked},
                            {"unchanged", result.unchanged},
                            {"passed_over", result.passed_over}}));
  output.flush();
  if (result.blocked > 0)
    console.warn(concat(result.blocked, " of the new texts break a rule and are blocked"));
  if (result.edited > result.blocked) console.note("edited texts need approval");
  if (result.passed_over > 0)
    console.note(concat(result.passed_over, " copies have findings; 'adlib review list' shows them"));
}

// The rules are read when the first edited text comes.
cw::CheckCopy check_copy(const cw::Store& store, const ReviewOptions& options) {
  return [&store, &options, polish = std::shared_ptr<cw::Polish>()](std::int64_t copy) mutable {
    const std::vector<std::filesystem::path> packs(options.packs.begin(), options.packs.end());
    if (!polish) polish = std::make_shared<cw::Polish>(store, rules_folder(options.rules), packs);
    return polish->polish(copy);
  };
}

int run_export(const ReviewOptions& options, const Console& console) {
  const cw::Store store(options.store, cw::Store::Mode::read);
  const bool is_file = !options.output.empty() && options.output != "-";
  if (is_file && !options.force && std::filesystem::is_regular_file(options.output)) {
    cw::InputFile before(options.output, cw::Encoding::automatic);
    cw::check_overwrite(store, before.stream(), before.where());
  }
  Output output(options.output);
  const std::int64_t count =
      cw::export_sheet(store, options.filter, [&](std::string_view piece) { output.write(piece); });
  output.commit();
  console.note(std::to_string(count) + (count == 1 ? " copy" : " copies") + " to decide on");
  return 0;
}

int run_import(const ReviewOptions& options, const Console& console) {
  const cw::Store store(options.store, cw::Store::Mode::write);
  cw::InputFile sheet(options.sheet, cw::Encoding::automatic);
  tell(cw::import_sheet(store, sheet.stream(), sheet.where(), options.reviewer, check_copy(store, options)),
       console);
  return 0;
}

int run_approve(const ReviewOptions& options, const Console& console) {
  if (options.all_clean == !options.ids.empty())
    throw UsageError("name the copies to approve, or give --all-clean");
  const cw::Store store(options.store, cw::Store::Mode::write);
  tell(options.all_clean ? cw::approve_all_clean(store, cw::parse_level(options.accept), options.reviewer)
                         : cw::approve(store, options.ids, options.reviewer, check_copy(store, options)),
       console);
  return 0;
}

int run_reject(const ReviewOptions& options, const Console& console) {
  const cw::Store store(options.store, cw::Store::Mode::write);
  tell(cw::reject(store, options.ids, options.reviewer), console);
  return 0;
}

int run_edit(const ReviewOptions& options, const Console& console) {
  const cw::Store store(options.store, cw::Store::Mode::write);
  tell(cw::edit(store, options.ids.front(), options.text, options.reviewer, check_copy(store, options)),
       console);
  return 0;
}

int run_list(const ReviewOptions& options, const Console& console) {
  const cw::Store store(options.store, cw::Store::Mode::read);
  Output output("");
  std::int64_t count = 0;
  cw::for_each_in_review(store, options.filter, [&](const cw::ReviewItem& item) {
    ++count;
    if (options.format == "json") {
      cw::OrderedJson findings = cw::OrderedJson::array();
      for (const cw::ReviewFinding& one : item.findings)
        findings.push_back({{"rule", one.rule}, {"level", one.level}, {"message", one.message}});
      const cw::OrderedJson line = {{"id", item.id},
                                    {"status", item.status},
                                    {"customer", item.customer},
                                    {"product", item.product},
                                    {"scene", item.scene},
                                    {"channel", item.channel},
                                    {"language", item.language},
                                    {"arm", item.arm},
                                    {"guarded", item.guarded},
                                    {"text", item.text},
                                    {"findings", std::move(findings)}};
      output.write(line.dump(-1, ' ', false, cw::OrderedJson::error_handler_t::replace) + "\n");
      return;
    }
    // One line each: a text must not move the cursor of a terminal.
    const std::string customer = item.customer.empty() ? "everybody" : item.customer;
    output.write(concat(item.id, "  ", item.status, item.guarded ? "" : " (unguarded)", "  ", item.channel,
                        "  ", cw::clean_text(customer), "  ", cw::clean_text(item.product), "  ",
                        cw::clean_text(item.arm), "  ", cw::clean_text(item.text), "\n"));
    for (const cw::ReviewFinding& one : item.findings)
      output.write(concat("    ", one.level, ": ", cw::clean_text(one.message), " [", one.rule, "]\n"));
  });
  output.commit();
  console.note(std::to_string(count) + (count == 1 ? " copy" : " copies"));
  return 0;
}

void add_ids(CLI::App& command, ReviewOptions& options, bool required, bool one) {
  CLI::Option* ids =
      command.add_option("ID", options.ids, one ? "The number of the copy" : "The numbers of copies")
          ->type_name("ID")
          ->required(required);
  if (one) ids->expected(1);
}
void add_reviewer(CLI::App& command, ReviewOptions& options, bool note) {
  command
      .add_option("--who", options.reviewer.who,
                  "Who decides: a name or role, which is stored with each decision")
      ->type_name("LABEL")
      ->required();
  if (note)
    command.add_option("--note", options.reviewer.note, "Why, for whoever asks later")->type_name("TEXT");
}
void add_filter(CLI::App& command, ReviewOptions& options, const char* text) {
  command.add_option("--status", options.filter.statuses, text)
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember({"written", "blocked", "ready", "approved", "rejected", "published"}))
      ->type_name("STATUS");
  command
      .add_option("--channel", options.filter.channels,
                  "Only of these channels; several are separated by commas")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->type_name("ID");
  command.add_option("--language", options.filter.languages, "Only in this language")
      ->expected(1)
      ->take_all()
      ->check(CLI::IsMember({"zh", "en"}));
}
void add_rules(CLI::App& command, ReviewOptions& options) {
  command
      .add_option("--rules", options.rules,
                  "The folder of rules that a text is checked against; default: adlib's own")
      ->type_name("DIR");
  command
      .add_option("--pack", options.packs, "A file or folder of further rules, such as a brand's house words")
      ->expected(1)
      ->take_all()
      ->type_name("PATH");
}

}  // namespace

void add_review(CLI::App& app, Session& session) {
  CLI::App* group =
      add_group(app, session, "review", "Decide what is published",
                "'adlib review list', 'adlib review export', 'adlib review import', 'adlib review approve', "
                "'adlib review reject' or 'adlib review edit'");
  const auto add = [&](const char* name, const char* about,
                       int (*run)(const ReviewOptions&, const Console&)) {
    auto options = std::make_shared<ReviewOptions>();
    CLI::App* command = group->add_subcommand(name, about);
    add_store(*command, options->store);
    command->callback([options, &session, run] {
      session.job = [options, &session, run] { return run(*options, session.console); };
    });
    return std::pair(command, options);
  };
  {
    const auto [command, options] = add("list", "Show copies with what was found in them", run_list);
    add_filter(*command, *options,
               "Only of this status, such as ready or blocked; several are separated by commas");
    command->add_option("--format", options->format, "text for people, or a JSON object a copy")
        ->check(CLI::IsMember({"text", "json"}))
        ->capture_default_str();
  }
  {
    const auto [command, options] = add("export", "Write a sheet (CSV) to decide in", run_export);
    options->filter.statuses = {"ready"};
    add_filter(*command, *options, "Of this status; default: ready");
    command
        ->add_option("-o,--output", options->output,
                     "Write to a file, which appears when all is done; default stdout")
        ->type_name("FILE");
    command->add_flag("--force", options->force,
                      "Overwrite a sheet with decisions in it that were not imported");
    command->footer(
        "In the column decision stands approve, reject, edit or nothing; a text for 'edit' stands in "
        "new_text.\n"
        "Example:\n"
        "  adlib review export shop.db -o sheet.csv\n"
        "  adlib review import shop.db sheet.csv --who 'the editor'");
  }
  {
    const auto [command, options] = add("import", "Do what a sheet decides, all or nothing", run_import);
    command->add_option("SHEET", options->sheet, "The sheet; '-' is stdin")->type_name("FILE")->required();
    add_reviewer(*command, *options, true);
    add_rules(*command, *options);
  }
  {
    const auto [command, options] = add("approve", "Approve copies", run_approve);
    add_ids(*command, *options, false, false);
    add_reviewer(*command, *options, true);
    command->add_flag("--all-clean", options->all_clean,
                      "Every copy that is ready and has no finding above --accept");
    add_rules(*command, *options);
    command->add_option("--accept", options->accept, "The worst level of findings that --all-clean accepts")
        ->check(CLI::IsMember({"style", "caution", "evidence"}))
        ->capture_default_str();
  }
  {
    const auto [command, options] = add("reject", "Reject copies, also ones that were approved", run_reject);
    add_ids(*command, *options, true, false);
    add_reviewer(*command, *options, true);
  }
  {
    const auto [command, options] =
        add("edit", "Replace a text; it is checked, and needs approval", run_edit);
    add_ids(*command, *options, true, true);
    command->add_option("--text", options->text, "The new text")->type_name("TEXT")->required();
    add_reviewer(*command, *options, true);
    add_rules(*command, *options);
  }
}

}  // namespace adlib::cli
