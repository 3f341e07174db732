// SentencePiece models; sentencepiece_trainer.cpp is the only other file that includes the library.
#include "adlib/tokenizer/sentencepiece.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <map>

#include "adlib/core/error.h"
#include "byte_alphabet.h"
#include "directory.h"
#include "sentencepiece_check.h"
#include "unicode.h"
#include "utf8.h"

namespace sentencepiece::logging {
void SetMinLogLevel(int level);  // exported by the library, declared in none of its installed headers
}

namespace adlib::tok {
namespace {

class SentencePieceTokenizer : public Tokenizer {
 public:
  struct Around {
    bool bos;
    bool eos;
  };
  SentencePieceTokenizer(std::unique_ptr<sentencepiece::SentencePieceProcessor> model,
                         const SentencePieceTraits& traits, std::vector<AddedToken> added, Around around,
                         std::optional<TokenId> bos, std::optional<TokenId> eos, const std::string& where)
      : model_(std::move(model)), added_(std::move(added), {}, where), around_(around), bos_(bos), eos_(eos) {
    size_ = model_->GetPieceSize();
    for (const AddedToken& token : added_.all()) size_ = std::max<std::int64_t>(size_, token.id + 1);
    if (traits.exact) underscore_ = bytes_of(kUnderscore);
    const auto tag = [&](TokenId id, std::string_view text) {
      if (id != model_->unk_id() && (is_special(id) || has_visible(text))) tags_[id];
    };
    for (const AddedToken& token : added_.all()) tag(token.id, token.content);
    for (const std::string& piece : traits.user_defined) tag(model_->PieceToId(piece), piece);
    for (auto& [id, spelled] : tags_) spelled = spell(id_to_token(id));
  }

  std::vector<TokenId> encode(std::string_view text) const override {
    std::vector<TokenId> out;
    const auto piece = [&](std::string_view part) { append(part, out); };
    added_.split(text, false, piece, [&](TokenId id) { out.push_back(id); });
    return out;
  }

  // The model cuts its user-defined symbols out of any text; each that it finds is spelled out again.
  std::vector<TokenId> encode_text(std::string_view text) const override {
    std::vector<TokenId> ids;
    append(text, ids);
    if (tags_.empty()) return ids;
    std::vector<TokenId> out;
    out.reserve(ids.size());
    for (const TokenId id : ids) {
      if (const auto found = tags_.find(id); found != tags_.end()) {
        out.insert(out.end(), found->second.begin(), found->second.end());
      } else {
        out.push_back(id);
      }
    }
    return out;
  }

  std::vector<TokenId> encode_with_special(std::string_view text) const override {
    std::vector<TokenId> ids = encode(text);
    if (around_.bos && bos_) ids.insert(ids.begin(), *bos_);
    if (around_.eos && eos_) ids.push_back(*eos_);
    return ids;
  }

  // Added tokens stand as they are; what lies between is decoded by the library, which says nothing for
  // control tokens.
  std::string decode(std::span<const TokenId> ids, bool skip_special) const override {
    std::string out;
    std::vector<int> part;
    const auto flush = [&] {
      if (part.empty()) return;
      std::string text;
      check(model_->Decode(part, &text), "decode");
      out += text;
      part.clear();
    };
    for (const TokenId id : ids) {
      const AddedToken* added = added_.by_id(id);
      if (added == nullptr && (id < 0 || id >= model_->GetPieceSize())) {
        fail(ErrorCode::invalid_argument, "decode: id ", id, " is not in the vocabulary of ", size_, " ids");
      }
      if (is_special(id) && skip_special) continue;
      if (added == nullptr && !model_->IsControl(id)) {
        part.push_back(id);
        continue;
      }
      flush();
      out += id_to_token(id);
    }
    flush();
    return out;
  }

  std::int64_t vocab_size() const override { return size_; }

  std::optional<TokenId> token_to_id(std::string_view token) const override {
    if (const AddedToken* added = added_.by_content(token)) return added->id;
    const int id = model_->PieceToId(token);
    return model_->IdToPiece(id) == token ? std::optional<TokenId>(id) : std::nullopt;
  }

  std::string id_to_token(TokenId id) const override {
    require(id >= 0 && id < size_, "id_to_token: id ", id, " is outside the vocabulary of ", size_, " ids");
    if (const AddedToken* added = added_.by_id(id)) return added->content;
    return id < model_->GetPieceSize() ? model_->IdToPiece(id) : std::string();
  }

  bool is_special(TokenId id) const override {
    if (const AddedToken* added = added_.by_id(id)) return added->special;
    return id >= 0 && id < model_->GetPieceSize() && model_->IsControl(id);
  }

  std::optional<TokenId> bos_id() const override { return bos_; }
  std::optional<TokenId> eos_id() const override { return eos_; }
  std::string_view kind() const override { return "sentencepiece"; }

