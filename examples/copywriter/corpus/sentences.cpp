#include "copywriter/corpus/sentences.h"

#include "adlib/core/error.h"

namespace adlib::copywriter::corpus {
namespace {

constexpr int kTagValueTimes = 60;  // often enough for "recommendation" to become one token

// Every character that titles and values need in any case.
constexpr const char* kCharacters =
    "!\"#$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]_abcdefghijklmnopqrstuvwxyz|~"
    "£€¥°℃×½·–—’“”‘…™®éèêëáàâäåçíîïñóôöøúüß";

class SentenceWriter {
 public:
  using Take = std::function<void(const std::string& text)>;
  SentenceWriter(std::uint64_t seed, const Take& take) : seed_(seed), take_(take) {}

  void write(const Lexicon& lexicon, const WorldOptions& held_out) {
    lexicon_ = &lexicon;
    write(lexicon.general);
    for (const Book& book : lexicon.categories) {
      if (!held_out.held_out_categories.contains(book.id)) write(book);
    }
    for (const Book& book : lexicon.kinds) {
      if (!held_out.held_out_kinds.contains(book.id)) write(book);
    }
    for (const std::string& character : lexicon.characters) take_(character);
    for (int i = 0; i < kTagValueTimes; ++i) {
      for (const Trait trait :
           {Trait::scene, Trait::channel, Trait::tone, Trait::gender, Trait::sensitivity}) {
        for (const std::string_view value : trait_values(trait)) word(value);
      }
    }
  }

 private:
  void write(const Book& book) {
    for (const auto& entries : book.entries) {
      for (const Entry& entry : entries) expanded(entry.pattern, book);
    }
    for (const auto& list : book.lists) {
      for (const Pattern& entry : list) expanded(entry, book);
    }
    for (const auto* patterns : {&book.titles, &book.reviews}) {
      for (const Pattern& pattern : *patterns) expanded(pattern, book);
    }
    for (const Attribute& attribute : book.attributes) {
      for (const Pattern& value : attribute.values) expanded(value, book);
      word(attribute.name);
    }
    for (const auto* words : {&book.names, &book.interests, &book.cities}) {
      for (const std::string& name : *words) word(name);
    }
  }

  // As in a prompt: an English word stands behind a space.
  void word(std::string_view text) { take_(concat(lexicon_->language == Language::en ? " " : "", text)); }

  void expanded(const Pattern& pattern, const Book& book) {
    Random random(seed_, number_++);
    Scope scope;
    for (std::size_t i = 0; i < kSlots; ++i) scope.set(static_cast<Slot>(i), random.pick(lexicon_->words));
    for (std::size_t i = 0; i < kLists; ++i) {
      const auto& list = book.lists[i].empty() ? lexicon_->general.lists[i] : book.lists[i];
      if (!list.empty()) scope.lists[i] = &list;
    }
    // General sentences with a list that only kinds of customer have leave an empty text.
    word(pattern.possible(scope) ? pattern.expand(scope, random) : "");
  }

  std::uint64_t seed_;
  const Take& take_;
  const Lexicon* lexicon_ = nullptr;
  std::uint64_t number_ = 0;
};

}  // namespace

void for_each_sentence(const Lexicon& zh, const Lexicon& en, const WorldOptions& held_out, std::uint64_t seed,
                       const std::function<void(const std::string& text)>& take) {
  SentenceWriter writer(seed, take);
  writer.write(zh, held_out);
  writer.write(en, held_out);
  take(kCharacters);
}

}  // namespace adlib::copywriter::corpus
