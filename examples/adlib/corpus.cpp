// adlib corpus: the examples that adlib's own model learned from, and pairs that it has not seen.
#include <optional>

#include "app.h"
#include "copywriter/corpus/example.h"
#include "copywriter/corpus/pairs.h"
#include "copywriter/corpus/sentences.h"

namespace adlib::cli {
namespace {

namespace cw = adlib::copywriter;
namespace cc = adlib::copywriter::corpus;

constexpr std::int64_t progress_examples = 10'000;

struct CorpusOptions {
  std::string texts, output, language, unlike;
  std::int64_t examples = 0;
  std::uint64_t seed = 1;
  int drafts = 1;
  bool held_out = false;
};

// What the folder of texts holds.
struct CorpusTexts {
  explicit CorpusTexts(const std::filesystem::path& directory)
      : zh(cc::Lexicon::from_directory(directory, cw::Language::zh)),
        en(cc::Lexicon::from_directory(directory, cw::Language::en)),
        held_out(cc::read_held_out(directory / "corpus.txt")) {}
  explicit CorpusTexts(const CorpusOptions& options)
      : CorpusTexts(options.texts.empty() ? own_corpus() : std::filesystem::path(options.texts)) {}
  cc::Lexicon zh, en;
  cc::WorldOptions held_out;
};

int write(const CorpusOptions& options, const Console& console) {
  const CorpusTexts texts(options);
  const cc::ExampleMaker maker(texts.zh, texts.en, texts.held_out, options.drafts);
  std::optional<cw::Language> language;
  if (!options.language.empty()) language = cw::parse_language(options.language);
  Output output(options.output);
  const Progress progress = console.progress("examples");
  for (std::int64_t i = 0; i < options.examples; ++i) {
    output.write(maker.record(options.seed, static_cast<std::uint64_t>(i), language).dump() + "\n");
    if (progress && (i + 1) % progress_examples == 0) progress(i + 1, options.examples);
  }
  output.commit();
  return 0;
}

int write_sentences(const CorpusOptions& options, const Console&) {
  const CorpusTexts texts(options);
  Output output(options.output);
  cc::for_each_sentence(texts.zh, texts.en, texts.held_out, options.seed, [&](const std::string& text) {
    output.write(cw::OrderedJson{{"text", text}}.dump() + "\n");
  });
  output.commit();
  return 0;
}

int write_pairs(const CorpusOptions& options, const Console&) {
  const CorpusTexts texts(options);
  cc::WorldOptions world = texts.held_out;
  world.held_out = options.held_out;
  world.invented_values = 1;
  cc::PairOptions pairs{cw::parse_language(options.language), options.examples, options.seed, {}};
  if (!options.unlike.empty()) pairs.unlike = cc::facts_of(options.unlike);
  cc::write_pairs(cc::ExampleMaker(texts.zh, texts.en, world), pairs, options.output);
  return 0;
}

CLI::App* add_command(CLI::App* group, Session& session, const std::shared_ptr<CorpusOptions>& options,
                      const char* name, const char* about,
                      int (*action)(const CorpusOptions&, const Console&)) {
  CLI::App* command = group->add_subcommand(name, about);
  command->add_option("--seed", options->seed, "Of all that is drawn")->type_name("N")->capture_default_str();
  command
      ->add_option("--texts", options->texts,
                   "The folder with zh, en and corpus.txt; default: that of adlib's own model")
      ->type_name("DIR");
  command->callback([options, &session, action] {
    session.job = [options, &session, action] { return action(*options, session.console); };
  });
  return command;
}

void add_count(CLI::App* command, CorpusOptions& options) {
  command->add_option("--examples", options.examples, "How many")
      ->check(CLI::Range(std::int64_t{1}, std::int64_t{1'000'000'000}))
      ->type_name("N")
      ->required();
}

CLI::Option* add_language(CLI::App* command, CorpusOptions& options, const char* about) {
  return command->add_option("--language", options.language, about)->check(CLI::IsMember({"zh", "en"}));
}

}  // namespace

void add_corpus(CLI::App& app, Session& session) {
  CLI::App* group = add_group(app, session, "corpus", "Make examples of copy for customers and products",
                              "'adlib corpus write', 'sentences' or 'pairs'");
  auto options = std::make_shared<CorpusOptions>();
  const char* file = "Appears when it is whole; '-' is stdout";

  CLI::App* corpus = add_command(group, session, options, "write",
                                 "Examples to learn from: JSON Lines of prompt and completion", write);
  corpus->add_option("FILE", options->output, file)->type_name("FILE")->required();
  add_count(corpus, *options);
  add_language(corpus, *options, "One language only");
  corpus
      ->add_option(
          "--drafts", options->drafts,
          "Of so many drafts of a copy take the first that says something of the customer's own behind "
          "its first clause")
      ->check(CLI::Range(1, 30))
      ->type_name("N")
      ->capture_default_str();
  corpus->footer(
      "Examples:\n"
      "  adlib corpus write replay.jsonl --examples 2000 --seed 7\n\n"
      "The same seed gives the same examples, and the first of more are those of fewer. None is of the "
      "categories and\n"
      "kinds of customer that corpus.txt holds out. docs/fine-tuning.md shows what they are good for.");

  CLI::App* sentences =
      add_command(group, session, options, "sentences",
                  "Every sentence once: what a vocabulary is learned from", write_sentences);
  sentences->add_option("FILE", options->output, file)->type_name("FILE")->required();

  CLI::App* pairs =
      add_command(group, session, options, "pairs",
                  "Products and customers to measure a model on, the n-th for the n-th", write_pairs);
  pairs->add_option("DIR", options->output, "Gets products.jsonl, customers.jsonl and corpus-copies.jsonl")
      ->type_name("DIR")
      ->required();
  add_count(pairs, *options);
  add_language(pairs, *options, "Of the products and customers")->required();
  pairs->add_option("--unlike", options->unlike, "A corpus: no product has a name, brand or value of it")
      ->type_name("FILE");
  pairs->add_flag("--held-out", options->held_out,
                  "Of the categories and kinds that are held out, instead of the others");
}

}  // namespace adlib::cli
