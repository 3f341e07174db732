#include "directory.h"

#include <xxhash.h>

#include <algorithm>
#include <iomanip>
#include <sstream>

namespace adlib::tok {
namespace {

/// A token as these files write it: "…" or {"content": "…", "lstrip": …}.
std::optional<std::string> token_content(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_object() && json.contains("content") && json.at("content").is_string()) {
    return json.at("content").get<std::string>();
  }
  return std::nullopt;
}

void read_named_tokens(const Json& file, std::map<std::string, std::string>& named) {
  for (const char* key :
       {"bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token", "mask_token"}) {
    const auto it = file.find(key);
    if (it == file.end()) continue;
    if (it->is_null()) {
      named.erase(key);
    } else if (const auto content = token_content(*it)) {
      named[key] = *content;
    }
  }
  for (const char* key : {"additional_special_tokens", "extra_special_tokens"}) {
    const auto it = file.find(key);
    if (it == file.end() || !it->is_array()) continue;
    for (std::size_t i = 0; i < it->size(); ++i) {
      if (const auto content = token_content((*it)[i])) named[concat(key, '[', i, ']')] = *content;
    }
  }
}

/// "added_tokens_decoder": {"50256": {"content": "<|endoftext|>", "special": true, …}, …}
void read_added_tokens_decoder(const Node& config, std::vector<AddedToken>& out) {
  if (config.find("added_tokens_decoder") == nullptr) return;
  const Node table = config.child("added_tokens_decoder");
  for (const auto& [key, value] : table.json().items()) {
    const Node node(value, table.where() + "." + key);
    AddedToken token;
    token.content = node.text("content");
    if (key.empty() || key.size() > 9 || key.find_first_not_of("0123456789") != std::string::npos) {
      fail(ErrorCode::bad_format, node.where(), ": '", key, "' is not an id");
    }
    token.id = checked_id(std::stoll(key), token.content, table.where());
    token.special = node.flag("special", false);
    token.single_word = node.flag("single_word", false);
    token.lstrip = node.flag("lstrip", false);
    token.rstrip = node.flag("rstrip", false);
    token.normalized = node.flag("normalized", !token.special);
    out.push_back(std::move(token));
  }
}

}  // namespace

std::string DirectoryConfig::tokenizer_class() const {
  std::string name = Node(config, where).text("tokenizer_class", "");
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  return name;
}

std::optional<std::string> DirectoryConfig::named_token(const std::string& name) const {
  const auto it = named.find(name);
  return it == named.end() ? std::nullopt : std::optional(it->second);
}

DirectoryConfig read_directory_config(const std::filesystem::path& dir) {
  DirectoryConfig out;
  out.where = (dir / "tokenizer_config.json").string();
  const auto read = [&](const char* name) -> std::optional<Json> {
    const auto path = dir / name;
    if (!std::filesystem::exists(path)) return std::nullopt;
    Json json = parse_json(read_file(path), path.string());
    if (!json.is_object())
      fail(ErrorCode::bad_format, path.string(), " is ", json.type_name(), ", expected an object");
    return json;
  };
  // As in transformers, tokenizer_config.json has the last word.
  if (const auto map = read("special_tokens_map.json")) read_named_tokens(*map, out.named);
  if (auto config = read("tokenizer_config.json")) {
    out.config = std::move(*config);
    read_named_tokens(out.config, out.named);
    read_added_tokens_decoder(Node(out.config, out.where), out.added);
  }
  if (const auto added = read("added_tokens.json")) {
    const std::string where = (dir / "added_tokens.json").string();
    for (const auto& [content, id] : added->items()) {
      if (!id.is_number_integer()) {
        fail(ErrorCode::bad_format, where, ": token '", content, "' has ", id.dump(), ", expected an id");
      }
      AddedToken token;
      token.content = content;
      token.id = checked_id(id.get<std::int64_t>(), content, where);
      token.normalized = true;
      out.added.push_back(std::move(token));
    }
  }
  return out;
}

void add_config_tokens(const DirectoryConfig& config,
                       const std::function<std::optional<TokenId>(std::string_view)>& find,
                       std::vector<AddedToken>& tokens) {
  const auto same = [&](std::string_view content) {
    return std::find_if(tokens.begin(), tokens.end(),
                        [&](const AddedToken& t) { return t.content == content; });
  };
  for (const AddedToken& token : config.added) {
    const bool id_taken =
        std::any_of(tokens.begin(), tokens.end(), [&](const AddedToken& t) { return t.id == token.id; });
    if (same(token.content) == tokens.end() && !id_taken) tokens.push_back(token);
  }
  for (const auto& [name, content] : config.named) {
    if (const auto it = same(content); it != tokens.end()) {
      it->special = true;
      continue;
    }
    const auto id = find(content);
    if (!id) continue;
    AddedToken token;
    token.id = *id;
    token.content = content;
    token.special = true;
    tokens.push_back(std::move(token));
  }
}

// Every file that may have a say goes in, each with its name and size, so that no two sets of files look
// alike.
std::string fingerprint_of(const std::filesystem::path& dir) {
  std::string all;
  for (const char* name :
       {"tokenizer.json", "vocab.json", "merges.txt", "tokenizer.model", "spiece.model", "vocab.txt",
        "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"}) {
    if (!std::filesystem::is_regular_file(dir / name)) continue;
    const std::string bytes = read_file(dir / name);
    const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
    all += concat(name, ' ', bytes.size(), ' ', hash.high64, ' ', hash.low64, '\n');
  }
  const XXH128_hash_t hash = XXH3_128bits(all.data(), all.size());
  std::ostringstream digits;
  digits << std::hex << std::setfill('0') << std::setw(16) << hash.high64 << std::setw(16) << hash.low64;
  return digits.str();
}

}  // namespace adlib::tok

namespace adlib {

std::shared_ptr<const Tokenizer> Tokenizer::from_directory(const std::filesystem::path& dir) {
  const auto has = [&](const char* name) { return std::filesystem::is_regular_file(dir / name); };
  std::shared_ptr<Tokenizer> tokenizer;
  if (has("tokenizer.json")) {
    tokenizer = tok::load_tokenizer_json(dir);
  } else if (has("vocab.json") && has("merges.txt")) {
    tokenizer = tok::load_vocab_and_merges(dir);
  } else if (has("tokenizer.model") || has("spiece.model")) {
    const char* name = has("tokenizer.model") ? "tokenizer.model" : "spiece.model";
    tokenizer = tok::load_sentencepiece(dir / name, tok::read_directory_config(dir));
  } else if (has("vocab.txt")) {
    tokenizer = tok::load_wordpiece(dir);
  } else {
    fail(ErrorCode::not_found, dir.string(),
         ": no tokenizer here; looked for tokenizer.json, vocab.json + merges.txt, tokenizer.model, "
         "spiece.model, vocab.txt");
  }
  tokenizer->fingerprint_ = tok::fingerprint_of(dir);
  return tokenizer;
}

}  // namespace adlib
