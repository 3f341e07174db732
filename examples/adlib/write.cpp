// adlib write: personalised copy for customers and products.
#include <chrono>
#include <cmath>
#include <future>
#include <iomanip>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "adlib/generate/engine.h"
#include "app.h"
#include "copywriter/collect/money.h"
#include "copywriter/collect/read.h"
#include "copywriter/collect/text.h"
#include "copywriter/write/guard.h"
#include "copywriter/write/privacy.h"
#include "copywriter/write/write_copy.h"
#include "engine_flags.h"
#include "generation_flags.h"
#include "record_output.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;

struct Options {
  std::string model;
  std::string products;
  std::string customers;
  std::vector<std::string> scenes = {"recommendation"};
  std::vector<std::string> languages = {"zh"};
  std::string channel, tone;
  std::string pairing = "all";
  std::string templates;
  std::string rules;
  std::vector<std::string> allow;
  bool no_guard = false;
  std::string fit;
  std::vector<std::string> ending;
  std::string currency;
  std::int64_t limit = 0;
  std::string output;
  bool resume = false;
  LoadFlags load;
  GenerationFlags generation;
  EngineFlags engine;
};

template <class Record>
std::vector<Record> read(const std::string& path, const cw::ReadOptions& options,
                         std::vector<Record> (*from_file)(const std::filesystem::path&,
                                                          const cw::ReadOptions&),
                         std::vector<Record> (*from_stream)(std::istream&, const std::string&,
                                                            const cw::ReadOptions&)) {
  if (path != "-") return from_file(path, options);
  std::vector<Record> records;
  with_input(path,
             [&](std::istream& in, const std::string& where) { records = from_stream(in, where, options); });
  return records;
}

cw::CopyOptions copy_options(const Options& options) {
  cw::CopyOptions copy;
  copy.scenes.clear();
  copy.languages.clear();
  for (const std::string& scene : options.scenes) copy.scenes.push_back(cw::parse_scene(scene));
  for (const std::string& language : options.languages)
    copy.languages.push_back(cw::parse_language(language));
  if (!options.channel.empty()) copy.channel = cw::parse_channel(options.channel);
  if (!options.tone.empty()) copy.tone = cw::parse_tone(options.tone);
  copy.pairing = cw::parse_pairing(options.pairing);
  copy.limit = options.limit;
  copy.seed = options.generation.seed.value_or(0);
  copy.model = model_name(options.model);
  return copy;
}

GenerationConfig generation_config(GenerationFlags flags, const Generator& generator) {
  if (!flags.seed) flags.seed = 0;  // each copy has a seed of its own, made of this and of what it is about
  flags.num_return_sequences = 1;   // whatever generation_config.json says
  GenerationConfig config = apply(flags, generator.defaults(), generator.tokenizer());
  // Different customers should not all read the likeliest sentence: copy is drawn unless that is switched
  // off.
  if (!flags.do_sample && config.num_beams == 1) config.do_sample = true;
  validate(config);
  return config;
}

cw::Privacy make_privacy(const std::filesystem::path& rules, const std::vector<std::string>& allow) {
  try {
    return {rules, {allow.begin(), allow.end()}};
  } catch (const Error& error) {
    if (error.code() == ErrorCode::invalid_argument)
      throw UsageError(std::string("--allow: ") + error.what());
    throw;
  }
}

// What a campaign may use of the customers. Says what it may not, so that nobody looks for the reason
// elsewhere.
std::vector<cw::Customer> permitted(std::vector<cw::Customer> customers, const cw::Privacy& privacy,
                                    const Console& console) {
  std::map<std::string, std::int64_t> withheld;
  std::int64_t unpersonalised = 0;
  for (cw::Customer& customer : customers) {
    customer = privacy.permitted(std::move(customer));
    if (!customer.personalised) ++unpersonalised;
    std::set<std::string> names;
    for (const auto& [field, name] : customer.withheld) names.insert(name.empty() ? "minors" : name);
    for (const std::string& name : names) ++withheld[name];
  }
  std::string list;
  for (const auto& [name, count] : withheld)
    list += (list.empty() ? "" : ", ") + name + " (" + counted(count, "customer") + ")";
  if (!list.empty()) console.note("not used without --allow: " + list);
  if (unpersonalised > 0) {
    console.note("of " + counted(unpersonalised, "customer") +
                 " nothing is used, as they opted out or are under 18");
  }
  return customers;
}

