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
#include "copywriter/collect/read.h"
#include "copywriter/polish/check.h"
#include "copywriter/shop/money.h"
#include "copywriter/shop/text.h"
#include "copywriter/write/guarded_writer.h"
#include "copywriter/write/privacy.h"
#include "copywriter/write/text_writer.h"
#include "copywriter/write/write_copy.h"
#include "record_output.h"
#include "write_options.h"

namespace adlib::cli {

namespace cw = adlib::copywriter;

GenerationConfig copy_generation(GenerationFlags flags, const Generator& generator) {
  if (!flags.seed) flags.seed = 0;  // each copy has a seed of its own, made of this and of what it is about
  flags.num_return_sequences = 1;   // whatever generation_config.json says
  GenerationConfig config = apply(flags, generator.defaults(), generator.tokenizer());
  if (!flags.do_sample && config.num_beams == 1) config.do_sample = true;
  validate(config);
  return config;
}

cw::GuardedWriter::Options asking(const GenerationConfig& config) {
  if (!config.do_sample) return {};  // every attempt would stray at the same place
  const bool own = std::isfinite(config.logprob_threshold);
  return {.logprob_threshold = own ? config.logprob_threshold : cw::GuardedWriter::kLogprobThreshold};
}

cw::ShortenPrompt shortener(const Generator& generator, const GenerationConfig& config) {
  const std::int64_t context = generator.decoder().config().context, room = context - config.max_new_tokens;
  if (config.too_long != GenerationConfig::TooLong::error || 2 * room < context) return {};
  return [&generator, room](cw::TaggedPrompt& prompt) {
    return cw::shorten(prompt, static_cast<std::size_t>(room), generator.tokenizer());
  };
}

void warn_of_long(std::int64_t texts, const Console& console) {
  if (texts > 0)
    console.warn(counted(texts, "text") +
                 " left out: the product's title is longer than the model can read; give it a shorter one");
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

void check_model(const WriteOptions& options, const GenerationConfig& config, bool guarded,
                 const Console& console) {
  if (guarded && config.num_beams > 1)
    throw UsageError("beams cannot keep to the rules for copy; leave --num-beams out, or give --no-guard");
  if (is_untrained(options.model))
    console.warn(options.model + " holds untrained weights: the texts are noise, only the path is real");
}

namespace {

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

cw::CopyOptions copy_options(const WriteOptions& options) {
  cw::CopyOptions copy;
  copy.scenes.clear();
  copy.languages.clear();
  for (const std::string& scene : options.scenes) copy.scenes.push_back(cw::parse_scene(scene));
  for (const std::string& language : options.languages)
    copy.languages.push_back(cw::parse_language(language));
  if (options.channels.size() > 1 || options.tones.size() > 1)
    throw UsageError("several channels and tones need a store: adlib write STORE");
  if (!options.channels.empty()) {
    try {
      copy.channel = cw::parse_channel(options.channels.front());
    } catch (const Error& error) {
      throw UsageError(std::string("--channel: ") + error.what());
    }
  }
  if (!options.tones.empty()) copy.tone = cw::parse_tone(options.tones.front());
  copy.pairing = cw::parse_pairing(options.pairing);
  copy.limit = options.limit;
  copy.seed = options.generation.seed.value_or(0);
  copy.model = model_name(options.model);
  return copy;
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
  if (summary.unfit > 0)
    console.warn("of " + counted(summary.unfit, "text") +
                 " no attempt came out right; leave out the records with \"unfit\": true");
}

// Tagged prompts under the rules and held against the facts, where there are some; templates as they are.
cw::BeginText begin_text(cw::GuardedWriter& writer, const cw::Checker* checker, const WriteOptions& options) {
  return [&writer, checker, &options](const cw::CopyJob& job) {
    const bool tagged = !job.fields.empty();
    cw::GuardedWriter::Judge judge;
    if (checker != nullptr) {
      judge = [checker, product = job.product, customer = job.customer,
               language = job.language](const std::string& text) {
        return cw::keeps_to_facts(*checker, {.text = text,
                                             .language = language,
                                             .generated = true,
                                             .product = product,
                                             .customer = customer->personalised ? customer : nullptr,
                                             .unpersonalised = !customer->personalised});
      };
    }
    return writer.begin({.fields = job.fields,
                         .prompt = job.prompt,
                         .is_template = !tagged,
                         .language = job.language,
                         .unspoken = job.customer->unspoken,
                         .channel = options.fit,
                         .ending = options.ending,
                         .seed = job.seed,
                         .guarded = tagged && !options.no_guard},
                        std::move(judge));
  };
}

cw::CopyJobs make_jobs(const std::vector<cw::Customer>& customers, const std::vector<cw::Product>& products,
                       cw::Templates& templates, const WriteOptions& options, const cw::CopyOptions& copy) {
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

// Files or a store: what belongs to one of them is a mistake with the other.
void check_use(const WriteOptions& options) {
  const bool stored = !options.store.empty();
  const auto refuse = [&](const char* flag, bool given) {
    if (given)
      throw UsageError(std::string(flag) + (stored ? " is for copy from files; leave it or the store out"
                                                   : " needs a store: adlib write STORE"));
  };
  if (stored) {
    refuse("--products", !options.products.empty());
    refuse("--customers", !options.customers.empty());
    refuse("--output", !options.output.empty());
    refuse("--resume", options.resume);
    refuse("--fit", !options.fit.empty());
    refuse("--currency", !options.currency.empty());
    return;
  }
  refuse("--product", !options.product_ids.empty());
  refuse("--customer", !options.customer_ids.empty());
  refuse("--rewrite", options.rewrite);
  if (options.products.empty() || options.customers.empty())
    throw UsageError("--products FILE and --customers FILE are required, or a store");
}

int run_write(WriteOptions options, const Console& console) {
  if (options.model.empty()) options.model = own_model().string();
  check(options.generation);
  if (options.generation.num_return_sequences.value_or(1) != 1)
    throw UsageError("write makes one text for each job: --num-return-sequences must be 1");
  check_use(options);
  if (!options.store.empty()) return write_to_store(options, console);
  if (options.resume && (options.output.empty() || options.output == "-")) {
    throw UsageError("--resume needs --output FILE, to go on with");
  }
  if (options.products == "-" && options.customers == "-") {
    throw UsageError("only one of --products and --customers can be stdin");
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
  cw::CopyJobs jobs = make_jobs(customers, products, templates, options, copy);
  // Read before the model is loaded, so that mistakes show at once.
  const bool is_guarded = !options.no_guard && templates.empty();
  const auto rule_set = is_guarded ? std::make_shared<cw::RuleSet>(rules) : nullptr;
  std::optional<cw::Checker> checker;
  if (is_guarded) checker.emplace(rule_set, products);
  if (!options.fit.empty()) cw::find_channel(cw::read_channels(rules / "channels.toml"), options.fit);
  if (!is_guarded && (!options.fit.empty() || !options.ending.empty()))
    throw UsageError(
        "--fit and --ending need tagged prompts and the rules: leave --templates and --no-guard out");

  const Generator generator = Generator::from_directory(options.model, load_options(options.load, console));
  const GenerationConfig config = copy_generation(options.generation, generator);
  check_model(options, config, is_guarded, console);
  jobs.shorten_by(shortener(generator, config));
  console.note(counted(jobs.size(), "text") + " to write (" + counted(customers.size(), "customer") + ", " +
               counted(products.size(), "product") + "), seed " + std::to_string(copy.seed));
  const Clock::time_point start = Clock::now();
  RecordOutput output(options.output, options.resume);
  const cw::DoneJobs done = options.resume ? cw::done_jobs(*output.sink(), jobs) : cw::DoneJobs{};
  EngineProgress progress(console, options.engine.progress, jobs.size() - std::ssize(done));
  const cw::TextWriter writer(generator, config, engine_options(options.engine, progress));
  const auto emit = [&](const cw::OrderedJson& record) {
    output.write(record);
    progress.done();
    return true;
  };
  cw::GuardedWriter guarded(writer, rule_set, asking(config));
  const cw::CopySummary summary = cw::write_copies(
      jobs, begin_text(guarded, checker ? &*checker : nullptr, options), writer.ahead(), emit, done);
  output.finish();
  progress.finish();
  report(summary, start, console);
  warn_of_long(summary.too_long, console);
  return 0;
}

}  // namespace

void add_write(CLI::App& app, Session& session) {
  auto options = std::make_shared<WriteOptions>();
  CLI::App* command = app.add_subcommand("write", "Write personalised copy for customers and products");
  add_store(*command, options->store,
            "A campaign's file, made by 'adlib collect': copy for its customers is written there")
      .required(false);
  command
      ->add_option("--model", options->model,
                   "A checkpoint directory in the Hugging Face layout; default: adlib's own model")
      ->type_name("DIR");
  const std::string input = "Input and output";
  command
      ->add_option("--products", options->products,
                   "Products: JSON Lines, CSV, a Shopify export, or a behaviour log; '-' is stdin")
      ->type_name("FILE")
      ->group(input);
  command
      ->add_option("--customers", options->customers,
                   "Customers: JSON Lines, CSV, or a behaviour log (its users); '-' is stdin")
      ->type_name("FILE")
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
      ->add_option("--channel", options->channels,
                   "Where the copy is shown: push, sms, email, chat, feed, detail or banner, for models that "
                   "read tagged prompts; with a store ids of fields such as mi-push, which the copy fits "
                   "('adlib check --list-channels'), several separated by commas; default: the model chooses")
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->type_name("NAME")
      ->group(what);
  command
      ->add_option("--tone", options->tones,
                   "How it sounds, for the same models; with a store several, separated by commas, are "
                   "variants to choose from")
      ->check(CLI::IsMember({"plain", "warm", "playful", "elegant", "energetic", "expert"}))
      ->delimiter(',')
      ->expected(1)
      ->take_all()
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
      ->add_option("--ending", options->ending,
                   "Close every copy with this, such as a way to opt out or a label; may be given several "
                   "times; with a "
                   "store zh:TEXT and en:TEXT close the copy of one language")
      ->type_name("TEXT")
      ->group(what);
  command
      ->add_flag(
          "--no-guard", options->no_guard,
          "Let the model write numbers that the prompt does not have: for evaluation, not to be published")
      ->group(what);
  const std::string stored = "With a store";
  command
      ->add_flag("--rewrite", options->rewrite,
                 "Write texts anew that are there with another --ending and that nobody has decided on")
      ->group(stored);
  command
      ->add_option("--product", options->product_ids,
                   "Write about these products, by id; default: the one that was recommended to the customer")
      ->take_all()
      ->expected(1)
      ->delimiter(',')
      ->type_name("ID")
      ->group(stored);
  command->add_option("--customer", options->customer_ids, "Write for these customers, by id; default: all")
      ->take_all()
      ->expected(1)
      ->delimiter(',')
      ->type_name("ID")
      ->group(stored);
  command->add_option("--top", options->top, "Write about so many of the products recommended to a customer")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1000}))
      ->type_name("N")
      ->capture_default_str()
      ->group(stored);
  command->add_option("--variants", options->variants, "Texts of each tone, to choose from")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{100}))
      ->type_name("N")
      ->capture_default_str()
      ->group(stored);
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
      "generated_tokens, seconds, finish_reason, guarded, personalised and, where it is, unfit. Tokens are "
      "drawn unless "
      "--no-do-sample is given.\n"
      "The seed of each text comes from --seed (0 without it), customer, product, scene and language, so "
      "that it does not\n"
      "depend on what else is written. A field that a template uses and a record lacks is an error with "
      "file and line,\n"
      "found before the model is loaded. A customer who opted out (personalised: false) or is under 18 gets "
      "a text of the\n"
      "product alone.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_write(*options, session.console); };
  });
}

}  // namespace adlib::cli
