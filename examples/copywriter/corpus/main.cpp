// adlib-corpus: writes the corpus that the shipped model learns from, and pairs that it has not seen.
#include <exception>
#include <iostream>

#include <CLI/CLI.hpp>

#include "adlib/io/atomic_file.h"
#include "copywriter/corpus/example.h"
#include "copywriter/corpus/pairs.h"
#include "copywriter/corpus/sentences.h"

namespace adlib::copywriter::corpus {
namespace {

constexpr std::int64_t kProgressExamples = 10'000;

struct Options {
  std::string texts = "examples/copywriter/corpus";
  std::string output;
  std::int64_t examples = 0;
  std::uint64_t seed = 1;
  std::string language;
  std::string unlike;
  bool held_out = false;
};

// What the folder of texts holds.
struct Texts {
  explicit Texts(const std::filesystem::path& directory)
      : zh(Lexicon::from_directory(directory, Language::zh)),
        en(Lexicon::from_directory(directory, Language::en)),
        held_out(read_held_out(directory / "corpus.txt")) {}
  Lexicon zh, en;
  WorldOptions held_out;
};

void write(const Options& options) {
  const Texts texts(options.texts);
  const ExampleMaker maker(texts.zh, texts.en, texts.held_out);
  std::optional<Language> language;
  if (!options.language.empty()) language = parse_language(options.language);
  io::AtomicFile file(options.output);
  for (std::int64_t i = 0; i < options.examples; ++i) {
    file.write(training_record(maker.make(options.seed, static_cast<std::uint64_t>(i), language)).dump() +
               "\n");
    if ((i + 1) % kProgressExamples == 0) std::cerr << i + 1 << " of " << options.examples << " examples\n";
  }
  file.commit();
}

void write_sentences(const Options& options) {
  const Texts texts(options.texts);
  io::AtomicFile file(options.output);
  for_each_sentence(texts.zh, texts.en, texts.held_out, options.seed, [&](const std::string& text) {
    file.write(OrderedJson{{"text", text}}.dump() + "\n");
  });
  file.commit();
}

void write_pairs(const Options& options) {
  const Texts texts(options.texts);
  WorldOptions world = texts.held_out;
  world.held_out = options.held_out;
  world.invented_values = 1;
  PairOptions pairs{parse_language(options.language), options.examples, options.seed, {}};
  if (!options.unlike.empty()) pairs.unlike = facts_of(options.unlike);
  write_pairs(ExampleMaker(texts.zh, texts.en, world), pairs, options.output);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Writes the corpus of adlib's own model", "adlib-corpus");
  app.require_subcommand(1);
  const auto add_command = [&](const char* name, const char* about, const char* output,
                               const char* about_output, void (*action)(const Options&)) {
    CLI::App* command = app.add_subcommand(name, about);
    command->add_option(output, options.output, about_output)->required();
    command->add_option("--texts", options.texts, "The folder with zh, en and corpus.txt")
        ->capture_default_str();
    command->add_option("--seed", options.seed, "Of all that is drawn")->capture_default_str();
    command->callback([&options, action] { action(options); });
    return command;
  };
  const auto add_examples = [&](CLI::App* command) {
    command->add_option("--examples", options.examples, "How many")->check(CLI::PositiveNumber)->required();
  };

  CLI::App* corpus = add_command("write", "Examples to learn from: JSON Lines of prompt and completion",
                                 "FILE", "Appears when it is whole", write);
  add_examples(corpus);
  corpus->add_option("--language", options.language, "zh or en; both without it")
      ->check(CLI::IsMember({"zh", "en"}));

  add_command("sentences", "Every sentence once: what a vocabulary is learned from", "FILE",
              "Appears when it is whole", write_sentences);

  CLI::App* pairs =
      add_command("pairs", "Products and customers to measure a model on, the n-th for the n-th", "DIR",
                  "Gets products.jsonl, customers.jsonl, corpus-copies.jsonl", write_pairs);
  add_examples(pairs);
  pairs->add_option("--language", options.language, "zh or en")
      ->check(CLI::IsMember({"zh", "en"}))
      ->required();
  pairs->add_option("--unlike", options.unlike,
                    "A corpus: no product has a name, brand or value that it has");
  pairs->add_flag("--held-out", options.held_out,
                  "Categories and kinds that the corpus leaves out, instead of the others");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return 0;
}

}  // namespace
}  // namespace adlib::copywriter::corpus

int main(int argc, char** argv) {
  try {
    return adlib::copywriter::corpus::run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "adlib-corpus: error: " << error.what() << "\n";
    return 1;
  }
}
