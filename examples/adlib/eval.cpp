// adlib eval: how good a model is, and how good texts are.
#include <memory>
#include <optional>

#include "adlib/models/checkpoint.h"
#include "eval_model.h"
#include "eval_report.h"
#include "eval_texts.h"

namespace adlib::cli {
namespace {

struct EvalOptions {
  std::string model;
  std::string data, texts, references;
  std::string field, reference_field;
  std::string language = "auto";
  std::int64_t sample = 0;
  std::uint64_t seed = 0;
  std::int64_t characters = 0;
  bool generate = false;
  bool no_eos = false;
  std::int64_t window = 0, stride = 0;
  std::string against;
  std::int64_t max_new_tokens = 128;
  std::string output;
  bool personalisation = false;
  std::string products, customers, templates, currency;
  std::vector<std::string> scenes = {"recommendation"};
  std::string format = "text";
  LoadFlags load;
};

void check(const EvalOptions& options) {
  const bool texts = !options.texts.empty(), data = !options.data.empty();
  const auto needs = [](bool given, bool there, const char* message) {
    if (given && !there) throw UsageError(message);
  };
  if (!texts && !data && !options.personalisation && options.model.empty()) {
    throw UsageError(
        "there is nothing to measure: give MODEL_DIR with --data FILE or --personalisation, or --texts FILE");
  }
  needs(data || options.personalisation, !options.model.empty(),
        "--data and --personalisation need MODEL_DIR, the model to measure");
  needs(!options.model.empty(), data || options.personalisation,
        "a model is measured with --data FILE or --personalisation; --texts needs none");
  needs(texts, !data && !options.personalisation,
        "--texts goes without a model: it excludes --data and --personalisation");
  needs(options.generate || options.window > 0 || options.stride > 0 || options.no_eos ||
            !options.against.empty(),
        data, "--generate, --window, --stride, --no-eos and --against need --data FILE");
  needs(!options.output.empty(), options.generate, "--output holds what --generate writes: give both");
  needs(!options.references.empty(), texts, "--references are for --texts; --data brings its own");
  needs(!options.reference_field.empty(), !options.references.empty(),
        "--reference-field needs --references FILE");
  needs(options.personalisation, !options.products.empty() && !options.customers.empty(),
        "--personalisation needs --products FILE and --customers FILE");
  needs(!options.products.empty() || !options.customers.empty(), options.personalisation,
        "--products and --customers are for --personalisation");
  needs(options.texts == "-", options.references != "-", "only one of --texts and --references can be stdin");
}

const std::vector<std::string>& text_fields() {
  static const std::vector<std::string> fields = {"text", "completion"};
  return fields;
}
const std::vector<std::string>& completion_fields() {
  static const std::vector<std::string> fields = {"completion", "text"};
  return fields;
}

std::vector<std::size_t> sample_of(const EvalOptions& options, std::size_t size) {
  return draw_sample(size, options.sample > 0 ? static_cast<std::size_t>(options.sample) : size,
                     options.seed);
}

void measure_texts(Report& report, const EvalOptions& options) {
  std::vector<EvalRecord> texts = read_records(options.texts, options.field, text_fields());
  std::vector<EvalRecord> references;
  if (!options.references.empty()) {
    references = read_records(options.references, options.reference_field, completion_fields());
    require(references.size() == texts.size(), options.references, ": holds ", references.size(),
            " references, expected one for each of the ", texts.size(), " texts of ", options.texts,
            ", in the same order");
  }
  const std::vector<std::size_t> sample = sample_of(options, texts.size());
  texts = picked(texts, sample);
  if (!references.empty()) references = picked(references, sample);
  add_text_sections(report, texts, references, options.language, options.characters);
}

void measure_generated(Report& report, const EvalOptions& options, const Generator& generator,
                       const std::vector<EvalRecord>& records, const Console& console) {
  std::vector<GreedyPrompt> prompts;
  for (const EvalRecord& record : records) {
    if (!record.prompt) {
      fail(ErrorCode::bad_format, record.where,
           ": field 'prompt' is missing, from which --generate would write");
    }
    prompts.push_back({record.where, generator.tokenizer().encode_with_special(*record.prompt)});
  }
  std::vector<EvalRecord> written = records;
  const std::vector<std::string> texts = write_greedily(generator, prompts, options.max_new_tokens, console);
  for (std::size_t i = 0; i < written.size(); ++i) written[i].text = texts[i];
  if (!options.output.empty()) {
    Output output(options.output);
    for (std::size_t i = 0; i < written.size(); ++i) {
      const nlohmann::ordered_json line = {
          {"prompt", *records[i].prompt}, {"text", texts[i]}, {"completion", records[i].text}};
      output.write(line.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
    }
    output.commit();
  }
  add_text_sections(report, written, records, options.language, options.characters);
}

void measure_model(Report& report, const EvalOptions& options, const Console& console) {
  // What can be wrong with the input is found before the model is loaded.
  std::vector<EvalRecord> records;
  if (!options.data.empty()) {
    records = read_records(options.data, options.field, completion_fields());
    records = picked(records, sample_of(options, records.size()));
  }
  std::unique_ptr<PersonalisationRun> personalisation;
  if (options.personalisation) {
    personalisation = std::make_unique<PersonalisationRun>(
        PersonalisationInput{.products = options.products,
                             .customers = options.customers,
                             .scenes = options.scenes,
                             .languages = {options.language == "auto" ? "zh" : options.language},
                             .templates = prompt_templates(options.templates, options.model),
                             .currency = options.currency});
  }
  const Generator generator = Generator::from_directory(options.model, load_options(options.load, console));
  if (is_untrained(options.model))
    console.warn(options.model + " holds untrained weights: the figures are of noise");
  if (!records.empty()) {
    std::optional<Decoder> against;
    if (!options.against.empty()) {
      LoadFlags load = options.load;
      load.weights = options.against;
      against = load_decoder(options.model, load_options(load, console));
    }
    add_perplexity(report, generator, against ? &*against : nullptr, records,
                   {.eos = !options.no_eos, .window = options.window, .stride = options.stride}, console);
    if (options.generate) measure_generated(report, options, generator, records, console);
  }
  if (personalisation) personalisation->add_to(report, generator, options.max_new_tokens, console);
}

int run_eval(const EvalOptions& options, const Console& console) {
  check(options);
  Report report;
  if (options.texts.empty()) {
    measure_model(report, options, console);
  } else {
    measure_texts(report, options);
  }
  Output output("-");
  output.write(format_report(report, options.format));
  output.commit();
  return 0;
}

}  // namespace

void add_eval(CLI::App& app, Session& session) {
  auto options = std::make_shared<EvalOptions>();
  CLI::App* command = app.add_subcommand("eval", "Measure a model, or texts");
  command->add_option("MODEL_DIR", options->model, "A checkpoint directory in the Hugging Face layout")
      ->type_name("DIR");
  const CLI::Range count(std::int64_t{0}, std::int64_t{1'000'000'000});
  const std::string what = "What to measure";
  command
      ->add_option("--data", options->data,
                   "Perplexity on JSON Lines of {\"prompt\", \"completion\"} or {\"text\"}; '-' is stdin")
      ->type_name("FILE")
      ->group(what);
  command
      ->add_flag("--generate", options->generate,
                 "Also write a completion of each prompt, greedily, and compare it with the one in --data")
      ->group(what);
  command->add_option("--texts", options->texts, "Texts alone: JSON Lines with \"text\"; '-' is stdin")
      ->type_name("FILE")
      ->group(what);
  command
      ->add_option("--references", options->references,
                   "What --texts should have been: JSON Lines, one a text, in the same order")
      ->type_name("FILE")
      ->group(what);
  command
      ->add_flag("--personalisation", options->personalisation,
                 "Write copy for every customer and product, greedily, and see what the customer changes")
      ->group(what);
  const std::string reading = "Reading";
  command->add_option("--field", options->field, "The field of --data or --texts that holds the text")
      ->type_name("NAME")
      ->group(reading);
  command->add_option("--reference-field", options->reference_field, "The field of --references")
      ->type_name("NAME")
      ->group(reading);
  command->add_option("--sample", options->sample, "Draw this many lines; 0 is all")
      ->check(count)
      ->type_name("N")
      ->capture_default_str()
      ->group(reading);
  command->add_option("--seed", options->seed, "Of that draw")
      ->check(check_seed)
      ->type_name("N")
      ->capture_default_str()
      ->group(reading);
  command
      ->add_option("--language", options->language,
                   "Of the texts; auto tells it from each, and is zh for --personalisation")
      ->check(CLI::IsMember({"auto", "zh", "en"}))
      ->capture_default_str()
      ->group(reading);
  command
      ->add_option(
          "--cut", options->characters,
          "Also count distinct-2 after a cut to so many characters in all; 0 is the shorter of texts and "
          "references")
      ->check(count)
      ->type_name("N")
      ->capture_default_str()
      ->group(reading);
  command->add_flag("--no-eos", options->no_eos, "Do not count the end-of-text token behind each text")
      ->group("Model");
  command->add_option("--window", options->window, "Tokens read at once of a long text; 0 is the context")
      ->check(count)
      ->type_name("N")
      ->capture_default_str()
      ->group("Model");
  command->add_option("--stride", options->stride, "Tokens by which the window moves on; 0 is half of it")
      ->check(count)
      ->type_name("N")
      ->capture_default_str()
      ->group("Model");
  command
      ->add_option("--against", options->against,
                   "With --data: also read it with weights in this format (see --weights; same is the "
                   "file's), and tell how "
                   "often both find the same token likeliest")
      ->check([](const std::string& text) { return check_format(text, /*quantized_only=*/false); })
      ->type_name("FORMAT")
      ->group("Model");
  command
      ->add_option("--max-new-tokens", options->max_new_tokens, "The most tokens of a text that is written")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000}))
      ->type_name("N")
      ->capture_default_str()
      ->group("Model");
  add_load_flags(*command, options->load);
  const std::string shop = "For --personalisation";
  command->add_option("--products", options->products, "Products, as adlib write reads them")
      ->type_name("FILE")
      ->group(shop);
  command->add_option("--customers", options->customers, "Customers, as adlib write reads them; 4 or more")
      ->type_name("FILE")
      ->group(shop);
  command->add_option("--currency", options->currency, "Currency of prices whose source names none")
      ->type_name("CODE")
      ->group(shop);
  command->add_option("--scene", options->scenes, "The occasion; several are separated by commas")
      ->check(CLI::IsMember({"recommendation", "promotion", "member", "social", "ad"}))
      ->delimiter(',')
      ->expected(1)
      ->take_all()
      ->capture_default_str()
      ->group(shop);
  command
      ->add_option("--templates", options->templates,
                   "Prompt templates, LANGUAGE/SCENE.txt; default: as adlib write")
      ->type_name("DIR")
      ->group(shop);
  command->add_option("--format", options->format, "The report as text, markdown or json")
      ->check(CLI::IsMember({"text", "markdown", "json"}))
      ->capture_default_str()
      ->group("Output");
  command
      ->add_option("-o,--output", options->output,
                   "With --generate: the texts that were written, a JSON object a line")
      ->type_name("FILE")
      ->group("Output");
  command->footer(
      "Examples:\n"
      "  adlib eval model --data validation.jsonl\n"
      "  adlib eval model --data validation.jsonl --generate --sample 500 --output written.jsonl\n"
      "  adlib eval model --data validation.jsonl --dtype f32 --weights int8 --against same\n"
      "  adlib eval --texts copies.jsonl --references human.jsonl --format markdown\n"
      "  adlib eval model --personalisation --products products.csv --customers customers.jsonl\n\n"
      "BLEU, ROUGE and chrF go from 0 to 100, shares and distinct-n from 0 to 1. The facts of a text are "
      "checked "
      "against\n"
      "\"prompt\" and \"attributes\" ({\"name\": \"value\" or a list}) of its line, or else of its "
      "reference's. Every "
      "measure is\n"
      "defined in docs/training.md.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_eval(*options, session.console); };
  });
}

}  // namespace adlib::cli
