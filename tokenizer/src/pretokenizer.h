// tokenizer/src/pretokenizer.h: cutting a text into the pieces that the model sees one by one.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "regex.h"

namespace adlib::tok {

/// What becomes of the text that a pattern matched.
enum class SplitBehavior { removed, isolated, merged_with_previous, merged_with_next, contiguous };

/// Cuts `text` at the `matches` (sorted, not overlapping) and appends the non-empty pieces, shifted by
/// `offset`. `invert` takes what lies between the matches for the matches.
void split_at(std::size_t length, const std::vector<Range>& matches, SplitBehavior behavior, bool invert,
              std::size_t offset, std::vector<Range>& out);

/// Text and the pieces it is cut into so far; what lies between the pieces has been dropped.
struct Pieces {
  std::string text;
  std::vector<Range> ranges;
  bool starts_text;  ///< ranges[0] is where the whole input starts
};

/// One entry of the "pre_tokenizer" of tokenizer.json.
class PretokenizerStep {
 public:
  virtual ~PretokenizerStep() = default;
  virtual void apply(Pieces& pieces) const = 0;
};

/// Finds the matches of one piece of text.
using Matcher = std::function<void(std::string_view, std::vector<Range>&)>;

std::unique_ptr<PretokenizerStep> make_split(Matcher matcher, SplitBehavior behavior, bool invert);
/// Puts a space before each piece that does not begin with one: ByteLevel's add_prefix_space.
std::unique_ptr<PretokenizerStep> make_prefix_space();
enum class PrependScheme { always, first, never };
/// Spaces become `replacement`, which is put in front as the scheme says; then cuts before each, if `split`.
std::unique_ptr<PretokenizerStep> make_metaspace(std::string replacement, PrependScheme scheme, bool split);

/// Matches each character for which `is_match` holds.
Matcher match_characters(std::function<bool(char32_t)> is_match);
Matcher match_regex(Regex regex);
Matcher match_string(std::string needle);

/// GPT-2's pattern, which ByteLevel with use_regex stands for.
extern const std::string_view kGpt2Pattern;
extern const std::string_view kLlama3Pattern;
extern const std::string_view kQwen2Pattern;

/// The end of the piece that begins at `at`, at < text.size(): a hand-written form of one pattern that
/// matches every text from end to end. `text` is valid UTF-8.
using NextPiece = std::size_t (*)(std::string_view text, std::size_t at);
/// The hand-written form of `pattern`, if it is one of the three above; else nullptr.
NextPiece fast_pattern(std::string_view pattern);
/// The pieces of a hand-written pattern.
Matcher match_all(NextPiece next);

/// A whole pre-tokenizer.
struct Pretokenizer {
  std::vector<std::unique_ptr<PretokenizerStep>> steps;
  /// Set when one well-known pattern is all there is: `steps` is empty then.
  NextPiece fast = nullptr;
  /// The pieces are to be taken as raw bytes (it ended with ByteLevel).
  bool byte_level = false;
};

}  // namespace adlib::tok
