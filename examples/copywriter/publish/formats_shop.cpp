// Files that shops and advertisers import: one text for everybody who looks at a product.
#include <algorithm>
#include <array>
#include <set>

#include "adlib/core/error.h"
#include "copywriter/collect/csv_writer.h"
#include "copywriter/publish/formats.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kFewestHeadlines = 3, kMostHeadlines = 15, kFewestDescriptions = 2,
                      kMostDescriptions = 4;

[[noreturn]] void lacks(const Product& product, const std::string& what) {
  fail(ErrorCode::invalid_argument, "product '", product.id, "': ", what);
}

// A field that the shop's own file had beside those that adlib reads.
std::string extra(const Product& product, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    const auto found = product.extras.find(name);
    if (found != product.extras.end() && found->is_string() && !found->get<std::string>().empty())
      return found->get<std::string>();
  }
  return {};
}

std::string link_of(const Product& product, const FormatOptions& options) {
  std::string link = extra(product, {"link", "url", "Link", "URL"});
  if (link.empty() && !options.link_prefix.empty()) link = options.link_prefix + percent_encoded(product.id);
  if (link.empty())
    lacks(
        product,
        "has no address; add a column 'link', or give --link-prefix with the address of the shop's products");
  if (!is_web_address(link))
    lacks(product, "link is '" + first_characters(clean_text(link), 60) +
                       "', expected an address that begins with https://");
  return link;
}

// What the shop itself wrote goes out as one clean line.
std::string plain(std::string_view text) { return clean_text(text); }

class ShopFormat : public Format {
 public:
  ShopFormat(const std::vector<ChannelField>& channels, FormatOptions options)
      : fields_(channels), options_(std::move(options)) {}
  Grouping grouping() const override { return Grouping::product; }
  Audience audience() const override { return Audience::everybody; }
  bool one_language() const override { return true; }

 protected:
  // The text of the first of these channels that has one, which is then used.
  const Candidate* take(const Item& item, std::initializer_list<const char*> names, Rendered& out) const {
    for (const char* name : names) {
      const Candidate* text = item.find(name);
      if (!text) continue;
      require_fit(*text, fields_);
      out.used.push_back(text);
      return text;
    }
    return nullptr;
  }
  static void add_row(Rendered& out, std::span<const std::string> cells) {
    out.formulas += std::count_if(cells.begin(), cells.end(), looks_like_formula);
    out.pieces.push_back({{}, csv_row(cells)});
  }
  const FormatOptions& options() const { return options_; }
  const std::vector<ChannelField>& fields() const { return fields_; }

 private:
  const std::vector<ChannelField>& fields_;
  FormatOptions options_;
};

// Of products that are there, an import changes the columns that the file has. So what no text was written
// for is given as the shop had it.
class ShopifyFormat : public ShopFormat {
 public:
  using ShopFormat::ShopFormat;
  std::vector<std::string> channels() const override {
    return {"shopify-description", "meta-description",        "shopify-seo-title",
            "meta-title",          "shopify-seo-description", "google-description"};
  }
  std::string header() const override { return csv_row(kHeader); }
  Rendered render(const Item& item) const override {
    const Product& product = *item.product;
    Rendered out;
    const Candidate* body = take(item, {"shopify-description", "meta-description"}, out);
    const Candidate* title = take(item, {"shopify-seo-title", "meta-title"}, out);
    const Candidate* description = take(item, {"shopify-seo-description", "google-description"}, out);
    if (out.used.empty()) return out;
    if (!body && !product.description.empty()) {
      lacks(product,
            "has a description in the shop but no approved text for it, and the import would replace it; "
            "approve a copy of shopify-description or meta-description");
    }
    const auto seo = [&](const Candidate* text, const char* column, std::int64_t limit) {
      const std::string cell = text ? text->text : plain(extra(product, {column}));
      const std::int64_t length = length_of(cell).in(LengthUnit::characters);
      if (length > limit) lacks(product, concat(column, " has ", length, " characters, at most ", limit));
      return cell;
    };
    const std::array<std::string, 5> row = {
        product.id, plain(product.title), body ? html_paragraphs(body->text) : "",
        seo(title, "SEO Title", 70), seo(description, "SEO Description", 160)};
    add_row(out, row);
    return out;
  }

