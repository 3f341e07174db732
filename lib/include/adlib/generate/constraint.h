// adlib/generate/constraint.h: what a text must and must not say, held while it is written.
//
// The rules are about characters, not tokens, so that no way of cutting a text into tokens slips through. A
// token that would break one is not drawn: the others share its probability. Whenever a text could stop, the
// place is remembered together with what would complete it: a full stop, the phrases that are still missing,
// the lines that must close it. When there is no more room, the text ends at the best such place; when no
// token is allowed, it goes back to the last one and takes another way. So a model is never asked for more
// than it wrote, and a bad one cannot break a rule either.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "adlib/generate/number_scan.h"
#include "adlib/generate/phrase_set.h"
#include "adlib/generate/text_length.h"
#include "adlib/tokenizer/characters.h"

namespace adlib {

/// What a Constraint is made of. Everything may be left out.
struct ConstraintRules {
  std::shared_ptr<const PhraseSet> forbidden = {};
  std::vector<std::string> required = {};  ///< each stands somewhere in the text, letter by letter
  std::vector<std::string> ending = {};    ///< these close the text, in this order: a way to opt out, a label
  /// If given, numbers are those of these strings, each with the unit that it has there and no other:
  /// "299元", "20 x 30 cm", "2024". "1,299" is 1299. A number in words (三, "five") is not one.
  std::optional<std::vector<std::string>> numbers = {};
  std::shared_ptr<const UnitSet> units = {};
  LengthUnit unit = LengthUnit::characters;
  std::int64_t max_length = 0;       ///< 0: as long as it likes
  std::int64_t min_length = 0;       ///< before which the model cannot end the text; limits can
  std::vector<Script> scripts = {};  ///< allowed beside Script::common; none named: all
  /// Where `scripts` are named: runs of letters of others stand whole in these strings: of "静谷 Q2 Pro" come
  /// 静谷, "q" and "pro". So a Chinese text has no word in letters but those of the facts. Case and width do
  /// not count, and "㎏" is "kg".
  std::vector<std::string> foreign = {};
  std::int64_t no_repeat =
      0;                  ///< no run of so many letters twice, save inside `required` and `ending`; 0: off
  bool sentences = true;  ///< the text ends with a whole sentence
  std::string full_stop = "。";  ///< that completes one; after "." a space comes between sentences
};

/// Rules, checked and ready for any number of texts at once.
class Constraint {
 public:
  /// Throws Error(invalid_argument) for rules that contradict each other: no text, not even what `required`
  /// and `ending` ask for alone, obeys them all.
  explicit Constraint(ConstraintRules rules);
  const ConstraintRules& rules() const { return rules_; }

 private:
  friend class ConstrainedText;
  ConstraintRules rules_;
  std::set<std::pair<std::string, int>> numbers_;  // digits, and the unit that they have
  std::unordered_set<std::uint64_t> exempt_;       // hashes of runs that may come again
  std::set<std::u32string> foreign_;               // runs of other scripts, folded
  bool is_foreign(char32_t c) const;
};

/// A text under a constraint, as it grows. The constraint must outlive it.
class ConstrainedText {
 public:
  enum class Verdict : std::uint8_t {
    accepted,
    forbidden,  ///< no text that goes on so obeys the rules; nothing was added
    full,       ///< it would be too long; nothing was added
  };
  explicit ConstrainedText(const Constraint& constraint);

  /// Adds whole characters.
  Verdict push(std::string_view piece);
  /// Whether the model may end the text here.
  bool may_end() const;
  /// The text, complete: as it stands where it may end, else from the best place behind which something could
  /// be added: the end of a sentence if that leaves half of max_length, else of a clause, else of a word.
  std::string finish() const;
  const std::string& text() const { return text_; }
  /// The bytes of text up to the last place where something can end it.
  std::size_t last_place() const;

 private:
  friend class Constraint;
  // Where the text stands: what is small. What grows is kept beside it and cut back.
  struct Scan {
    std::optional<PhraseSet::Scan> phrases;
    NumberScan number;
    std::u32string foreign;  // run of other scripts that the text ends with
    TextLength length;
    std::vector<bool> found;  // of `required`
    char32_t last = 0;        // character
    bool ended = false;       // a sentence, and nothing but quotes and spaces came since
  };
  struct Mark {
    Scan scan;
    std::size_t text, letters, windows;
  };
  // A place where the text can end, and how.
  struct Place {
    std::size_t text = 0;
    std::string closing;
    double share = 0;  // of max_length, with the closing
    bool reached = false;
  };
  enum PlaceKind { sentence, clause, word, kinds };

  Mark mark() const { return {scan_, text_.size(), letters_.size(), windows_.size()}; }
  void back(const Mark& mark);
  bool add(char32_t c);
  bool allowed(const Quantity& number) const;
  bool may_become_allowed() const;
  bool add_foreign(char32_t c, std::u32string_view letters);
  bool add_windows(std::size_t from);
  bool sound_end() const;
  const Place* end_here() const;
  std::string closing(PlaceKind kind) const;
  void remember(PlaceKind kind, Place& place);

  const Constraint* constraint_;
  Scan scan_;
  std::string text_;
  std::u32string letters_;                  // the text, folded
  std::vector<std::uint64_t> windows_;      // hashes of its runs of no_repeat letters, in their order
  std::unordered_set<std::uint64_t> seen_;  // the same, to look up
  Place places_[kinds];
};

}  // namespace adlib
