// The model, the added tokens and the whole of tokenizer.json.
#include "tokenizer_json.h"

#include <array>
#include <charconv>
#include <cmath>

#include "adlib/tokenizer/tokenizer_json.h"
#include "bpe_model.h"
#include "unigram_model.h"
#include "utf8.h"
#include "wordpiece_model.h"

namespace adlib::tok {
namespace {

/// "vocab": {"token": id, …}
Vocabulary read_vocabulary(const Node& model) {
  const Json& vocab = model.at("vocab");
  if (!vocab.is_object())
    fail(ErrorCode::bad_format, model.field("vocab"), " is ", vocab.type_name(), ", expected an object");
  Vocabulary out;
  for (const auto& [token, id] : vocab.items()) {
    if (!id.is_number_integer()) {
      fail(ErrorCode::bad_format, model.field("vocab"), ": token '", token, "' has ", id.dump(),
           ", expected an id");
    }
    out.add(token, checked_id(id.get<std::int64_t>(), token, model.field("vocab")), model.field("vocab"));
  }
  return out;
}

/// "merges": ["a b", …] or [["a", "b"], …]
BpeModel::Merges read_merges(const Node& model) {
  BpeModel::Merges out;
  const Json& merges = model.array("merges");
  out.reserve(merges.size());
  for (std::size_t i = 0; i < merges.size(); ++i) {
    const Json& merge = merges[i];
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      out.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      continue;
    }
    if (merge.is_string()) {
      const auto& text = merge.get_ref<const std::string&>();
      const std::size_t space = text.find(' ');
      if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
        out.emplace_back(text.substr(0, space), text.substr(space + 1));
        continue;
      }
    }
    fail(ErrorCode::bad_format, model.field("merges"), '[', i,
         "]: expected \"left right\" or [\"left\", \"right\"]");
  }
  return out;
}

std::unique_ptr<const Model> read_bpe(const Node& node, bool byte_level) {
  node.allow({"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk",
              "byte_fallback", "ignore_merges", "vocab", "merges"});
  if (const Json* dropout = node.find("dropout"); dropout != nullptr && *dropout != 0) {
    fail(ErrorCode::unsupported, node.where(), ": field 'dropout' is not supported: it makes ids random");
  }
  BpeOptions options;
  options.byte_level = byte_level;
  options.byte_fallback = node.flag("byte_fallback", false);
  options.fuse_unk = node.flag("fuse_unk", false);
  options.ignore_merges = node.flag("ignore_merges", false);
  if (node.find("unk_token") != nullptr) options.unk_token = node.text("unk_token");
  options.continuing_subword_prefix = node.text("continuing_subword_prefix", "");
  options.end_of_word_suffix = node.text("end_of_word_suffix", "");
  return std::make_unique<BpeModel>(read_vocabulary(node), read_merges(node), options, node.where());
}

std::unique_ptr<const Model> read_wordpiece(const Node& node) {
  node.allow({"type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab"});
  WordPieceOptions options;
  options.unk_token = node.text("unk_token", options.unk_token);
  options.continuing_subword_prefix =
      node.text("continuing_subword_prefix", options.continuing_subword_prefix);
  const std::int64_t longest = node.integer("max_input_chars_per_word", 100);
  if (longest < 0) fail(ErrorCode::bad_format, node.field("max_input_chars_per_word"), " is negative");
  options.max_input_chars_per_word = static_cast<std::size_t>(longest);
  return std::make_unique<WordPieceModel>(read_vocabulary(node), options, node.where());
}

/// The value that Hugging Face's JSON reader has for the shortest decimal form of `value`: its digits,
/// divided or multiplied by a power of ten, rounded twice. One unit in the last place decides between
/// segmentations of equal score.
double as_read_by_serde(double value) {
  std::array<char, 32> text{};
  const auto written =
      std::to_chars(text.data(), text.data() + text.size(), std::fabs(value), std::chars_format::scientific);
  std::uint64_t digits = 0;
  int exponent = 0;
  const char* p = text.data();
  bool fraction = false;
  for (; p != written.ptr && *p != 'e'; ++p) {
    if (*p == '.') {
      fraction = true;
    } else {
      digits = 10 * digits + static_cast<unsigned>(*p - '0');
      exponent -= fraction;
    }
  }
  int written_exponent = 0;
  if (p != written.ptr) std::from_chars(p + (p[1] == '+' ? 2 : 1), written.ptr, written_exponent);
  exponent += written_exponent;
  const double scale = std::pow(10.0, std::abs(exponent));  // exact up to 1e22
  const double magnitude =
      exponent < 0 ? static_cast<double>(digits) / scale : static_cast<double>(digits) * scale;
  return std::copysign(magnitude, value);
}

