// adlib tokenize: text to token ids and back.
#include <charconv>
#include <sstream>
#include <vector>

#include "adlib/io/json.h"
#include "adlib/tokenizer/tokenizer.h"
#include "app.h"

namespace adlib::cli {
namespace {

struct TokenizeOptions {
  std::string dir;
  std::vector<std::string> words;
  std::string input;
  std::string output;
  bool whole = false;
  bool decode = false;
  bool ids = false;
  bool pieces = false;
  bool json = false;
  bool special = false;
  bool data = false;
  bool check = false;
};

std::vector<TokenId> parse_ids(const std::string& text, const std::string& where) {
  std::vector<TokenId> ids;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == ',' || *at == '\t' || *at == '[' || *at == ']' || *at == '\r' || *at == '\n') {
      ++at;
      continue;
    }
    TokenId id = 0;
    const auto [next, error] = std::from_chars(at, end, id);
    if (error != std::errc{}) {
      fail(ErrorCode::bad_format, where, ": '", std::string(at, end).substr(0, 20),
           "' is no token id; expected integers");
    }
    ids.push_back(id);
    at = next;
  }
  return ids;
}

class Run {
 public:
  Run(const TokenizeOptions& options, const Tokenizer& tokenizer, Output& output)
      : options_(options), tokenizer_(tokenizer), output_(output) {}

  void text(const std::string& text, const std::string& where) {
    if (options_.decode) {
      const std::string decoded = tokenizer_.decode(parse_ids(text, where), !options_.special);
      output_.write(options_.json ? dump({{"text", decoded}}) : decoded + "\n");
      return;
    }
    const std::vector<TokenId> ids = options_.data      ? tokenizer_.encode_text(text)
                                     : options_.special ? tokenizer_.encode_with_special(text)
                                                        : tokenizer_.encode(text);
    if (options_.check) {
      ++texts_;
      const bool same = tokenizer_.decode(options_.data ? ids : tokenizer_.encode(text), false) == text;
      if (!same) {
        ++changed_;
        output_.write(where + ": the text changes on its way through ids and back\n");
      }
      return;
    }
    write(text, ids);
  }
  int finish(const Console& console) const {
    if (!options_.check) return 0;
    console.note(std::to_string(texts_ - changed_) + " of " + std::to_string(texts_) +
                 " texts come back byte for byte");
    return changed_ == 0 ? 0 : 1;
  }

 private:
  static std::string dump(const io::Json& json) {
    return json.dump(-1, ' ', false, io::Json::error_handler_t::replace) + "\n";
  }

  void write(const std::string& text, const std::vector<TokenId>& ids) {
    if (options_.json) {
      io::Json pieces = io::Json::array();
      for (const TokenId id : ids) pieces.push_back(tokenizer_.id_to_token(id));
      output_.write(dump({{"text", text}, {"ids", ids}, {"pieces", pieces}}));
      return;
    }
    std::ostringstream line;
    if (options_.pieces) {  // a token a line, since a piece may hold a space
      for (const TokenId id : ids) {
        if (options_.ids) line << id << '\t';
        line << tokenizer_.id_to_token(id) << '\n';
      }
    } else {
      for (std::size_t i = 0; i < ids.size(); ++i) line << (i == 0 ? "" : " ") << ids[i];
      line << '\n';
    }
    output_.write(line.str());
  }

  const TokenizeOptions& options_;
  const Tokenizer& tokenizer_;
  Output& output_;
  std::int64_t texts_ = 0;
  std::int64_t changed_ = 0;
};

int run_tokenize(const TokenizeOptions& options, const Console& console) {
  if (options.words.empty() == options.input.empty()) {
    throw UsageError("give either a text or --input FILE ('-' is stdin)");
  }
  if (options.data && (options.special || options.decode)) {
    throw UsageError("--as-data excludes --special and --decode");
  }
  if (options.check && options.decode) throw UsageError("--check and --decode exclude each other");
  const auto tokenizer = Tokenizer::from_directory(options.dir);
  Output output(options.output);
  Run texts(options, *tokenizer, output);
  if (!options.words.empty()) {
    std::string text;
    for (const std::string& word : options.words) text += (text.empty() ? "" : " ") + word;
    texts.text(text, "text");
  } else {
    with_input(options.input, [&](std::istream& in, const std::string& where) {
      if (options.whole) {
        texts.text(std::string(std::istreambuf_iterator<char>(in), {}), where);
        return;
      }
      std::string line;
      for (std::int64_t number = 1; std::getline(in, line); ++number)
        texts.text(line, where + ":" + std::to_string(number));
    });
  }
  output.commit();
  return texts.finish(console);
}

}  // namespace

void add_tokenize(CLI::App& app, Session& session) {
  auto options = std::make_shared<TokenizeOptions>();
  CLI::App* command = app.add_subcommand("tokenize", "Turn text into token ids, or ids into text");
  command
      ->add_option("DIR", options->dir,
                   "A directory with tokenizer.json, vocab.json and merges.txt, tokenizer.model or vocab.txt")
      ->type_name("DIR")
      ->required();
  command
      ->add_option("TEXT", options->words,
                   "The text, or the ids with --decode; several words are joined by spaces")
      ->type_name("TEXT");
  command->add_option("-i,--input", options->input, "Read texts from a file, one a line; '-' is stdin")
      ->type_name("FILE");
  command->add_option("-o,--output", options->output, "Write to a file, which appears when all is done")
      ->type_name("FILE");
  command->add_flag("--whole", options->whole, "The input is one text, newlines included");
  command->add_flag("--decode", options->decode, "The input is ids; write their text");
  command->add_flag("--ids", options->ids,
                    "Write ids, a line for each text (the default); with --pieces, both");
  command->add_flag("--pieces", options->pieces, "Write tokens as the vocabulary spells them, one a line");
  command->add_flag("--json", options->json, "Write a JSON object for each text: text, ids, pieces");
  command->add_flag("--special", options->special, "With the tokens that the tokenizer puts around a text");
  command->add_flag("--as-data", options->data,
                    "As a field of a prompt: nothing in the text becomes a special token or tag");
  command->add_flag("--check", options->check,
                    "Write only the places of texts that do not come back byte for byte; exit 1 if any");
  command->footer(
      "Examples:\n"
      "  adlib tokenize model 'Hello world'                 ids on one line\n"
      "  adlib tokenize model 'Hello world' --ids --pieces  a token a line\n"
      "  adlib tokenize model --decode '15496 995'          back to text\n"
      "  adlib tokenize model --input corpus.txt --check    does every line survive the round trip?");
  command->callback([options, &session] {
    session.job = [options, &session] { return run_tokenize(*options, session.console); };
  });
}

}  // namespace adlib::cli