using Clock = std::chrono::steady_clock;

void report(const cw::CopySummary& summary, Clock::time_point start, const Console& console) {
  std::ostringstream out;
  out << counted(summary.written, "text");
  if (summary.skipped > 0) out << " (" << summary.skipped << " were there already)";
  out << ", " << summary.prompt_tokens << " prompt tokens, " << summary.generated_tokens << " written, "
      << std::fixed << std::setprecision(2) << std::chrono::duration<double>(Clock::now() - start).count()
      << " s";
  console.note(out.str());
}

// Writes many texts at once, except by beams, which are searched one prompt at a time.
class Writer {
 public:
  Writer(const Generator& generator, const GenerationConfig& config, const EngineOptions& options,
         const cw::Guard* guard)
      : generator_(generator), config_(config), max_sequences_(options.max_sequences), guard_(guard) {
    if (config.num_beams == 1) engine_ = std::make_unique<Engine>(generator, options);
  }
  /// Texts to ask for before the first is taken: a slow one holds up those behind it, not the model.
  std::size_t ahead() const { return static_cast<std::size_t>(4 * max_sequences_); }
  cw::BeginText begin() const {
    return [this](const cw::CopyJob& job) {
      GenerationConfig config = config_;
      config.seed = job.seed;
      std::vector<TokenId> prompt = encode(job, generator_.tokenizer());
      const bool tagged = !job.fields.empty(), guarded = tagged && guard_;
      if (guarded) config.constraint = guard_->constraint(job.fields, job.language, job.customer->unspoken);
      if (engine_) {
        auto ticket = engine_->submit({.prompt = std::move(prompt), .config = std::move(config)});
        return std::async(std::launch::deferred,
                          [result = std::move(ticket.result), tagged, guarded]() mutable {
                            return text_of(result.get(), tagged, guarded);
                          });
      }
      std::promise<cw::GeneratedText> written;
      written.set_value(text_of(generator_.generate(prompt, config), tagged, guarded));
      return written.get_future();
    };
  }

 private:
  static cw::GeneratedText text_of(const Result& result, bool tagged, bool guarded) {
    const Completion& completion = result.completions.front();
    return {.text = tagged ? std::string(cw::trim(completion.text)) : completion.text,
            .prompt_tokens = result.prompt_tokens,
            .generated_tokens = static_cast<std::int64_t>(completion.ids.size()),
            .seconds = std::round((result.prefill_seconds + result.decode_seconds) * 1e6) / 1e6,
            .finish_reason = completion.finish_reason == FinishReason::length ? "length" : "stop",
            .guarded = guarded};
  }

  const Generator& generator_;
  const GenerationConfig& config_;
  std::int64_t max_sequences_;
  const cw::Guard* guard_;
  std::unique_ptr<Engine> engine_;
};

cw::CopyJobs make_jobs(const std::vector<cw::Customer>& customers, const std::vector<cw::Product>& products,
                       cw::Templates& templates, const Options& options, const cw::CopyOptions& copy) {
  const std::filesystem::path directory = prompt_templates(options.templates, options.model);
  if (directory.empty()) return {customers, products, copy};
  if (copy.channel || copy.tone) {
    throw UsageError(
        "--channel and --tone are for models that read tagged prompts, as adlib's own does; "
        "with templates, say it in their words");
  }
  templates = cw::load_templates(directory, copy);
  return {customers, products, templates, copy};
}

