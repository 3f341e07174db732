// Directories that hold a tokenizer.json, or the older vocab.json + merges.txt or vocab.txt.
#include "bpe_model.h"
#include "directory.h"
#include "tokenizer_json.h"
#include "wordpiece_model.h"

namespace adlib::tok {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";

/// Lines without their end; the last may lack one.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = text.find('\n', at);
    if (end == std::string::npos) end = text.size();
    std::string line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.pop_back();
    out.push_back(std::move(line));
    at = end + 1;
  }
  return out;
}

/// Completes `parts` with the special tokens of the directory and builds the tokenizer.
std::shared_ptr<Tokenizer> finish(PipelineParts parts, const DirectoryConfig& config) {
  const auto find = [&](std::string_view content) -> std::optional<TokenId> {
    for (const AddedToken& token : parts.added_tokens) {
      if (token.content == content) return token.id;
    }
    return parts.model->vocabulary().find(content);
  };
  add_config_tokens(config, find, parts.added_tokens);
  if (const auto bos = config.named_token("bos_token")) parts.bos = find(*bos);
  if (const auto eos = config.named_token("eos_token")) parts.eos = find(*eos);
  return std::make_shared<PipelineTokenizer>(std::move(parts));
}

/// GPT-2's tokens where the directory names none.
void add_gpt2_defaults(DirectoryConfig& config, const Vocabulary& vocabulary) {
  if (!vocabulary.find(kEndOfText)) return;
  for (const char* name : {"bos_token", "eos_token", "unk_token"}) {
    if (!config.config.contains(name)) config.named.try_emplace(name, kEndOfText);
  }
}

}  // namespace

std::shared_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& dir) {
  const std::string where = (dir / "tokenizer.json").string();
  PipelineParts parts = read_tokenizer_json(parse_json(read_file(where), where), where);
  DirectoryConfig config = read_directory_config(dir);
  if (config.tokenizer_class().empty() && parts.kind == "byte_bpe" && config.named.empty()) {
    add_gpt2_defaults(config, parts.model->vocabulary());
  }
  return finish(std::move(parts), config);
}

std::shared_ptr<Tokenizer> load_vocab_and_merges(const std::filesystem::path& dir) {
  DirectoryConfig config = read_directory_config(dir);
  const std::string name = config.tokenizer_class();
  const bool qwen2 = name == "Qwen2Tokenizer";
  if (!name.empty() && !qwen2 && name != "GPT2Tokenizer") {
    fail(ErrorCode::unsupported, config.where, ": tokenizer_class '", name,
         "' with vocab.json + merges.txt is not supported; save it from transformers with a tokenizer.json");
  }

  const std::string vocab_path = (dir / "vocab.json").string();
  const Json vocab = parse_json(read_file(vocab_path), vocab_path);
  const Node vocab_node(vocab, vocab_path);
  Vocabulary vocabulary;
  for (const auto& [token, id] : vocab.items()) {
    vocabulary.add(token, checked_id(vocab_node.integer(token.c_str()), token, vocab_path), vocab_path);
  }

  const std::string merges_path = (dir / "merges.txt").string();
  BpeModel::Merges merges;
  std::size_t number = 0;
  for (const std::string& line : lines_of(read_file(merges_path))) {
    ++number;
    if (line.empty() || line.starts_with("#version")) continue;
    const std::size_t space = line.find(' ');
    if (space == std::string::npos || line.find(' ', space + 1) != std::string::npos) {
      fail(ErrorCode::bad_format, merges_path, ':', number, ": '", line,
           "' is not two tokens with a space between");
    }
    merges.emplace_back(line.substr(0, space), line.substr(space + 1));
  }

  PipelineParts parts;
  parts.where = vocab_path;
  parts.kind = "byte_bpe";
  if (qwen2) parts.normalizer.steps.push_back(normalize_to(NormalForm::nfc));
  parts.pretokenizer.byte_level = true;
  const NextPiece pattern = fast_pattern(qwen2 ? kQwen2Pattern : kGpt2Pattern);
  if (config.flag("add_prefix_space", false)) {
    parts.pretokenizer.steps.push_back(make_prefix_space());
    parts.pretokenizer.steps.push_back(make_split(match_all(pattern), SplitBehavior::isolated, false));
  } else {
    parts.pretokenizer.fast = pattern;
  }
  parts.byte_level_decoder = true;
  BpeOptions options;
  options.byte_level = true;
  parts.model = std::make_unique<BpeModel>(std::move(vocabulary), merges, options, merges_path);
  add_gpt2_defaults(config, parts.model->vocabulary());
  if (config.flag("add_bos_token", false)) {
    const auto bos = config.named_token("bos_token");
    const auto id = bos ? parts.model->vocabulary().find(*bos) : std::nullopt;
    if (!id)
      fail(ErrorCode::bad_format, config.where,
           ": add_bos_token is set, but bos_token is not in the vocabulary");
    parts.around.before.push_back(*id);
  }
  return finish(std::move(parts), config);
}

std::shared_ptr<Tokenizer> load_wordpiece(const std::filesystem::path& dir) {
  DirectoryConfig config = read_directory_config(dir);
  if (!config.flag("do_basic_tokenize", true)) {
    fail(ErrorCode::unsupported, config.where, ": do_basic_tokenize = false is not supported");
  }
  // A token that stands twice has the later line's id, as in transformers.
  const std::string path = (dir / "vocab.txt").string();
  const std::vector<std::string> lines = lines_of(read_file(path));
  Vocabulary vocabulary;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    vocabulary.add(lines[i], checked_id(static_cast<std::int64_t>(i), lines[i], path), path,
                   Duplicates::later_wins);
  }

  for (const auto& [name, token] :
       std::initializer_list<std::pair<const char*, const char*>>{{"unk_token", "[UNK]"},
                                                                  {"sep_token", "[SEP]"},
                                                                  {"pad_token", "[PAD]"},
                                                                  {"cls_token", "[CLS]"},
                                                                  {"mask_token", "[MASK]"}}) {
    if (!config.config.contains(name)) config.named.try_emplace(name, token);
  }
  PipelineParts parts;
  parts.where = path;
  parts.kind = "wordpiece";
  BertOptions bert;
  bert.lowercase = config.flag("do_lower_case", true);
  bert.strip_accents = config.flag("strip_accents", bert.lowercase);
  bert.handle_chinese_chars = config.flag("tokenize_chinese_chars", true);
  parts.normalizer.steps.push_back(bert_normalizer(bert));
  parts.pretokenizer = read_pretokenizer({{"type", "BertPreTokenizer"}}, path);
  parts.decoder.push_back(decode_wordpiece("##", true));
  WordPieceOptions options;
  options.unk_token = config.named_token("unk_token").value_or("[UNK]");
  parts.model = std::make_unique<WordPieceModel>(std::move(vocabulary), options, path);
  const auto add_around = [&](const char* name, std::vector<TokenId>& out) {
    const auto token = config.named_token(name);
    const auto id = token ? parts.model->vocabulary().find(*token) : std::nullopt;
    if (id) out.push_back(*id);
  };
  add_around("cls_token", parts.around.before);
  add_around("sep_token", parts.around.after);
  return finish(std::move(parts), config);
}

}  // namespace adlib::tok
