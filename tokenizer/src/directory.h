// tokenizer/src/directory.h: the small files beside a vocabulary that name its special tokens.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "added_tokens.h"
#include "json_reader.h"
#include "pipeline.h"

namespace adlib::tok {

/// What tokenizer_config.json, special_tokens_map.json and added_tokens.json say together.
struct DirectoryConfig {
  Json config = Json::object();              ///< tokenizer_config.json
  std::string where;                         ///< its path, for errors
  std::map<std::string, std::string> named;  ///< "bos_token" → "<s>"; "additional_special_tokens[0]" → …
  std::vector<AddedToken> added;             ///< tokens with ids: added_tokens_decoder, added_tokens.json

  std::string tokenizer_class() const;  ///< without the "Fast" at its end; empty if not said
  bool flag(const char* key, bool otherwise) const { return Node(config, where).flag(key, otherwise); }
  std::optional<std::string> named_token(const std::string& name) const;
};

DirectoryConfig read_directory_config(const std::filesystem::path& dir);

/// Adds to `tokens` those of `config`: the ones that carry an id, and the named ones that `find` knows, as
/// special tokens. An id or content that is there already is left as it is, but a named token becomes
/// special.
void add_config_tokens(const DirectoryConfig& config,
                       const std::function<std::optional<TokenId>(std::string_view)>& find,
                       std::vector<AddedToken>& tokens);

/// Tokenizer::fingerprint() of the files in `dir`.
std::string fingerprint_of(const std::filesystem::path& dir);

std::shared_ptr<Tokenizer> load_tokenizer_json(const std::filesystem::path& dir);
std::shared_ptr<Tokenizer> load_vocab_and_merges(const std::filesystem::path& dir);
std::shared_ptr<Tokenizer> load_wordpiece(const std::filesystem::path& dir);
/// `file`: the tokenizer.model of `dir`.
std::shared_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& file,
                                              const DirectoryConfig& config);

}  // namespace adlib::tok
