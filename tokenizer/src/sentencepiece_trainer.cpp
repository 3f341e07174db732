#include "adlib/tokenizer/sentencepiece_trainer.h"

#include <sentencepiece_processor.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <unordered_map>

#include "adlib/core/error.h"
#include "unicode.h"
#include "utf8.h"
#include "write_file.h"

namespace sentencepiece::logging {
void SetMinLogLevel(int level);  // exported by the library, declared in none of its installed headers
}

namespace adlib {
namespace {

constexpr std::string_view kUnderscore = "\xE2\x96\x81";  // ▁, which stands for a space in pieces
constexpr std::size_t kMostBytes = 4096;  // of a sentence; the BPE trainer stops the program at 65536

/// A sentence of one space comes first: the BPE trainer stops the program when a required character, which
/// "▁" is, does not occur. Then it cuts the texts into what the trainer takes for sentences. It splits at the
/// newline anyway, since that is a symbol of its own; a tab and NUL have a meaning of their own inside it,
/// and a written ▁ must not pass for a space.
class Sentences : public sentencepiece::SentenceIterator {
 public:
  explicit Sentences(const std::function<bool(std::string&)>& next) : next_(next) {}

  bool done() const override { return done_; }
  const std::string& value() const override { return sentence_; }
  sentencepiece::util::Status status() const override { return {}; }
  std::size_t texts() const { return texts_; }
  void Next() override {
    sentence_.clear();
    while (sentence_.empty()) {
      if (rest_.empty()) {
        if (!next_(text_)) {
          done_ = true;
          return;
        }
        ++texts_;
        if (tok::valid_run(text_, 0) != text_.size()) {
          fail(ErrorCode::invalid_argument, "train_sentencepiece: text ", texts_, " is not valid UTF-8");
        }
        rest_ = text_;
      }
      sentence_ = take();
    }
  }

 private:
  std::string_view take() {
    std::size_t end = 0;
    std::size_t separator = 0;
    while (end < rest_.size() && end < kMostBytes) {
      const char c = rest_[end];
      if (c == '\n' || c == '\t' || c == '\0') separator = 1;
      if (rest_.substr(end, kUnderscore.size()) == kUnderscore) separator = kUnderscore.size();
      if (separator > 0) break;
      ++end;
    }
    if (separator == 0 && end < rest_.size()) {  // not inside a character
      while ((static_cast<unsigned char>(rest_[end]) & 0xC0) == 0x80) --end;
    }
    const std::string_view sentence = rest_.substr(0, end);
    rest_.remove_prefix(end + separator);
    return sentence;
  }

