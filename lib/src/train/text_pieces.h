// train/text_pieces.h: a long text in pieces that can be tokenised each by itself.
#pragma once

#include <cstddef>
#include <istream>
#include <optional>
#include <string>

namespace adlib::train {

/// Cuts a stream where tokenizers cut by themselves: behind a line end that a visible character follows. A
/// piece has at least `least` bytes, if the stream has; after `most` bytes without such a place it is cut
/// before a space, or between two characters. Where it is cut depends on the text alone, not on how it is
/// read.
class TextPieces {
 public:
  explicit TextPieces(std::istream& in, std::size_t least = std::size_t{1} << 16,
                      std::size_t most = std::size_t{1} << 20)
      : in_(in), least_(least), most_(most) {}

  /// The next piece, never empty; nothing at the end. Pieces laid end to end are the stream.
  std::optional<std::string> next() {
    fill();
    if (buffer_.empty()) return std::nullopt;
    const std::size_t size = cut();
    std::string piece = buffer_.substr(0, size);
    buffer_.erase(0, size);
    return piece;
  }

 private:
  void fill() {
    const std::size_t have = buffer_.size();
    if (have > most_ || !in_) return;
    buffer_.resize(most_ + 1);
    in_.read(buffer_.data() + have, static_cast<std::streamsize>(buffer_.size() - have));
    buffer_.resize(have + static_cast<std::size_t>(in_.gcount()));
  }
  std::size_t cut() const {
    const auto blank = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    for (std::size_t at = least_; at < buffer_.size() && at <= most_; ++at) {
      if (buffer_[at - 1] == '\n' && !blank(buffer_[at])) return at;
    }
    if (buffer_.size() <= most_) return buffer_.size();
    if (const auto space = buffer_.find_last_of(' '); space != std::string::npos && space >= least_)
      return space;
    std::size_t at = most_;
    while (at > most_ - 4 && (static_cast<unsigned char>(buffer_[at]) & 0xC0) == 0x80) --at;
    return at;
  }

  std::istream& in_;
  std::size_t least_;
  std::size_t most_;
  std::string buffer_;
};

}  // namespace adlib::train
