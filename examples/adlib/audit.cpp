// adlib audit, adlib reproduce: why a copy says what it says, and the same bytes again.
#include <map>
#include <memory>

#include "app.h"
#include "copywriter/audit/audit.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/guarded_writer.h"
#include "engine_flags.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct AuditOptions {
  std::string store;
  std::vector<std::int64_t> copies;
  bool published = false;
  std::string output;
};

int audit(const AuditOptions& options) {
  const cw::Store store(options.store, cw::Store::Mode::read);
  cw::Audit audit(store);
  Output output(options.output);
  const auto copies = options.copies.empty() ? audit.copies(options.published) : options.copies;
  for (const std::int64_t copy : copies) output.write(cw::to_line(audit.record(copy)));
  output.commit();
  return 0;
}

struct ReproduceOptions {
  std::string store;
  std::vector<std::int64_t> copies;
  std::string model, rules;
};

// Copies of one call of write have one model and one set of settings.
int reproduce(const ReproduceOptions& options, const Console& console) {
  const cw::Store store(options.store, cw::Store::Mode::read);
  cw::Audit audit(store);
  std::map<std::string, std::vector<cw::OrderedJson>> by_settings;
  for (const std::int64_t copy : options.copies) {
    cw::OrderedJson record = audit.record(copy);
    by_settings[record["write"].dump()].push_back(std::move(record));
  }
  const std::filesystem::path rules = rules_folder(options.rules);
  const std::string rules_digest = cw::hexadecimal(cw::sha256_of_directory(rules));
  const auto rule_set = std::make_shared<cw::RuleSet>(rules);
  Output output("");
  bool all_same = true;
  for (const auto& [settings, records] : by_settings) {
    const cw::OrderedJson& write = records.front()["write"];
    const std::string model = options.model.empty() ? write["model"].get<std::string>() : options.model;
    if (!std::filesystem::is_directory(model))
      fail(ErrorCode::not_found, model, ": the model is no longer there; give --model DIR");
    const std::string digest = cw::hexadecimal(cw::sha256_of_directory(model));
    if (digest != write["model_digest"])
      console.warn(model + " is not the model of then: its digest differs");
    if (rules_digest != write["rules_digest"])
      console.warn(rules.string() + " are not the rules of then: their digest differs");
    LoadFlags flags;
    flags.weights = write["weights"].get<std::string>();
    flags.dtype = write["dtype"].get<std::string>();
    const Generator generator = Generator::from_directory(model, load_options(flags, console));
    const GenerationConfig config =
        generation_config_from_json(write["generation"].dump(), options.store + ": run");
    const cw::TextWriter writer(generator, config, {});
    cw::GuardedWriter guarded(writer, rule_set,
                              {.attempts = write.value("attempts", cw::GuardedWriter::kAttempts)});
    for (const cw::OrderedJson& record : records) {
      const auto request = cw::CopyRequest::from_json(record["request"].dump(), options.store);
      const std::string text(cw::trim(guarded.begin(request).get().text));
      const bool same = text == record["written"];
      all_same = all_same && same;
      output.write(cw::to_line({{"copy", record["copy"]}, {"same", same}, {"text", text}}));
    }
  }
  output.flush();
  if (!all_same) console.error("not every text came out as it was written");
  return all_same ? 0 : 1;
}

}  // namespace

void add_audit(CLI::App& app, Session& session) {
  auto options = std::make_shared<AuditOptions>();
  CLI::App* command = app.add_subcommand("audit", "Tell how copies came about and who let them out");
  add_store(*command, options->store);
  command->add_option("ID", options->copies, "Copies, by id; default: all")->type_name("ID");
  command->add_flag("--published", options->published, "Only those that were published");
  command->add_option("-o,--output", options->output, "Write to a file; default stdout")->type_name("FILE");
  command->footer(
      "Example:\n"
      "  adlib audit shop.db 17\n\n"
      "Writes a JSON object a line: the text as the model wrote it and as it is now, its prompt and seed, "
      "the\n"
      "digests of model and rules, the settings of the run, findings, decisions, and where it was "
      "published.");
  command->callback([options, &session] { session.job = [options] { return audit(*options); }; });
}

void add_reproduce(CLI::App& app, Session& session) {
  auto options = std::make_shared<ReproduceOptions>();
  CLI::App* command = app.add_subcommand("reproduce", "Write copies again and compare the bytes");
  add_store(*command, options->store);
  command->add_option("ID", options->copies, "Copies, by id")->type_name("ID")->required();
  command->add_option("--model", options->model, "The model; default: the directory that it was then")
      ->type_name("DIR");
  command->add_option("--rules", options->rules, "The rules; default: adlib's own")->type_name("DIR");
  command->footer(
      "Example:\n"
      "  adlib reproduce shop.db 17\n\n"
      "Writes {copy, same, text} for each, and fails if one differs from what the model wrote then. The "
      "bytes\n"
      "are the same with the same model, rules and kind of processor.");
  command->callback([options, &session] {
    session.job = [options, &session] { return reproduce(*options, session.console); };
  });
}

}  // namespace adlib::cli