  const std::function<bool(std::string&)>& next_;
  std::string text_;
  std::string_view rest_;  // of text_
  std::string sentence_ = " ";
  std::size_t texts_ = 0;
  bool done_ = false;
};

void check_tags(const std::vector<std::string>& tags) {
  std::set<std::string> seen = {"<pad>", "<unk>", "<s>", "</s>"};
  for (const std::string& tag : tags) {
    const auto refuse = [&](std::string_view why) {
      fail(ErrorCode::invalid_argument, "train_sentencepiece: the tag '", tag, "' ", why);
    };
    if (tag.empty()) refuse("is empty");
    if (tag.size() > 256) refuse("has more than 256 bytes");
    if (tok::valid_run(tag, 0) != tag.size()) refuse("is not valid UTF-8");
    if (tag.find(kUnderscore) != std::string::npos)
      refuse("holds a ▁, which stands for a space in a vocabulary");
    for (std::size_t at = 0; at < tag.size();) {
      const tok::Utf8Char c = tok::decode_utf8(tag, at);
      if (tok::is_space(c.code) || c.code < 0x20) refuse("holds white space or a control character");
      at += c.size;
    }
    if (tag.size() == 6 && tag.starts_with("<0x") && tag.back() == '>') refuse("is the name of a byte");
    if (!seen.insert(tag).second) refuse("is there twice, or one of <pad> <unk> <s> </s>");
  }
}

/// A field of a line of CSV, as the library reads lists.
std::string quoted(const std::string& field) {
  std::string out = "\"";
  for (const char c : field) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

/// The library's two complaints about the size say how much would do; everything else is passed on.
std::string why(const std::string& message, const SentencePieceOptions& options) {
  const auto number_behind = [&](std::string_view words) {
    const std::size_t at = message.find(words);
    const std::size_t begin = at == std::string::npos ? message.size() : at + words.size();
    return message.substr(begin, message.find_first_not_of("0123456789", begin) - begin);
  };
  if (const std::string most = number_behind("Please set it to a value <= "); !most.empty()) {
    return concat("a vocabulary of ", options.vocab_size, " is more than the text gives: at most ", most);
  }
  if (const std::string least = number_behind(concat(" ", options.vocab_size, " vs ")); !least.empty()) {
    return concat("a vocabulary of ", options.vocab_size, " is too small: tags, bytes and the characters of ",
                  "the text take ", least, " ids; ask for more, or cover fewer characters");
  }
  return message;
}

}  // namespace

std::string train_sentencepiece(const std::function<bool(std::string&)>& next,
                                const SentencePieceOptions& options) {
  check_tags(options.tags);
  require(options.vocab_size >= 1 && options.vocab_size <= 1 << 20, "train_sentencepiece: vocab_size is ",
          options.vocab_size, ", expected from 1 to 1048576");
  require(options.character_coverage >= 0.98 && options.character_coverage <= 1.0,
          "train_sentencepiece: character_coverage is ", options.character_coverage,
          ", expected from 0.98 to 1");
  std::string symbols;
  for (const std::string& tag : options.tags) symbols += quoted(tag) + ',';
  symbols += quoted("\n");
  // The number of threads is fixed: the unigram trainer adds up its sums by thread.
  const std::unordered_map<std::string, std::string> settings = {
      {"model_type", options.model == SentencePieceOptions::Model::bpe ? "bpe" : "unigram"},
      {"vocab_size", std::to_string(options.vocab_size)},
      {"character_coverage", concat(options.character_coverage)},
      {"split_digits", options.split_digits ? "true" : "false"},
      {"user_defined_symbols", symbols},
      {"required_chars", std::string(kUnderscore)},
      {"normalization_rule_name", "identity"},
      {"byte_fallback", "true"},
      {"remove_extra_whitespaces", "false"},
      {"add_dummy_prefix", "false"},
      {"allow_whitespace_only_pieces", "true"},
      {"max_sentence_length", std::to_string(2 * kMostBytes)},
      {"shuffle_input_sentence", "false"},
      {"num_threads", "8"},
      {"pad_id", "0"},
      {"unk_id", "1"},
      {"bos_id", "2"},
      {"eos_id", "3"}};
  sentencepiece::logging::SetMinLogLevel(4);  // above FATAL's 3: nothing is printed
  Sentences sentences(next);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &sentences, &model);
  require(sentences.texts() > 0, "train_sentencepiece: there is no text to learn from");
  if (!status.ok())
    fail(ErrorCode::invalid_argument, "train_sentencepiece: ", why(status.ToString(), options));
  return model;
}

void write_sentencepiece_files(const std::filesystem::path& dir, std::string_view model,
                               const SentencePieceOptions& options) {
  std::error_code error;
  std::filesystem::create_directories(dir, error);
  if (error) fail(ErrorCode::io, dir.string(), ": could not be created: ", error.message());
  for (const char* other : {"tokenizer.json", "vocab.json"}) {
    require(!std::filesystem::exists(dir / other), dir.string(), ": holds another tokenizer's ", other,
            ", which would be read before tokenizer.model; move it away first");
  }
  // With these flags transformers' Llama tokenizer does what the model says and nothing else.
  const nlohmann::ordered_json tokens = {
      {"bos_token", "<s>"}, {"eos_token", "</s>"}, {"unk_token", "<unk>"}, {"pad_token", "<pad>"}};
  nlohmann::ordered_json config = {{"tokenizer_class", "LlamaTokenizer"},
                                   {"add_bos_token", options.add_bos},
                                   {"add_eos_token", false},
                                   {"add_prefix_space", false},
                                   {"legacy", false},
                                   {"clean_up_tokenization_spaces", false}};
  config.update(tokens);
  // The model comes last: without it the directory holds no tokenizer.
  tok::write_file(dir / "special_tokens_map.json", tokens.dump(2) + "\n");
  tok::write_file(dir / "tokenizer_config.json", config.dump(2) + "\n");
  tok::write_file(dir / "tokenizer.model", std::string(model));
}

}  // namespace adlib