/// "vocab": [["token", score], …], ids in order
std::unique_ptr<const Model> read_unigram(const Node& node) {
  node.allow({"type", "unk_id", "vocab", "byte_fallback"});
  const Json& vocab = node.array("vocab");
  Vocabulary vocabulary;
  std::vector<double> scores;
  for (std::size_t i = 0; i < vocab.size(); ++i) {
    const Json& entry = vocab[i];
    if (!entry.is_array() || entry.size() != 2 || !entry[0].is_string() || !entry[1].is_number()) {
      fail(ErrorCode::bad_format, node.field("vocab"), '[', i, "]: expected [token, score]");
    }
    const auto token = entry[0].get<std::string>();
    // Trainers are known to write a special token twice.
    const TokenId id = checked_id(static_cast<std::int64_t>(i), token, node.field("vocab"));
    vocabulary.add(token, id, node.field("vocab"), Duplicates::later_wins);
    scores.push_back(as_read_by_serde(entry[1].get<double>()));
  }
  UnigramOptions options;
  options.byte_fallback = node.flag("byte_fallback", false);
  if (node.find("unk_id") != nullptr) {
    const std::int64_t id = node.integer("unk_id");
    if (id < 0 || id >= vocabulary.size())
      fail(ErrorCode::bad_format, node.field("unk_id"), " is ", id, ", not an id of the vocabulary");
    options.unk_id = static_cast<TokenId>(id);
  }
  return std::make_unique<UnigramModel>(std::move(vocabulary), std::move(scores), options, node.where());
}

/// Files of before 2021 leave the type out.
std::string model_type(const Node& model) {
  if (model.find("type") != nullptr) return model.text("type");
  if (model.find("merges") != nullptr) return "BPE";
  if (model.find("vocab") != nullptr && model.at("vocab").is_array()) return "Unigram";
  return model.find("max_input_chars_per_word") != nullptr ? "WordPiece" : "WordLevel";
}

std::vector<AddedToken> read_added_tokens(const Node& file, const Vocabulary& vocabulary) {
  std::vector<AddedToken> out;
  if (file.find("added_tokens") == nullptr) return out;
  const Json& tokens = file.array("added_tokens");
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Node node(tokens[i], concat(file.field("added_tokens"), '[', i, ']'));
    node.allow({"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"});
    AddedToken token;
    token.content = node.text("content");
    token.id = checked_id(node.integer("id"), token.content, node.where());
    token.special = node.flag("special", false);
    token.single_word = node.flag("single_word", false);
    token.lstrip = node.flag("lstrip", false);
    token.rstrip = node.flag("rstrip", false);
    token.normalized = node.flag("normalized", !token.special);
    // The model's id counts, as in Hugging Face; they differ only where the token stands in the vocabulary
    // twice.
    const std::string* model_token = vocabulary.token(token.id);
    const auto model_id = vocabulary.find(token.content);
    if (model_token != nullptr ? *model_token != token.content : model_id.has_value()) {
      fail(ErrorCode::bad_format, node.where(), ": '", token.content, "' has id ", token.id,
           ", which contradicts the vocabulary of the model");
    }
    token.id = model_id.value_or(token.id);
    out.push_back(std::move(token));
  }
  return out;
}

}  // namespace

PipelineParts read_tokenizer_json(const Json& json, const std::string& where) {
  const Node file(json, where);
  // Truncation and padding are what a caller asks for at each call; transformers, too, resets them.
  file.allow({"version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer",
              "post_processor", "decoder", "model"});
  const auto part = [&](const char* key) -> const Json& {
    static const Json null;
    const Json* value = file.find(key);
    return value == nullptr ? null : *value;
  };
  const auto place = [&](const char* key) { return where + ": " + key; };
  PipelineParts parts;
  parts.where = where;
  parts.normalizer = read_normalizer(part("normalizer"), place("normalizer"));
  parts.pretokenizer = read_pretokenizer(part("pre_tokenizer"), place("pre_tokenizer"));
  parts.around = read_post_processor(part("post_processor"), place("post_processor"));
  read_decoder(part("decoder"), place("decoder"), parts);

  const Node model(file.at("model"), place("model"));
  const std::string type = model_type(model);
  const bool byte_level = parts.pretokenizer.byte_level;
  if (byte_level && type != "BPE") {
    fail(ErrorCode::unsupported, model.where(), ": type '", type,
         "' behind a ByteLevel pre-tokenizer is not supported");
  }
  if (type == "BPE") {
    parts.kind = byte_level ? "byte_bpe" : "bpe";
    parts.model = read_bpe(model, byte_level);
  } else if (type == "WordPiece") {
    parts.kind = "wordpiece";
    parts.model = read_wordpiece(model);
  } else if (type == "Unigram") {
    parts.kind = "unigram";
    parts.model = read_unigram(model);
  } else {
    fail(ErrorCode::unsupported, model.where(), ": type '", type, "' is not supported");
  }
  parts.added_tokens = read_added_tokens(file, parts.model->vocabulary());
  return parts;
}

}  // namespace adlib::tok

namespace adlib {

std::shared_ptr<const Tokenizer> tokenizer_from_json(std::string_view text, const std::string& name) {
  return std::make_shared<tok::PipelineTokenizer>(
      tok::read_tokenizer_json(tok::parse_json(text, name), name));
}

}  // namespace adlib
