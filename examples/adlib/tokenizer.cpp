// adlib tokenizer train: a SentencePiece vocabulary from texts.
#include "adlib/tokenizer/sentencepiece_trainer.h"

#include <algorithm>

#include "adlib/core/random.h"
#include "adlib/io/json.h"
#include "adlib/tokenizer/tokenizer.h"
#include "app.h"

namespace adlib::cli {
namespace {

struct TokenizerOptions {
  std::string dir;
  std::vector<std::string> files;
  std::vector<std::string> fields = {"prompt", "completion", "text", "chosen", "rejected"};
  std::string model = "bpe";
  std::string tags_file;
  std::uint64_t max_bytes = 1'000'000'000;
  bool join_digits = false;
  bool force = false;
  SentencePieceOptions vocabulary;
};

/// Texts up to max_bytes in all: of more, an even and repeatable selection.
class TrainingTexts {
 public:
  explicit TrainingTexts(const TokenizerOptions& options) : options_(options) {
    std::uintmax_t total = 0;
    for (const std::string& file : options.files) {
      std::error_code error;
      const std::uintmax_t size = std::filesystem::file_size(file, error);
      if (error) fail(ErrorCode::not_found, file, ": cannot be opened for reading: ", error.message());
      total += size;
    }
    kept_ = total <= options.max_bytes ? 1.0
                                       : static_cast<double>(options.max_bytes) / static_cast<double>(total);
    for (const std::string& file : options.files) read(file);
  }
  /// Hands them out, from first to last.
  bool next(std::string& text) {
    if (at_ == texts_.size()) return false;
    text = std::move(texts_[at_++]);
    return true;
  }
  std::size_t count() const { return texts_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  void read(const std::string& file) {
    with_input(file, [&](std::istream& in, const std::string& where) {
      if (std::filesystem::path(file).extension() == ".txt") {
        std::string line;
        while (std::getline(in, line)) {
          if (line.ends_with('\r')) line.pop_back();
          add(std::move(line));
        }
        return;
      }
      io::for_each_json_line(in, where, [&](io::Json&& object, std::int64_t number) {
        bool found = false;
        for (const std::string& field : options_.fields) {
          const auto value = object.find(field);
          if (value == object.end() || !value->is_string()) continue;
          found = true;
          add(std::move(value->get_ref<std::string&>()));
        }
        if (found) return;
        std::string names;
        for (const std::string& field : options_.fields) names += (names.empty() ? "'" : ", '") + field + "'";
        fail(ErrorCode::bad_format, where, ":", number, ": none of the fields ", names,
             " is a text here; name the right ones with --field");
      });
    });
  }
  void add(std::string text) {
    if (text.empty() || Philox(0).uniform(seen_++) >= kept_) return;
    bytes_ += text.size();
    texts_.push_back(std::move(text));
  }

  const TokenizerOptions& options_;
  double kept_ = 1;
  std::uint64_t seen_ = 0;
  std::vector<std::string> texts_;
  std::size_t bytes_ = 0;
  std::size_t at_ = 0;
};

int run_tokenizer(TokenizerOptions& options, const Console& console) {
  if (std::filesystem::exists(std::filesystem::path(options.dir) / "tokenizer.model") && !options.force) {
    fail(ErrorCode::invalid_argument, options.dir, ": holds a tokenizer.model already; --force replaces it");
  }
  SentencePieceOptions& vocabulary = options.vocabulary;
  vocabulary.model =
      options.model == "bpe" ? SentencePieceOptions::Model::bpe : SentencePieceOptions::Model::unigram;
  vocabulary.split_digits = !options.join_digits;
  if (!options.tags_file.empty()) {
    with_input(options.tags_file, [&](std::istream& in, const std::string&) {
      for (std::string line; std::getline(in, line);) {
        if (line.ends_with('\r')) line.pop_back();
        if (!line.empty()) vocabulary.tags.push_back(line);
      }
    });
  }
  TrainingTexts texts(options);
  console.note(concat("learning ", vocabulary.vocab_size, " ids from ", texts.count(), " texts of ",
                      texts.bytes(), " bytes"));
  const std::string model =
      train_sentencepiece([&](std::string& text) { return texts.next(text); }, vocabulary);
  write_sentencepiece_files(options.dir, model, vocabulary);
  const auto tokenizer = Tokenizer::from_directory(options.dir);  // what was written can be read
  console.note(concat("wrote ", options.dir, ": ", options.model, ", ", tokenizer->vocab_size(), " ids, ",
                      vocabulary.tags.size(), " tags"));
  return 0;
}

}  // namespace

void add_tokenizer(CLI::App& app, Session& session) {
  CLI::App* group = add_group(app, session, "tokenizer", "Make tokenizers", "'adlib tokenizer train'");
  auto options = std::make_shared<TokenizerOptions>();
  CLI::App* command = group->add_subcommand("train", "Learn a SentencePiece vocabulary from texts");
  command
      ->add_option("DIR", options->dir, "The directory to write tokenizer.model into, with its config files")
      ->type_name("DIR")
      ->required();
  command->add_option("FILE", options->files, "Texts: JSON Lines, or plain text (.txt) with one a line")
      ->type_name("FILE")
      ->required();
  command->add_option("--vocab-size", options->vocabulary.vocab_size, "How many ids there are, all told")
      ->check(CLI::Range(1, 1 << 20))
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--model", options->model, "How the vocabulary is learned and texts are cut")
      ->check(CLI::IsMember({"bpe", "unigram"}))
      ->capture_default_str();
  command->add_option("--field", options->fields, "The fields of a JSON line to learn from")
      ->type_name("NAME")
      ->capture_default_str();
  command
      ->add_option("--tag", options->vocabulary.tags,
                   "A mark of prompts, such as '<title>', that gets one id")
      ->type_name("TAG");
  command->add_option("--tags-from", options->tags_file, "The same from a file, one a line")
      ->type_name("FILE");
  command
      ->add_option("--character-coverage", options->vocabulary.character_coverage,
                   "The share of characters with an id of their own; the rarest become bytes")
      ->check(CLI::Range(0.98, 1.0))
      ->type_name("SHARE")
      ->capture_default_str();
  command->add_flag("--join-digits", options->join_digits,
                    "Let numbers be pieces; by default each digit is one");
  command->add_flag("--add-bos", options->vocabulary.add_bos, "Put <s> in front of a text");
  command
      ->add_option("--max-bytes", options->max_bytes,
                   "Learn from about this much text, chosen evenly of more")
      ->type_name("N")
      ->capture_default_str();
  command->add_flag("--force", options->force, "Replace the tokenizer.model that is there");
  command->footer(
      "Examples:\n"
      "  adlib tokenizer train tokenizer copy.jsonl --tag '<title>' --tag '<copy>'\n"
      "  adlib tokenizer train tokenizer corpus.txt --vocab-size 32000 --character-coverage 0.9995\n\n"
      "Text is not normalised, white space stays as it is, and what has no id becomes bytes: every text "
      "comes\n"
      "back byte for byte. The same texts and options give the same files. transformers' AutoTokenizer "
      "reads\n"
      "the directory.");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_tokenizer(*options, session.console); };
  });
}

}  // namespace adlib::cli
