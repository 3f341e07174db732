#include "copywriter/write/prompt.h"

#include <algorithm>
#include <array>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::array<const char*, 7> kChannels{"push", "sms", "email", "chat", "feed", "detail", "banner"};
constexpr std::array<const char*, 6> kTones{"plain", "warm", "playful", "elegant", "energetic", "expert"};

constexpr std::size_t kFacts = 6, kInterests = 4, kEvents = 2;
constexpr std::size_t kFieldCharacters = 200;  // of any field: more is no name
constexpr std::size_t kTextCharacters = 60;    // of a description or a review, which is cut at a clause

template <class Name, std::size_t N>
Name parse_name(const std::array<const char*, N>& names, std::string_view what, std::string_view name) {
  std::string known;
  for (std::size_t i = 0; i < N; ++i) {
    if (name == names[i]) return static_cast<Name>(i);
    known += (i == 0 ? "" : ", ") + std::string(names[i]);
  }
  fail(ErrorCode::invalid_argument, what, " '", name, "' is unknown, expected one of ", known);
}

template <class Name, std::size_t N>
std::vector<Name> all_of(const std::array<const char*, N>&) {
  std::vector<Name> all;
  for (std::size_t i = 0; i < N; ++i) all.push_back(static_cast<Name>(i));
  return all;
}

std::string defused(std::string text) {
  for (std::size_t at = 0; (at = text.find("<|", at)) != std::string::npos; at += 2)
    text.insert(at + 1, 1, ' ');
  return text;
}

// The first sentence, or as many of its clauses as fit. Nothing where not one does: what is quoted must not
// break off. Without the full stop, so that it can be quoted inside another sentence.
std::string opening_clauses(const std::string& text) {
  constexpr std::u32string_view sentence_ends = U"。！？!?\n", clause_ends = U"，；、,;：:";
  std::size_t at = 0, count = 0, clause = 0, end = text.size();
  while (at < text.size()) {
    const std::size_t before = at;
    const char32_t character = next_code_point(text, at);
    const bool full_stop = character == U'.' && (at == text.size() || text[at] == ' ');
    if (full_stop || sentence_ends.find(character) != std::u32string_view::npos) {
      end = before;
      break;
    }
    if (count++ == kTextCharacters) {
      end = clause;
      break;
    }
    const bool between_digits = character < 0x80 && at < text.size() && text[at] != ' ';
    if (clause_ends.find(character) != std::u32string_view::npos && !between_digits) clause = before;
  }
  return std::string(trim(std::string_view(text).substr(0, end)));
}

// In English a space stands before the text, as before a word in the middle of a sentence: the vocabulary
// then cuts a name in the prompt as it does in the copy.
class Fields {
 public:
  explicit Fields(Language language) : before_(language == Language::en ? " " : "") {
    prompt_.push_back({language == Language::en ? "<|en|>" : "<|zh|>", ""});
  }
  void add(std::string_view tag, std::string_view text) {
    std::string clean = clean_text(text);
    if (clean.empty()) return;
    prompt_.push_back({tag, std::string(before_) + defused(first_characters(clean, kFieldCharacters))});
  }
  void add_newest(std::string_view tag, const std::vector<Event>& events, std::size_t count) {
    for (std::size_t i = events.size(); i-- > 0 && count > 0; --count) {
      add(tag, events[i].title.empty() ? events[i].category : events[i].title);
    }
  }
  void add_extra(std::string_view tag, const io::Json& extras, const char* name) {
    const auto found = extras.find(name);
    if (found != extras.end() && found->is_string()) add(tag, found->get<std::string>());
  }
  TaggedPrompt take() {
    prompt_.push_back({"<|copy|>", ""});
    return std::move(prompt_);
  }

 private:
  std::string_view before_;
  TaggedPrompt prompt_;
};

}  // namespace

Channel parse_channel(std::string_view name) { return parse_name<Channel>(kChannels, "channel", name); }
Tone parse_tone(std::string_view name) { return parse_name<Tone>(kTones, "tone", name); }
const char* to_string(Channel channel) noexcept { return kChannels[static_cast<std::size_t>(channel)]; }
const char* to_string(Tone tone) noexcept { return kTones[static_cast<std::size_t>(tone)]; }

const std::vector<Channel>& all_channels() {
  static const std::vector<Channel> all = all_of<Channel>(kChannels);
  return all;
}
const std::vector<Tone>& all_tones() {
  static const std::vector<Tone> all = all_of<Tone>(kTones);
  return all;
}

