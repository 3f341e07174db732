// copywriter/publish/formats.h: approved texts in the formats that shops, advertisers and senders read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/rules/channels.h"
#include "copywriter/shop/json_line.h"
#include "copywriter/shop/product.h"

namespace adlib::copywriter {

struct Candidate;

struct FormatOptions {
  std::string link_prefix = {};    ///< of products without an address: "https://shop.example/products/"
  std::string availability = {};   ///< of products that say nothing, for Meta: "in stock"
  std::string condition = {};      ///< the same: "new"
  std::string campaign = "adlib";  ///< of Google Ads
  std::string sender = {};         ///< of e-mail: "Name <shop@example.com>"
  /// Of e-mail: addresses to unsubscribe, https: and mailto:, with {user}, {copy} and {token} in them.
  std::string unsubscribe_url = {}, unsubscribe_mailto = {};
  /// Of e-mail: what stands in front of the subject, "" for nothing. Not given: what the law asks for,
  /// "广告" in Chinese and nothing in English.
  std::optional<std::string> subject_label = {};
  /// Why the product's name must not be the title or subject that a text has none of ("" when it may), for a
  /// channel or "" for none.
  std::function<std::string(std::string_view title, const Candidate& text, std::string_view channel,
                            const Product& product)>
      why_not_title = {};
};

/// A text that may go out.
struct Candidate {
  std::int64_t copy = 0, placement = 0;
  std::string scene, channel, language, arm, text;
  std::string key;       ///< of its publication: the same until it has gone out
  bool fresh = true;     ///< it has not gone out to this target yet, or is to go out again
  std::int64_t row = 0;  ///< of the publication that was begun; 0: none
};

/// What belongs together in one item of a format: of one product, and of one user where it is personal.
struct Item {
  std::optional<std::string> user;  ///< the shop's id
  const Product* product = nullptr;
  std::vector<Candidate> texts;                        ///< chosen: at most one of a placement, but of ads all
  std::function<std::string(std::string_view)> token;  ///< a secret that nobody can guess, of a text

  /// The first text of a channel.
  const Candidate* find(std::string_view channel) const;
  std::vector<const Candidate*> all(std::string_view channel) const;
};

/// One file, or one of several.
struct Piece {
  std::string name;  ///< of the file, where the format makes several
  std::string text;
};
/// An item in its format.
struct Rendered {
  std::vector<Piece> pieces;
  std::vector<const Candidate*> used;  ///< of its texts
  std::int64_t formulas = 0;           ///< cells that got an apostrophe
};

/// Whose texts a format takes. What was written for a user is never shown to everybody.
enum class Audience { everybody, users, both };
/// How texts become an item, by what groups them.
enum class Grouping {
  product,           ///< one item a product
  product_language,  ///< one item a product and language
  message,           ///< one item a user, product, scene and language
  placement,         ///< one item a placement
};

class Format {
 public:
  virtual ~Format() = default;
  virtual Grouping grouping() const = 0;
  virtual Audience audience() const = 0;
  virtual bool all_variants() const { return false; }  ///< takes every variant, not one of a placement
  virtual bool several_files() const { return false; }
  virtual bool one_language() const { return false; }  ///< cannot hold a product twice
  /// The channels whose texts it takes; none: all.
  virtual std::vector<std::string> channels() const = 0;
  virtual std::string header() const { return {}; }
  /// Throws Error(invalid_argument) that names the product or copy, when it cannot be published. Nothing is
  /// used of an item that has no text for it.
  virtual Rendered render(const Item& item) const = 0;
};

/// The format of a target: "shopify", "google-ads", "meta", "taobao", "xiaohongshu", "sms", "push",
/// "webhook", "email" (with `mbox` in one file), or nothing for another name. `channels` must outlive it.
/// Throws Error(invalid_argument) for options that it needs and are missing or wrong.
std::unique_ptr<Format> make_format(std::string_view target, const std::vector<ChannelField>& channels,
                                    const FormatOptions& options, bool mbox);

/// The formats of formats_shop.cpp, formats_message.cpp and email.cpp.
std::unique_ptr<Format> make_shop_format(std::string_view target, const std::vector<ChannelField>& channels,
                                         const FormatOptions& options);
std::unique_ptr<Format> make_message_format(std::string_view target,
                                            const std::vector<ChannelField>& channels,
                                            const FormatOptions& options);
std::unique_ptr<Format> make_email_format(const std::vector<ChannelField>& channels,
                                          const FormatOptions& options, bool mbox);

/// Throws Error(invalid_argument) "copy 17: …" for a text that is not UTF-8, holds control characters, or
/// breaks a limit of its channel. `how`: what was done to it, " with the label …".
void require_fit(const Candidate& text, const std::vector<ChannelField>& channels, std::string_view how = {});
/// Throws Error(invalid_argument) "copy 17: …" where what stands for a text that nobody approved, of the
/// shop's own words, is empty or options.why_not_title() has a reason, naming the channel of which a text is
/// to be approved instead, "" for none. `what`: "title", "description".
void require_title(std::string_view title, const Candidate& text, std::string_view channel, const Item& item,
                   const FormatOptions& options, std::string_view what = "title");
/// Whether it begins with https:// or http://, names a host, and holds nothing that an address cannot.
bool is_web_address(std::string_view text);
/// The object and the end of a line; what is not UTF-8 becomes U+FFFD.
std::string json_line(const OrderedJson& object);
/// As much of a name as fits, cut where a word ends (UAX #29; of Chinese, ICU's dictionary); "" where none
/// does.
std::string cut_to_fit(std::string_view name, const ChannelField& channel);
/// A paragraph for each part between blank lines, <br> for other ends of lines.
std::string html_paragraphs(std::string_view text);
/// RFC 3986, 2.1: every byte but unreserved ones as %XX.
std::string percent_encoded(std::string_view text);

}  // namespace adlib::copywriter
