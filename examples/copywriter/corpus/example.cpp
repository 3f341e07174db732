#include "copywriter/corpus/example.h"

#include <algorithm>

#include "adlib/core/error.h"

namespace adlib::copywriter::corpus {
namespace {

constexpr int kAttempts = 20;

Brief draw_brief(Language language, Random& random) {
  Brief brief{language, {}, {}, {}};
  if (random.chance(0.9)) brief.scene = random.pick(all_scenes());
  // A short copy teaches as much of its channel with fewer tokens; long ones are drawn oftener.
  if (random.chance(0.7)) {
    brief.channel = static_cast<Channel>(random.weighted({1, 1, 1.5, 1.5, 1.5, 1.5, 0.7}));
  }
  if (random.chance(0.5)) brief.tone = random.pick(all_tones());
  return brief;
}

// People will give fields in orders of their own.
void shuffle_fields(TaggedPrompt& prompt, Random& random) {
  TaggedPrompt middle(prompt.begin() + 1, prompt.end() - 1);
  middle = random.sample(middle, middle.size());
  std::copy(middle.begin(), middle.end(), prompt.begin() + 1);
}

}  // namespace

OrderedJson training_record(const Example& example) {
  OrderedJson record{{"prompt", to_text(example.prompt)},
                     {"completion", example.copy},
                     {"language", to_string(example.brief.language)}};
  if (example.product.category) record["category"] = example.product.category->id;
  if (example.customer.kind) record["kind"] = example.customer.kind->id;
  return record;
}

Example ExampleMaker::make(std::uint64_t seed, std::uint64_t index, std::optional<Language> language) const {
  Random random(seed, index);
  const bool zh = random.chance(0.5);  // drawn in any case, so that the rest does not depend on the argument
  const Language chosen = language.value_or(zh ? Language::zh : Language::en);
  const Composer& composer = chosen == Language::zh ? zh_ : en_;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Example example{
        draw_brief(chosen, random), world_.product(chosen, random), world_.customer(chosen, random), {}, {}};
    example.prompt = tagged_prompt(example.brief, example.product.product, example.customer.customer);
    if (random.chance(0.05)) shuffle_fields(example.prompt, random);
    example.copy = composer.compose(example.prompt, example.product.category, example.customer.kind,
                                    example.customer.traits, random);
    if (!example.copy.empty()) return example;
  }
  fail(ErrorCode::invalid_argument, "corpus: no copy for example ", index, " of seed ", seed, " in ",
       kAttempts, " attempts");
}

OrderedJson ExampleMaker::record(std::uint64_t seed, std::uint64_t index,
                                 std::optional<Language> language) const {
  Random random(seed + 1, index);
  if (!random.chance(0.3)) return training_record(make(seed, index, language));
  const bool zh = random.chance(0.5);
  const Language chosen = language.value_or(zh ? Language::zh : Language::en);
  const std::string words = concat(chosen == Language::zh ? "" : " ", world_.words(chosen, random));
  const TaggedPrompt prompt{
      {chosen == Language::zh ? "<|zh|>" : "<|en|>", ""}, {kRepeatTag, words}, {"<|copy|>", ""}};
  return {{"prompt", to_text(prompt)}, {"completion", words}, {"language", to_string(chosen)}};
}

}  // namespace adlib::copywriter::corpus
