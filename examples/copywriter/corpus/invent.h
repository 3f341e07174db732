// copywriter/corpus/invent.h: names, words and values that nobody has used, so that a model can only copy
// them.
#pragma once

#include <string>

#include "copywriter/corpus/lexicon.h"
#include "copywriter/corpus/random.h"

namespace adlib::copywriter::corpus {

/// With a capital letter in front, where an ASCII letter stands there.
std::string capitalised(std::string text);

class Inventor {
 public:
  /// Both must outlive this.
  Inventor(const Lexicon& zh, const Lexicon& en);

  std::string brand(Language language, Random& random) const;
  /// "Q2", "Air 3 Pro", "MX-450", "二代"
  std::string model(Language language, Random& random) const;
  /// Two to four made-up or real words: "雾灰蓝", "folded linen slate".
  std::string phrase(Language language, Random& random) const;
  /// The value of an attribute: a phrase, or a number with a unit.
  std::string value(Language language, Random& random) const;
  /// A product's title that follows no category.
  std::string title(Language language, Random& random) const;
  /// What a customer is called: "爱喝茶的猫", "Miro".
  std::string person(Language language, Random& random) const;

 private:
  const Lexicon& lexicon(Language language) const { return language == Language::zh ? zh_ : en_; }
  std::string characters(std::size_t count, Random& random) const;
  std::string syllables(Random& random) const;

  const Lexicon& zh_;
  const Lexicon& en_;
};

}  // namespace adlib::copywriter::corpus
