// Any bytes: a file of rules is read or refused with an Error that names a place, and a pack that was read
// works.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "adlib/core/error.h"
#include "copywriter/rules/rule_pack.h"

using namespace adlib::copywriter;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  try {
    const RulePack pack = RulePack::parse(text, "t.toml");
    (void)pack.failed_examples();
    const FoldedText all(text);
    for (const Rule& rule : pack.rules) {
      for (const Range& where : rule.breaches(all)) {
        if (where.begin > where.end || where.end > text.size()) std::abort();
      }
      for (const PhraseSource& phrase : rule.phrases) (void)plain_phrases(phrase);
    }
  } catch (const adlib::Error& error) {
    if (std::strncmp(error.what(), "t.toml:", 7) != 0) std::abort();
  }
  return 0;
}
