#include "pipeline.h"

#include <algorithm>

#include "adlib/core/error.h"
#include "byte_alphabet.h"
#include "limits.h"
#include "utf8.h"

namespace adlib::tok {

void ScratchPool::give(std::unique_ptr<Scratch> scratch) const noexcept {
  // A long word leaves large buffers behind: those are not kept.
  constexpr std::size_t kept = 1 << 16;
  if (scratch->ids.capacity() > kept || scratch->symbols.capacity() > kept ||
      scratch->queue.capacity() > kept) {
    scratch->ids = {};
    scratch->ranks = {};
    scratch->symbols = {};
    scratch->queue = {};
  }
  try {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(scratch));
  } catch (...) {  // out of memory: the scratch is freed instead of kept
  }
}

namespace {

/// The byte tokens of a character, else the unknown token, else nothing.
std::vector<TokenId> bytes_or_unknown(const Model& model, std::string_view character) {
  std::vector<TokenId> ids;
  for (const char byte : character) {
    const auto id = model.vocabulary().find(byte_token(static_cast<unsigned char>(byte)));
    if (!id) return model.unknown() ? std::vector<TokenId>{*model.unknown()} : std::vector<TokenId>{};
    ids.push_back(*id);
  }
  return ids;
}

}  // namespace

PipelineTokenizer::PipelineTokenizer(PipelineParts parts)
    : parts_(std::move(parts)),
      added_(
          std::move(parts_.added_tokens),
          parts_.normalizer.empty()
              ? AddedTokens::Normalize{}
              : [this](std::string_view text) { return parts_.normalizer(repair_utf8(text)); },
          parts_.where) {
  size_ = parts_.model->vocabulary().size();
  for (const AddedToken& token : added_.all()) size_ = std::max<std::int64_t>(size_, token.id + 1);
  // By content, as in Hugging Face: a special token that stands in a vocabulary twice is special under both
  // ids.
  special_.resize(static_cast<std::size_t>(size_));
  for (TokenId id = 0; id < size_; ++id) {
    const std::string* token = parts_.model->vocabulary().token(id);
    const AddedToken* added = added_.by_id(id);
    if (added == nullptr && token != nullptr) added = added_.by_content(*token);
    special_[static_cast<std::size_t>(id)] = added != nullptr && added->special;
  }
  if (!parts_.byte_level_decoder) return;
  bytes_.resize(static_cast<std::size_t>(size_));
  for (TokenId id = 0; id < size_; ++id) {
    std::string& bytes = bytes_[static_cast<std::size_t>(id)];
    if (const AddedToken* token = added_.by_id(id)) {
      bytes = token->text;
    } else if (const std::string* text = parts_.model->vocabulary().token(id)) {
      bytes = from_byte_alphabet(*text).value_or(*text);
    }
  }
}

std::vector<TokenId> PipelineTokenizer::encode(std::string_view text, bool split_added) const {
  std::string repaired;
  const bool byte_level = parts_.pretokenizer.byte_level;
  if (!byte_level && valid_run(text, 0) != text.size()) {
    repaired = repair_utf8(text);
    text = repaired;
  }
  const ScratchPool::Lease scratch(pool_);
  std::vector<TokenId> out;
  out.reserve(text.size() / 3 + 8);
  if (!split_added) {
    std::string normalised;
    if (!parts_.normalizer.empty()) text = normalised = parts_.normalizer(text);
    encode_piece(text, true, *scratch, out);
    spell_tags(*scratch, out);
    return out;
  }
  const auto token = [&](TokenId id) { out.push_back(id); };
  const char* const start = text.data();
  added_.split(
      text, false,
      [&](std::string_view segment) {
        const bool starts_text = segment.data() == start;
        std::string normalised;
        if (!parts_.normalizer.empty()) segment = normalised = parts_.normalizer(segment);
        const char* const segment_start = segment.data();
        added_.split(
            segment, true,
            [&](std::string_view piece) {
              encode_piece(piece, starts_text && piece.data() == segment_start, *scratch, out);
            },
            token);
      },
      token);
  return out;
}

