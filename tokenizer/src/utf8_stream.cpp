#include "adlib/tokenizer/utf8_stream.h"

#include <algorithm>

#include "utf8.h"

namespace adlib {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

}  // namespace

std::string Utf8Stream::take(bool at_end) {
  std::string out;
  std::size_t at = 0;
  while (at < pending_.size()) {
    const std::size_t valid = tok::valid_run(pending_, at);
    out.append(pending_, at, valid);
    at += valid;
    if (at == pending_.size()) break;
    const tok::Utf8Char c = tok::decode_utf8(pending_, at);
    if (c.status == tok::Utf8Status::truncated && !at_end) break;
    if (invalid_ == Invalid::keep) {
      out.append(pending_, at, c.size);
    } else {
      tok::append_utf8(out, tok::kReplacementCharacter);
    }
    at += c.size;
  }
  pending_.erase(0, at);
  return out;
}

std::string Utf8Stream::push(std::string_view bytes) {
  pending_ += bytes;
  return take(false);
}

std::string Utf8Stream::finish() { return take(true); }

IncrementalDecoder::IncrementalDecoder(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(&tokenizer), skip_special_(skip_special) {}

std::string IncrementalDecoder::decode_waiting() const {
  std::vector<TokenId> all = anchor_;
  all.insert(all.end(), context_.begin(), context_.end());
  const std::string given = tokenizer_->decode(all, skip_special_);
  all.insert(all.end(), waiting_.begin(), waiting_.end());
  const std::string text = tokenizer_->decode(all, skip_special_);
  // Bytes behind a context that they spoil (a run of byte tokens is UTF-8 as a whole or not at all) stand
  // alone.
  return text.starts_with(given) ? text.substr(given.size()) : tokenizer_->decode(waiting_, skip_special_);
}

std::string IncrementalDecoder::push(TokenId id) {
  waiting_.push_back(id);
  const std::string text = decode_waiting();
  // Before the first text, the space of the next token may hang on this one; later, a token without text (a
  // special one, say) is no context.
  if (text.empty() && !anchor_.empty()) waiting_.pop_back();
  // A byte of a character that is not whole yet is U+FFFD: wait for the four that it can have.
  unfinished_ = text.ends_with(kReplacement) ? unfinished_ + 1 : 0;
  if (text.empty() || (unfinished_ > 0 && unfinished_ < 4)) return "";
  unfinished_ = 0;
  if (anchor_.empty()) {
    anchor_ = std::move(waiting_);
  } else {
    context_ = std::move(waiting_);
    // The shortest end of it that is whole characters is enough.
    for (std::size_t n = 1; n < std::min<std::size_t>(context_.size(), 4); ++n) {
      const std::vector<TokenId> tail(context_.end() - static_cast<std::ptrdiff_t>(n), context_.end());
      if (tokenizer_->decode(tail, skip_special_).find(kReplacement) != std::string::npos) continue;
      context_ = tail;
      break;
    }
  }
  waiting_.clear();
  return stream_.push(text);
}

std::string IncrementalDecoder::finish() {
  std::string out;
  if (!waiting_.empty()) out = stream_.push(decode_waiting());
  out += stream_.finish();
  anchor_.clear();
  context_.clear();
  waiting_.clear();
  unfinished_ = 0;
  return out;
}

}  // namespace adlib
