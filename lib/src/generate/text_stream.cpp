#include "generate/text_stream.h"

#include <algorithm>

namespace adlib::generate {

TextStream::TextStream(const Tokenizer& tokenizer, std::span<const TokenId> prompt,
                       const std::vector<std::string>& stop_strings)
    : tokenizer_(&tokenizer), stop_strings_(&stop_strings), decoder_(tokenizer) {
  for (const TokenId id : prompt) {
    if (id < tokenizer.vocab_size()) decoder_.push(id);
  }
}

std::string TextStream::peek(TokenId id) const {
  if (id >= tokenizer_->vocab_size()) return {};
  IncrementalDecoder decoder = decoder_;
  return decoder.push(id);
}

bool TextStream::textless(TokenId id) const {
  return id >= tokenizer_->vocab_size() || tokenizer_->is_special(id);
}

bool TextStream::push(TokenId id) {
  // A model's vocabulary may be padded beyond its tokenizer's: such a token has no text.
  if (stopped_ || id >= tokenizer_->vocab_size()) return stopped_;
  return append(decoder_.push(id));
}

void TextStream::finish() {
  if (!stopped_ && !finished_) append(decoder_.finish());
  finished_ = true;
}

bool TextStream::append(std::string_view piece) {
  const std::size_t before = text_.size();
  text_ += piece;
  std::size_t cut = std::string::npos;
  for (const std::string& stop : *stop_strings_) {
    // An occurrence that ends in the old text would have been found then.
    const std::size_t from = before >= stop.size() - 1 ? before - (stop.size() - 1) : 0;
    cut = std::min(cut, text_.find(stop, from));
  }
  if (cut == std::string::npos) return false;
  text_.resize(cut);
  stopped_ = true;
  return true;
}

std::size_t TextStream::held_back() const {
  if (stopped_ || finished_) return 0;
  std::size_t longest = 0;
  for (const std::string& stop : *stop_strings_) {
    for (std::size_t length = std::min(stop.size() - 1, text_.size()); length > longest; --length) {
      if (std::string_view(text_).ends_with(std::string_view(stop).substr(0, length))) longest = length;
    }
  }
  return longest;
}

std::string_view TextStream::take() {
  const std::size_t end = text_.size() - held_back();
  if (end <= taken_) return {};
  const std::string_view piece = std::string_view(text_).substr(taken_, end - taken_);
  taken_ = end;
  return piece;
}

}  // namespace adlib::generate