const std::vector<std::string_view>& prompt_tags() {
  static const std::vector<std::string_view> tags{
      "<|zh|>",       "<|en|>",    "<|scene|>", "<|channel|>", "<|tone|>",   "<|product|>",  "<|brand|>",
      "<|category|>", "<|price|>", "<|was|>",   "<|fact|>",    "<|about|>",  "<|customer|>", "<|age|>",
      "<|gender|>",   "<|city|>",  "<|level|>", "<|spend|>",   "<|prices|>", "<|interest|>", "<|bought|>",
      "<|viewed|>",   "<|cart|>",  "<|saved|>", "<|review|>",  "<|copy|>"};
  return tags;
}

bool has_prompt_tags(const Tokenizer& tokenizer) {
  const auto& tags = prompt_tags();
  return std::all_of(tags.begin(), tags.end(),
                     [&](std::string_view tag) { return tokenizer.encode(tag).size() == 1; });
}

TaggedPrompt tagged_prompt(const Brief& brief, const Product& product, const Customer& customer) {
  const Language language = brief.language;
  Fields fields(language);
  if (brief.scene) fields.add("<|scene|>", to_string(*brief.scene));
  if (brief.channel) fields.add("<|channel|>", to_string(*brief.channel));
  if (brief.tone) fields.add("<|tone|>", to_string(*brief.tone));

  fields.add("<|product|>", product.title);
  fields.add("<|brand|>", product.brand);
  fields.add("<|category|>", product.category);
  if (product.price && !product.price_max) {  // "from 49" is no price that copy could state
    fields.add("<|price|>", price_text(*product.price, language));
    if (product.compare_at_price) fields.add("<|was|>", price_text(*product.compare_at_price, language));
  }
  for (std::size_t i = 0; i < std::min(kFacts, product.attributes.size()); ++i) {
    const auto& [name, values] = product.attributes[i];
    std::string fact = name + (language == Language::zh ? "：" : ": ");
    for (std::size_t v = 0; v < values.size(); ++v) {
      fact += (v == 0 ? "" : language == Language::zh ? "、" : ", ") + values[v];
    }
    if (!values.empty()) fields.add("<|fact|>", fact);
  }
  fields.add("<|about|>", opening_clauses(product.description));

  fields.add("<|customer|>", customer.name);
  if (customer.age) fields.add("<|age|>", std::to_string(*customer.age));
  if (customer.gender == "male" || customer.gender == "female") fields.add("<|gender|>", customer.gender);
  fields.add_extra("<|city|>", customer.extras, "city");
  fields.add("<|level|>", customer.member_level);
  if (customer.spend) fields.add("<|spend|>", price_text(*customer.spend, language));
  fields.add_extra("<|prices|>", customer.extras, "price_sensitivity");
  for (std::size_t i = 0; i < std::min(kInterests, customer.interests.size()); ++i) {
    fields.add("<|interest|>", customer.interests[i]);
  }
  fields.add_newest("<|bought|>", customer.purchases, kEvents);
  fields.add_newest("<|viewed|>", customer.browsing, kEvents);
  fields.add_newest("<|cart|>", customer.cart, 1);
  fields.add_newest("<|saved|>", customer.favourites, 1);
  if (!customer.reviews.empty())
    fields.add("<|review|>", opening_clauses(clean_text(customer.reviews.back().text)));
  return fields.take();
}

std::string to_text(const TaggedPrompt& prompt) {
  std::string text;
  for (const PromptField& field : prompt) text.append(field.tag).append(field.text);
  return text;
}

std::vector<TokenId> encode(const TaggedPrompt& prompt, const Tokenizer& tokenizer) {
  std::vector<TokenId> ids;
  for (const PromptField& field : prompt) {
    for (const TokenId id : tokenizer.encode(field.tag)) ids.push_back(id);
    for (const TokenId id : tokenizer.encode_text(field.text)) ids.push_back(id);
  }
  return ids;
}

bool shorten(TaggedPrompt& prompt, std::size_t tokens, const Tokenizer& tokenizer) {
  constexpr std::array<std::string_view, 10> least_missed{
      "<|review|>", "<|saved|>", "<|cart|>",     "<|viewed|>",   "<|bought|>",
      "<|about|>",  "<|fact|>",  "<|interest|>", "<|category|>", "<|brand|>"};
  std::size_t size = encode(prompt, tokenizer).size();
  for (const std::string_view tag : least_missed) {
    for (std::size_t i = prompt.size(); i-- > 0 && size > tokens;) {
      if (prompt[i].tag != tag) continue;
      size -= encode({prompt[i]}, tokenizer).size();
      prompt.erase(prompt.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return size <= tokens;
}

std::string price_text(const Money& money, Language language) {
  std::string amount = money.amount;
  const std::size_t point = amount.find('.');
  if (point != std::string::npos && amount.find_first_not_of('0', point + 1) == std::string::npos) {
    amount.resize(point);
  }
  return money_text({amount, money.currency}, language);
}

}  // namespace adlib::copywriter