// A vocabulary may hold a tag as a word or piece of its own, which then stands for the same letters in a
// text: it is spelled out, a character at a time. A letter that is an added token and stands for nothing
// special remains where the vocabulary cannot write it in another way.
void PipelineTokenizer::spell_tags(Scratch& scratch, std::vector<TokenId>& ids) const {
  const auto tag = [this](TokenId id) { return is_tag(id); };
  if (std::none_of(ids.begin(), ids.end(), tag)) return;
  std::vector<TokenId> out;
  std::vector<TokenId> spelled;
  for (const TokenId id : ids) {
    if (!is_tag(id)) {
      out.push_back(id);
      continue;
    }
    const std::string& text =
        parts_.byte_level_decoder ? bytes_[static_cast<std::size_t>(id)] : require_token(id);
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = parts_.byte_level_decoder ? 1 : decode_utf8(text, at).size;
      const std::string_view character = std::string_view(text).substr(at, size);
      spelled.clear();
      parts_.model->encode(character, scratch, spelled);
      if (std::any_of(spelled.begin(), spelled.end(), tag)) {
        const bool special =
            std::any_of(spelled.begin(), spelled.end(), [this](TokenId s) { return is_special(s); });
        if (const auto bytes = bytes_or_unknown(*parts_.model, character); !bytes.empty()) {
          spelled = bytes;
        } else if (special) {
          fail(ErrorCode::unsupported, parts_.where, ": encode_text: the vocabulary has no other token for '",
               character, "' than '", text, "', and no byte tokens; the text cannot be encoded as data");
        }
      }
      out.insert(out.end(), spelled.begin(), spelled.end());
      at += character.size();
    }
  }
  ids = std::move(out);
}

// Invalid bytes reach this point only in a byte-level tokenizer. Each run of them is one piece of its own,
// which no pattern sees; the valid stretches on either side are cut as if they stood alone.
void PipelineTokenizer::encode_piece(std::string_view text, bool starts_text, Scratch& scratch,
                                     std::vector<TokenId>& out) const {
  const Model& model = *parts_.model;
  const Pretokenizer& pretokenizer = parts_.pretokenizer;
  for_each_run(text, [&](std::string_view run, bool valid) {
    if (!valid || (!pretokenizer.fast && pretokenizer.steps.empty())) {
      model.encode(run, scratch, out);
    } else if (pretokenizer.fast != nullptr) {
      for (std::size_t at = 0; at < run.size();) {
        const std::size_t end = pretokenizer.fast(run, at);
        model.encode(run.substr(at, end - at), scratch, out);
        at = end;
      }
    } else {
      Pieces pieces{std::string(run), {{0, run.size()}}, starts_text && run.data() == text.data()};
      for (const auto& step : pretokenizer.steps) {
        step->apply(pieces);
        if (pieces.ranges.empty()) return;
      }
      for (const Range& r : pieces.ranges) {
        model.encode(std::string_view(pieces.text).substr(r.begin, r.end - r.begin), scratch, out);
      }
    }
  });
}

std::vector<TokenId> PipelineTokenizer::encode_with_special(std::string_view text) const {
  std::vector<TokenId> ids = encode(text);
  ids.insert(ids.begin(), parts_.around.before.begin(), parts_.around.before.end());
  ids.insert(ids.end(), parts_.around.after.begin(), parts_.around.after.end());
  return ids;
}

const std::string& PipelineTokenizer::require_token(TokenId id) const {
  if (const AddedToken* token = added_.by_id(id)) return token->content;
  if (const std::string* token = parts_.model->vocabulary().token(id)) return *token;
  fail(ErrorCode::invalid_argument, "decode: id ", id, " is not in the vocabulary of ", size_, " ids");
}

std::string PipelineTokenizer::decode(std::span<const TokenId> ids, bool skip_special) const {
  std::string out;
  if (parts_.byte_level_decoder) {
    for (const TokenId id : ids) {
      require_token(id);
      if (!(skip_special && is_special(id))) out += bytes_[static_cast<std::size_t>(id)];
    }
    return out;
  }
  std::vector<DecodedToken> tokens;
  tokens.reserve(ids.size());
  for (const TokenId id : ids) {
    const std::string& token = require_token(id);
    if (skip_special && is_special(id)) continue;
    const AddedToken* added = added_.by_id(id);
    tokens.push_back({added == nullptr ? token : added->text, added != nullptr});
  }
  const auto bytes = [&tokens] {
    std::size_t sum = 0;
    for (const DecodedToken& token : tokens) sum += token.text.size();
    return sum;
  };
  const std::size_t before = bytes() + tokens.size();
  for (const DecoderStep& step : parts_.decoder) {
    step(tokens);
    check_growth(before, bytes(), "decoder");
  }
  for (const DecodedToken& token : tokens) out += token.text;
  return out;
}

std::int64_t PipelineTokenizer::vocab_size() const { return size_; }

std::optional<TokenId> PipelineTokenizer::token_to_id(std::string_view token) const {
  if (const AddedToken* added = added_.by_content(token)) return added->id;
  return parts_.model->vocabulary().find(token);
}

std::string PipelineTokenizer::id_to_token(TokenId id) const {
  require(id >= 0 && id < size_, "id_to_token: id ", id, " is outside the vocabulary of ", size_, " ids");
  if (const AddedToken* added = added_.by_id(id)) return added->content;
  const std::string* token = parts_.model->vocabulary().token(id);
  return token == nullptr ? std::string() : *token;
}

bool PipelineTokenizer::is_special(TokenId id) const {
  return id >= 0 && id < size_ && special_[static_cast<std::size_t>(id)];
}

}  // namespace adlib::tok
