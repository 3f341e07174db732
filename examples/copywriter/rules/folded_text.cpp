#include "copywriter/rules/folded_text.h"

#include "adlib/tokenizer/characters.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

bool sets_no_spaces(char32_t c) {
  const Script script = script_of(c);
  return script == Script::han || script == Script::kana || (script == Script::common && is_wide(c));
}

}  // namespace

void append_rule_letters(std::u32string& out, char32_t c) { append_folded(out, c == U'’' ? U'\'' : c); }

FoldedText::FoldedText(std::string_view text) : source_(text) {
  folded_.reserve(text.size());
  from_.reserve(text.size());
  std::u32string letters;
  Range space;        // that has been read and not been put down
  bool tight = true;  // beside what went before no space counts
  const auto put = [&](std::string_view bytes, Range from) {
    folded_ += bytes;
    from_.resize(folded_.size(), from);
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(text, at);
    if (is_white_space(c)) {
      if (c == U'\n') {  // the end of a line stays, so that no gap passes it
        put("\n", {begin, at});
        space = {}, tight = true;
      } else if (space.empty()) {
        space = {begin, at};
      }
      continue;
    }
    letters.clear();
    append_rule_letters(letters, c);
    if (letters.empty()) {
      if (!from_.empty() && is_part_of_previous(c)) from_.back().end = at;
      continue;
    }
    const bool alone = sets_no_spaces(c);
    if (!space.empty() && !tight && !alone) put(" ", space);
    space = {};
    put(utf8(letters), {begin, at});
    tight = alone;
  }
}

Range FoldedText::source_of(Range folded) const {
  if (folded.empty()) {
    const std::size_t at = folded.begin < from_.size() ? from_[folded.begin].begin : source_.size();
    return {at, at};
  }
  return {from_[folded.begin].begin, from_[folded.end - 1].end};
}

}  // namespace adlib::copywriter