 private:
  static void check(const sentencepiece::util::Status& status, const char* where) {
    if (!status.ok()) fail(ErrorCode::invalid_argument, where, ": SentencePiece: ", status.ToString());
  }
  /// The library writes a space as "▁" and so cannot tell one from a "▁" of the text. Where everything else
  /// comes back as it was, that character becomes its three byte tokens.
  void append(std::string_view text, std::vector<TokenId>& out) const {
    std::vector<TokenId> ids;
    const auto add = [&](std::string_view part) {
      if (part.empty()) return;
      check(model_->Encode(part, &ids), "encode");
      out.insert(out.end(), ids.begin(), ids.end());
    };
    if (!underscore_.empty()) {
      for (std::size_t at; (at = text.find(kUnderscore)) != std::string_view::npos;) {
        add(text.substr(0, at));
        out.insert(out.end(), underscore_.begin(), underscore_.end());
        text.remove_prefix(at + kUnderscore.size());
      }
    }
    add(text);
  }
  static bool has_visible(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Char c = decode_utf8(text, at);
      if (!is_space(c.code) && text.substr(at, c.size) != kUnderscore) return true;
      at += c.size;
    }
    return false;
  }
  /// The byte tokens of `text`; nothing if the model has none.
  std::vector<TokenId> bytes_of(std::string_view text) const {
    std::vector<TokenId> ids;
    for (const char byte : text) {
      const int id = model_->PieceToId(byte_token(static_cast<unsigned char>(byte)));
      if (!model_->IsByte(id)) return {};
      ids.push_back(id);
    }
    return ids;
  }
  /// `text` a character at a time: its own piece, else its bytes, else the unknown piece.
  std::vector<TokenId> spell(std::string_view text) const {
    std::vector<TokenId> out;
    for (std::size_t at = 0; at < text.size();) {
      const std::string_view character = text.substr(at, decode_utf8(text, at).size);
      at += character.size();
      const TokenId id = model_->PieceToId(character == " " ? kUnderscore : character);
      std::vector<TokenId> ids = {id};
      if (id == model_->unk_id() || is_special(id) || tags_.contains(id)) ids = bytes_of(character);
      if (ids.empty()) ids = {model_->unk_id()};
      out.insert(out.end(), ids.begin(), ids.end());
    }
    return out;
  }

  static constexpr std::string_view kUnderscore = "\xE2\x96\x81";  // ▁, U+2581

  std::unique_ptr<const sentencepiece::SentencePieceProcessor> model_;
  AddedTokens added_;
  Around around_;
  std::optional<TokenId> bos_;
  std::optional<TokenId> eos_;
  std::int64_t size_ = 0;
  std::vector<TokenId> underscore_;  // the bytes of a written ▁; empty: the library's way
  std::map<TokenId, std::vector<TokenId>>
      tags_;  // what no text may become, and how its letters are written instead
};

std::shared_ptr<Tokenizer> build(std::string_view bytes, const std::string& where,
                                 const DirectoryConfig& config) {
  const SentencePieceTraits traits = check_sentencepiece_model(bytes, where);
  sentencepiece::logging::SetMinLogLevel(4);  // above FATAL's 3: nothing is printed
  auto model = std::make_unique<sentencepiece::SentencePieceProcessor>();
  try {
    const auto status = model->LoadFromSerializedProto(bytes);
    if (!status.ok())
      fail(ErrorCode::bad_format, where, ": SentencePiece refuses the model: ", status.ToString());
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {  // the double-array builder throws
    fail(ErrorCode::bad_format, where, ": SentencePiece refuses the model: ", e.what());
  }
  const auto find = [&](std::string_view token) -> std::optional<TokenId> {
    for (const AddedToken& added : config.added) {
      if (added.content == token) return added.id;
    }
    const int id = model->PieceToId(token);
    return model->IdToPiece(id) == token ? std::optional<TokenId>(id) : std::nullopt;
  };
  std::vector<AddedToken> added;
  add_config_tokens(config, find, added);
  for (AddedToken& token : added) {
    token.normalized = false;  // the library normalises by itself, later
    if (token.id < model->GetPieceSize() && model->IdToPiece(token.id) != token.content) {
      fail(ErrorCode::bad_format, where, ": added token '", token.content, "' has id ", token.id,
           ", which is the piece '", model->IdToPiece(token.id), "'");
    }
  }
  const auto special = [&](const char* name, int id) -> std::optional<TokenId> {
    if (const auto token = config.named_token(name)) return find(*token);
    return id >= 0 ? std::optional<TokenId>(id) : std::nullopt;
  };
  // As the slow tokenizers of transformers: Llama's begins a text, T5's ends it.
  const bool t5 = config.tokenizer_class() == "T5Tokenizer";
  const SentencePieceTokenizer::Around around{config.flag("add_bos_token", !t5),
                                              config.flag("add_eos_token", t5)};
  const auto bos = special("bos_token", model->bos_id());
  const auto eos = special("eos_token", model->eos_id());
  return std::make_shared<SentencePieceTokenizer>(std::move(model), traits, std::move(added), around, bos,
                                                  eos, where);
}

}  // namespace

std::shared_ptr<Tokenizer> load_sentencepiece(const std::filesystem::path& file,
                                              const DirectoryConfig& config) {
  return build(read_file(file), file.string(), config);
}

}  // namespace adlib::tok

namespace adlib {

std::shared_ptr<const Tokenizer> sentencepiece_from_bytes(std::string_view model, const std::string& name) {
  tok::DirectoryConfig none;
  none.where = name;
  return tok::build(model, name, none);
}

}  // namespace adlib