int run(Options options, const Console& console) {
  if (options.model.empty()) options.model = own_model().string();
  if (options.resume && (options.output.empty() || options.output == "-")) {
    throw UsageError("--resume needs --output FILE, to go on with");
  }
  if (options.products == "-" && options.customers == "-") {
    throw UsageError("only one of --products and --customers can be stdin");
  }
  check(options.generation);
  if (options.generation.num_return_sequences.value_or(1) != 1) {
    throw UsageError("write makes one text for each job: --num-return-sequences must be 1");
  }
  if (!options.currency.empty() && !cw::is_currency(options.currency)) {
    throw UsageError("--currency is '" + options.currency + "', expected an ISO 4217 code such as CNY");
  }
  // Everything that can be wrong with the input is found before the model is loaded.
  const cw::CopyOptions copy = copy_options(options);
  const std::filesystem::path rules = rules_folder(options.rules);
  const cw::Privacy privacy = make_privacy(rules, options.allow);
  const cw::ReadOptions reading{.currency = options.currency};
  const auto products = read<cw::Product>(options.products, reading, cw::read_products, cw::read_products);
  const auto customers =
      permitted(read<cw::Customer>(options.customers, reading, cw::read_customers, cw::read_customers),
                privacy, console);
  cw::Templates templates;
  const cw::CopyJobs jobs = make_jobs(customers, products, templates, options, copy);
  std::optional<cw::Guard> guard;
  cw::CopyForm form{.field = {}, .ending = options.ending};
  if (!options.fit.empty())
    form.field = cw::find_channel(cw::read_channels(rules / "channels.toml"), options.fit);
  if (!options.no_guard && templates.empty()) guard.emplace(rules, form);
  if (!guard && (form.field || !form.ending.empty()))
    throw UsageError(
        "--fit and --ending need tagged prompts and the rules: leave --templates and --no-guard out");

  const Generator generator = Generator::from_directory(options.model, load_options(options.load, console));
  const GenerationConfig config = generation_config(options.generation, generator);
  if (guard && config.num_beams > 1) {
    throw UsageError("beams cannot keep to the rules for copy; leave --num-beams out, or give --no-guard");
  }
  if (is_untrained(options.model)) {
    console.warn(options.model + " holds untrained weights: the texts are noise, only the path is real");
  }
  console.note(counted(jobs.size(), "text") + " to write (" + counted(customers.size(), "customer") + ", " +
               counted(products.size(), "product") + "), seed " + std::to_string(copy.seed));
  const Clock::time_point start = Clock::now();
  RecordOutput output(options.output, options.resume);
  const cw::DoneJobs done = options.resume ? cw::done_jobs(*output.sink(), jobs) : cw::DoneJobs{};
  EngineProgress progress(console, options.engine.progress, jobs.size() - std::ssize(done));
  const Writer writer(generator, config, engine_options(options.engine, progress), guard ? &*guard : nullptr);
  const auto emit = [&](const cw::OrderedJson& record) {
    output.write(record);
    progress.done();
    return true;
  };
  const cw::CopySummary summary = cw::write_copies(jobs, writer.begin(), writer.ahead(), emit, done);
  output.finish();
  progress.finish();
  report(summary, start, console);
  return 0;
}

}  // namespace

