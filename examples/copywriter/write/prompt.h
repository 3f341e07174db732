// copywriter/write/prompt.h: the prompt that adlib's own model was taught to read: tags, and the text of
// fields between them. The format is told in docs/copywriter.md.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/tokenizer/tokenizer.h"
#include "copywriter/shop/customer.h"
#include "copywriter/shop/language.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter {

/// Where a copy is shown, which decides how long it is.
enum class Channel { push, sms, email, chat, feed, detail, banner };
enum class Tone { plain, warm, playful, elegant, energetic, expert };

/// Throw Error(invalid_argument) that lists the names there are.
Channel parse_channel(std::string_view name);
Tone parse_tone(std::string_view name);
const char* to_string(Channel channel) noexcept;
const char* to_string(Tone tone) noexcept;
const std::vector<Channel>& all_channels();
const std::vector<Tone>& all_tones();

/// What is asked for. Without a scene, channel or tone the model chooses.
struct Brief {
  Language language = Language::zh;
  std::optional<Scene> scene;
  std::optional<Channel> channel;
  std::optional<Tone> tone;
};

/// A tag such as "<|price|>" and the text behind it: one clean line, with a space before it in English, as
/// words have it in the middle of a sentence. An English copy begins with that space, too.
struct PromptField {
  std::string_view tag;
  std::string text;
};
using TaggedPrompt = std::vector<PromptField>;

/// Every tag, in the order in which prompts have them; the last one, "<|copy|>", ends every prompt.
const std::vector<std::string_view>& prompt_tags();
/// True for a vocabulary in which each of them is one id: that of a model which reads such prompts.
bool has_prompt_tags(const Tokenizer& tokenizer);

/// The brief, the product, the customer, in this order: requests for one product begin alike. A field that is
/// missing is left out. Lists are cut to what the model was taught: six facts, four interests, the two newest
/// purchases and views, one each of the cart, the favourites and the reviews.
TaggedPrompt tagged_prompt(const Brief& brief, const Product& product, const Customer& customer);

/// The prompt as one text. "<|" inside a field becomes "< |", so that no field reads as a tag.
std::string to_text(const TaggedPrompt& prompt);
/// The ids of the prompt. Fields are data: nothing in them becomes a tag or a special token.
std::vector<TokenId> encode(const TaggedPrompt& prompt, const Tokenizer& tokenizer);

/// What cuts a prompt to what a model can read; false where it cannot.
using ShortenPrompt = std::function<bool(TaggedPrompt& prompt)>;
/// Leaves out fields until a prompt has at most so many tokens: what the customer did first, then the
/// description, the facts and the interests, each from the last on, at last the category and the brand. False
/// where the rest, with the product's title, is still too long.
bool shorten(TaggedPrompt& prompt, std::size_t tokens, const Tokenizer& tokenizer);

/// A price as prompts and copy have it: "399元", "59.90元", "$89.50".
std::string price_text(const Money& money, Language language);

}  // namespace adlib::copywriter
