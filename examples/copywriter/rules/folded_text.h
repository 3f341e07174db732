// copywriter/rules/folded_text.h: a text as rules read it, and the way back to where it stands.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace adlib::copywriter {

/// Bytes of a text, from `begin` up to `end`.
struct Range {
  std::size_t begin = 0, end = 0;
  bool empty() const { return begin == end; }
  bool contains(Range other) const { return begin <= other.begin && other.end <= end; }
  bool overlaps(Range other) const { return begin < other.end && other.begin < end; }
  friend bool operator==(Range, Range) = default;
};

/// Appends append_folded() of a character; "’" becomes "'", which people type for it.
void append_rule_letters(std::u32string& out, char32_t c);

/// A text in which case, width, accents and compatible forms of a letter no longer differ
/// (append_rule_letters()): "Ｂｅｓｔ，最 佳！" is "best,最佳!". White space becomes one space between
/// letters of scripts that set words apart, and nothing beside Chinese or Japanese ones, so that spaces
/// cannot hide a phrase.
class FoldedText {
 public:
  /// `text` is UTF-8 and must outlive this.
  explicit FoldedText(std::string_view text);
  std::string_view source() const { return source_; }
  /// UTF-8.
  const std::string& folded() const { return folded_; }
  /// The bytes of source() from which these of folded() came.
  Range source_of(Range folded) const;

 private:
  std::string_view source_;
  std::string folded_;
  std::vector<Range> from_;  // of each byte of folded_: its character in source_
};

}  // namespace adlib::copywriter