 private:
  inline static const std::array<std::string, 5> kHeader = {"Handle", "Title", "Body (HTML)", "SEO Title",
                                                            "SEO Description"};
};

class GoogleAdsFormat : public ShopFormat {
 public:
  using ShopFormat::ShopFormat;
  Grouping grouping() const override { return Grouping::product_language; }
  bool one_language() const override { return false; }
  bool all_variants() const override { return true; }
  std::vector<std::string> channels() const override { return {"google-headline", "google-description"}; }
  std::string header() const override {
    std::vector<std::string> names = {"Campaign", "Ad group", "Ad type", "Final URL"};
    for (std::size_t i = 1; i <= kMostHeadlines; ++i) names.push_back("Headline " + std::to_string(i));
    for (std::size_t i = 1; i <= kMostDescriptions; ++i) names.push_back("Description " + std::to_string(i));
    return csv_row(names);
  }
  Rendered render(const Item& item) const override {
    const Product& product = *item.product;
    Rendered out;
    std::vector<std::string> row = {plain(options().campaign), product.id + " " + item.texts.front().language,
                                    "Responsive search ad", link_of(product, options())};
    add(item, "google-headline", kFewestHeadlines, kMostHeadlines, row, out);
    add(item, "google-description", kFewestDescriptions, kMostDescriptions, row, out);
    add_row(out, row);
    return out;
  }

 private:
  void add(const Item& item, const char* channel, std::size_t fewest, std::size_t most,
           std::vector<std::string>& row, Rendered& out) const {
    std::set<std::string_view> distinct;  // Google refuses the same asset twice
    for (const Candidate* text : item.all(channel)) {
      if (distinct.size() == most) break;
      if (distinct.contains(text->text)) continue;
      require_fit(*text, fields());
      // {KeyWord:…}, {CUSTOMIZER.…}: what Google would replace by something that nobody approved.
      if (text->text.find_first_of("{}") != std::string::npos)
        fail(ErrorCode::invalid_argument, "copy ", text->copy,
             ": holds { or }, which Google Ads replaces; 'adlib review edit' mends it");
      distinct.insert(text->text);
      row.push_back(text->text);
      out.used.push_back(text);
    }
    if (distinct.size() < fewest) {
      lacks(*item.product, concat("has ", distinct.size(), " different approved texts of ", channel, " (",
                                  item.texts.front().language, "), expected ", fewest, " to ", most,
                                  "; write and approve more variants"));
    }
    row.resize(row.size() + most - distinct.size());
  }
};

class MetaFormat : public ShopFormat {
 public:
  using ShopFormat::ShopFormat;
  std::vector<std::string> channels() const override { return {"meta-title", "meta-description"}; }
  std::string header() const override { return csv_row(kHeader); }
  Rendered render(const Item& item) const override {
    const Product& product = *item.product;
    Rendered out;
    const Candidate* title = take(item, {"meta-title"}, out);
    const Candidate* description = take(item, {"meta-description"}, out);
    if (out.used.empty()) return out;
    const std::string about = description ? description->text : plain(product.description);
    if (about.empty()) lacks(product, "has no description; approve a copy of meta-description");
    if (!description) require_title(about, *title, "meta-description", item, options(), "description");
    const std::string name =
        title ? title->text : cut_to_fit(product.title, find_channel(fields(), "meta-title"));
    if (!title) require_title(name, *description, "meta-title", item, options());
    if (!product.price || product.price->currency.empty())
      lacks(product,
            "has no price with a currency; import it with a price, and --currency where the file names none");
    const std::string image = product.images.empty() ? extra(product, {"image_link", "图片链接", "主图"})
                                                     : product.images.front().url;
    if (image.empty())
      lacks(product, "has no image, which Meta asks for; import it with a column 'image_link'");
    if (!is_web_address(image)) lacks(product, "the address of its image does not begin with https://");
    if (product.brand.empty()) lacks(product, "has no brand, which Meta asks for; import it with one");
    const std::array<std::string, 9> row = {
        product.id,
        name,
        about,
        one_of(product, "availability", options().availability,
               {"in stock", "out of stock", "preorder", "available for order", "discontinued"}),
        one_of(product, "condition", options().condition, {"new", "refurbished", "used"}),
        price(product),
        link_of(product, options()),
        image,
        plain(product.brand)};
    add_row(out, row);
    return out;
  }

