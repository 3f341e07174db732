// copywriter/corpus/compose.h: from sentences to a copy.
#pragma once

#include <string>

#include "copywriter/corpus/lexicon.h"
#include "copywriter/corpus/random.h"
#include "copywriter/write/prompt.h"

namespace adlib::copywriter::corpus {

/// Joins sentences to copies. The prompt alone decides which sentences can be used, so that a copy says
/// nothing that its reader was not told.
class Composer {
 public:
  /// `lexicon` must outlive this. Of up to `drafts` copies the first is taken that says something of the
  /// customer's own behind its first clause, else the last.
  explicit Composer(const Lexicon& lexicon, int drafts = 1) : lexicon_(lexicon), drafts_(drafts) {}

  /// The copy for a prompt; empty when no attempt succeeds, as for a product whose own name repeats itself.
  /// `category` and `kind` may be null; the kind counts only where the prompt has an interest of it. `traits`
  /// are the customer's; those of the occasion are the prompt's, and what the prompt leaves open is drawn:
  /// the tone by what is known of the customer.
  std::string compose(const TaggedPrompt& prompt, const Book* category, const Book* kind, Traits traits,
                      Random& random) const;

 private:
  class Draft;
  const Lexicon& lexicon_;
  int drafts_;
};

/// True when four neighbouring units occur twice: characters of Chinese, words of English.
bool repeats_itself(const std::string& text, Language language);

}  // namespace adlib::copywriter::corpus