void add_write(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("write", "Write personalised copy for customers and products");
  command
      ->add_option("--model", options->model,
                   "A checkpoint directory in the Hugging Face layout; default: adlib's own model")
      ->type_name("DIR");
  const std::string input = "Input and output";
  command
      ->add_option("--products", options->products,
                   "Products: JSON Lines, CSV, a Shopify export, or a behaviour log; '-' is stdin")
      ->type_name("FILE")
      ->required()
      ->group(input);
  command
      ->add_option("--customers", options->customers,
                   "Customers: JSON Lines, CSV, or a behaviour log (its users); '-' is stdin")
      ->type_name("FILE")
      ->required()
      ->group(input);
  command
      ->add_option("--currency", options->currency, "Currency of prices whose source names none, such as EUR")
      ->type_name("CODE")
      ->group(input);
  command
      ->add_option("-o,--output", options->output,
                   "Write to a file, which appears when all is done; default stdout")
      ->type_name("FILE")
      ->group(input);
  command->add_flag("--resume", options->resume, "Go on with what an interrupted run left beside --output")
      ->group(input);
  const std::string what = "What to write";
  command->add_option("--scene", options->scenes, "The occasion; several are separated by commas")
      ->check(CLI::IsMember({"recommendation", "promotion", "member", "social", "ad"}))
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->capture_default_str()
      ->group(what);
  command->add_option("--language", options->languages, "The language; several are separated by commas")
      ->check(CLI::IsMember({"zh", "en"}))
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->capture_default_str()
      ->group(what);
  command
      ->add_option("--channel", options->channel,
                   "Where the copy is shown, for models that read tagged prompts; default: the model chooses")
      ->check(CLI::IsMember({"push", "sms", "email", "chat", "feed", "detail", "banner"}))
      ->group(what);
  command->add_option("--tone", options->tone, "How it sounds, for the same models")
      ->check(CLI::IsMember({"plain", "warm", "playful", "elegant", "energetic", "expert"}))
      ->group(what);
  command
      ->add_option("--pairing", options->pairing,
                   "Every customer with every product, or first with first, second with second")
      ->check(CLI::IsMember({"all", "zip"}))
      ->capture_default_str()
      ->group(what);
  command->add_option("--limit", options->limit, "Write at most this many texts; 0 is all")
      ->check(CLI::Range(std::int64_t{0}, std::int64_t{1'000'000'000}))
      ->type_name("N")
      ->capture_default_str()
      ->group(what);
  command
      ->add_option(
          "--templates", options->templates,
          "Prompt templates, LANGUAGE/SCENE.txt; default: tagged prompts for models that read those, "
          "adlib's own templates for others")
      ->type_name("DIR")
      ->group(what);
  command
      ->add_option("--allow", options->allow,
                   "What the campaign may use of a customer beside the ordinary: age, gender, finance, or "
                   "what is sensitive, such as health; several are separated by commas; default: none of it")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->type_name("NAME")
      ->group(what);
  command
      ->add_option("--rules", options->rules,
                   "The rules: for copy from tagged prompts, and what is sensitive; default: adlib's own")
      ->type_name("DIR")
      ->group(what);
  command
      ->add_option(
          "--fit", options->fit,
          "Hold every copy to the length of this field, such as vivo-push; 'adlib check --list-channels' "
          "shows them all")
      ->type_name("ID")
      ->group(what);
  command
      ->add_option(
          "--ending", options->ending,
          "Close every copy with this, such as a way to opt out or a label; may be given several times")
      ->type_name("TEXT")
      ->group(what);
  command
      ->add_flag(
          "--no-guard", options->no_guard,
          "Let the model write numbers that the prompt does not have: for evaluation, not to be published")
      ->group(what);
  add_engine_flags(*command, options->engine);
  add_load_flags(*command, options->load);
  add_generation_flags(*command, options->generation, "0 without it");
  command->footer(
      "Examples:\n"
      "  adlib write --products products.csv --customers customers.jsonl --language en\n"
      "  adlib write --model mine --products shopify_export.csv --customers user_behavior.csv \\\n"
      "      --scene recommendation,promotion --limit 20 --output copies.jsonl\n\n"
      "Writes a JSON object a line: customer, product, scene, language, channel, tone, prompt, text, seed, "
      "model, "
      "prompt_tokens,\n"
      "generated_tokens, seconds, finish_reason, guarded, personalised. Tokens are drawn unless "
      "--no-do-sample is given.\n"
      "The seed of each text comes from --seed (0 without it), customer, product, scene and language, so "
      "that it does not\n"
      "depend on what else is written. A field that a template uses and a record lacks is an error with "
      "file and line,\n"
      "found before the model is loaded. A customer who opted out (personalised: false) or is under 18 gets "
      "a text of the\n"
      "product alone.");
  command->callback(
      [options, &session] { session.job = [options, &session] { return run(*options, session.console); }; });
}

}  // namespace adlib::cli