 private:
  static std::string price(const Product& product) {
    return money_from_ten_thousandths(product.price->ten_thousandths(), {}).amount + " " +
           product.price->currency;
  }
  static std::string one_of(const Product& product, const char* name, const std::string& fallback,
                            std::initializer_list<std::string_view> values) {
    std::string value = extra(product, {name});
    if (value.empty()) value = fallback;
    if (std::find(values.begin(), values.end(), value) != values.end()) return value;
    std::string all;
    for (const std::string_view one : values) all += concat(all.empty() ? "'" : ", '", one, "'");
    if (value.empty())
      lacks(product,
            concat("has no ", name, "; add a column '", name, "' with one of ", all, ", or give --", name));
    lacks(product,
          concat(name, " is '", first_characters(clean_text(value), 40), "', expected one of ", all));
  }
  inline static const std::array<std::string, 9> kHeader = {
      "id", "title", "description", "availability", "condition", "price", "link", "image_link", "brand"};
};

class TaobaoFormat : public ShopFormat {
 public:
  using ShopFormat::ShopFormat;
  std::vector<std::string> channels() const override { return {"taobao-title"}; }
  std::string header() const override { return std::string(kByteOrderMark) + csv_row(kHeader); }
  Rendered render(const Item& item) const override {
    Rendered out;
    const Candidate* title = take(item, {"taobao-title"}, out);
    if (title) add_row(out, std::array<std::string, 2>{item.product->id, title->text});
    return out;
  }

 private:
  inline static const std::array<std::string, 2> kHeader = {"商品ID", "标题"};
};

class XiaohongshuFormat : public ShopFormat {
 public:
  using ShopFormat::ShopFormat;
  Grouping grouping() const override { return Grouping::product_language; }
  bool one_language() const override { return false; }
  std::vector<std::string> channels() const override { return {"xiaohongshu-title", "xiaohongshu-note"}; }
  Rendered render(const Item& item) const override {
    Rendered out;
    const Candidate* title = take(item, {"xiaohongshu-title"}, out);
    const Candidate* note = take(item, {"xiaohongshu-note"}, out);
    if (out.used.empty()) return out;
    const std::string name =
        title ? title->text : cut_to_fit(item.product->title, find_channel(fields(), "xiaohongshu-title"));
    if (!title) require_title(name, *note, "xiaohongshu-title", item, options());
    OrderedJson line = {
        {"product", item.product->id}, {"language", item.texts.front().language}, {"title", name}};
    if (note) line["note"] = note->text;
    out.pieces.push_back({{}, json_line(line)});
    return out;
  }
};

}  // namespace

std::unique_ptr<Format> make_shop_format(std::string_view target, const std::vector<ChannelField>& channels,
                                         const FormatOptions& options) {
  if (!options.link_prefix.empty() && !is_web_address(options.link_prefix))
    fail(ErrorCode::invalid_argument, "publish: the link prefix is '",
         first_characters(clean_text(options.link_prefix), 60),
         "', expected an address that begins with https://");
  if (target == "shopify") return std::make_unique<ShopifyFormat>(channels, options);
  if (target == "google-ads") return std::make_unique<GoogleAdsFormat>(channels, options);
  if (target == "meta") return std::make_unique<MetaFormat>(channels, options);
  if (target == "taobao") return std::make_unique<TaobaoFormat>(channels, options);
  if (target == "xiaohongshu") return std::make_unique<XiaohongshuFormat>(channels, options);
  return nullptr;
}

}  // namespace adlib::copywriter
