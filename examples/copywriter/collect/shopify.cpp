#include "copywriter/collect/shopify.h"

#include <array>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

using Column = std::optional<std::size_t>;

// Column names of the long-standing export first, of the newer one second.
constexpr std::array<ShopifyColumn, 18> kColumns{
    {{"id", {"Handle", "URL handle"}},
     {"title", {"Title", ""}},
     {"description", {"Body (HTML)", "Description"}},
     {"brand", {"Vendor", ""}},
     {"category", {"Type", ""}},
     {"category", {"Product Category", ""}},
     {"tags", {"Tags", ""}},
     {"sku", {"Variant SKU", "SKU"}},
     {"price", {"Variant Price", "Price"}},
     {"compare_at_price", {"Variant Compare At Price", "Compare-at price"}},
     {"images", {"Image Src", "Product image URL"}},
     {"", {"Image Alt Text", ""}},
     {"", {"Option1 Name", ""}},
     {"", {"Option2 Name", ""}},
     {"", {"Option3 Name", ""}},
     {"", {"Option1 Value", ""}},
     {"", {"Option2 Value", ""}},
     {"", {"Option3 Value", ""}}}};

struct Columns {
  Column handle, title, body, vendor, type, category, tags, sku, price, compare_at_price, image, image_alt;
  std::array<Column, 3> option_name, option_value;

  explicit Columns(const CsvTable& table) {
    const std::array<Column*, kColumns.size()> columns{&handle,
                                                       &title,
                                                       &body,
                                                       &vendor,
                                                       &type,
                                                       &category,
                                                       &tags,
                                                       &sku,
                                                       &price,
                                                       &compare_at_price,
                                                       &image,
                                                       &image_alt,
                                                       &option_name[0],
                                                       &option_name[1],
                                                       &option_name[2],
                                                       &option_value[0],
                                                       &option_value[1],
                                                       &option_value[2]};
    for (std::size_t i = 0; i < columns.size(); ++i) {
      const auto& names = kColumns.at(i).names;
      *columns.at(i) = table.find(std::span(names).first(names[1].empty() ? 1 : 2));
    }
  }

  bool reads(std::size_t column) const {
    for (const Column known : {handle, title, body, vendor, type, category, tags, sku, price,
                               compare_at_price, image, image_alt, option_name[0], option_name[1],
                               option_name[2], option_value[0], option_value[1], option_value[2]}) {
      if (known == column) return true;
    }
    return false;
  }
};

class ExportReader {
 public:
  ExportReader(CsvTable& table, const std::string& where, const std::string& currency, const OnBadRow& on_bad)
      : table_(table), where_(where), currency_(currency), on_bad_(on_bad), columns_(table) {}

  std::vector<Product> read() {
    for_each_row(table_, on_bad_, [&] {
      const std::string handle = text(columns_.handle);
      if (handle.empty()) fail(ErrorCode::bad_format, table_.place(), ": the handle is empty");
      try {
        take(handle);
      } catch (const Error&) {
        broken_.insert(handle);
        throw;
      }
    });
    // A product that has lost a row has lost a price or a choice: it is left out as a whole.
    std::erase_if(products_, [&](const Product& product) { return broken_.contains(product.id); });
    for (Product& product : products_) summarise_variants(product);
    return std::move(products_);
  }

 private:
  void take(const std::string& handle) {
    if (broken_.contains(handle))
      fail(ErrorCode::bad_format, table_.place(),
           ": another row of its handle is bad, and the product is left out");
    if (!index_.contains(handle)) {
      begin_product(handle);
      index_.emplace(handle, products_.size() - 1);
    }
    const std::size_t index = index_.at(handle);
    add_variant(index);
    add_image(products_[index]);
  }

  std::string text(Column column) const { return std::string(trim(table_.cell(column))); }

  std::optional<Money> money(Column column) const {
    const std::string amount = text(column);
    if (amount.empty()) return {};
    const auto value = parse_money(amount, currency_);
    if (!value) {
      fail(ErrorCode::bad_format, table_.place(), ": '", table_.header()[*column], "' is '",
           first_characters(amount, 40), "', expected an amount such as 59.90");
    }
    return value;
  }

  void begin_product(const std::string& handle) {
    Product product;
    product.source = {where_, table_.line()};
    product.id = handle;
    product.title = text(columns_.title);
    if (product.title.empty()) {
      fail(ErrorCode::bad_format, table_.place(), ": handle '", handle,
           "' begins with a row that has no title");
    }
    product.description = html_to_text(table_.cell(columns_.body));
    product.brand = text(columns_.vendor);
    product.category = text(columns_.type);
    if (product.category.empty()) product.category = text(columns_.category);
    std::string_view tags = table_.cell(columns_.tags);
    while (!tags.empty()) {
      const std::size_t comma = std::min(tags.find(','), tags.size());
      if (const auto tag = trim(tags.substr(0, comma)); !tag.empty()) product.tags.emplace_back(tag);
      tags.remove_prefix(std::min(comma + 1, tags.size()));
    }
    for (std::size_t i = 0; i < table_.header().size(); ++i) {
      if (!columns_.reads(i) && !table_.header()[i].empty() && !trim(table_.cell(i)).empty())
        product.extras[table_.header()[i]] = text(i);
    }
    products_.push_back(std::move(product));
    option_names_.push_back(
        {text(columns_.option_name[0]), text(columns_.option_name[1]), text(columns_.option_name[2])});
  }

  // A row without an option value and without a price only adds an image.
  void add_variant(std::size_t index) {
    Variant variant;
    variant.sku = text(columns_.sku);
    variant.price = money(columns_.price);
    variant.compare_at_price = money(columns_.compare_at_price);
    bool chosen = false;
    for (std::size_t i = 0; i < columns_.option_value.size(); ++i) {
      const std::string& name = option_names_[index][i];
      const std::string value = text(columns_.option_value[i]);
      if (value.empty()) continue;
      chosen = true;
      // Shopify's way to say that there is nothing to choose.
      if (name.empty() || (name == "Title" && value == "Default Title")) continue;
      variant.options.emplace_back(name, value);
    }
    if (chosen || variant.price) products_[index].variants.push_back(std::move(variant));
  }

  void add_image(Product& product) const {
    const std::string url = text(columns_.image);
    if (!url.empty()) product.images.push_back({url, text(columns_.image_alt)});
  }

  CsvTable& table_;
  const std::string& where_;
  const std::string& currency_;
  const OnBadRow& on_bad_;
  Columns columns_;
  std::vector<Product> products_;
  std::vector<std::array<std::string, 3>> option_names_;  // of products_[i]: only its first row names them
  std::unordered_map<std::string, std::size_t> index_;
  std::unordered_set<std::string> broken_;  // handles with a bad row
};

}  // namespace

std::span<const ShopifyColumn> shopify_columns() { return kColumns; }

bool is_shopify_export(const CsvTable& table) {
  const Columns columns(table);
  return columns.handle && columns.title &&
         (columns.option_name[0] || table.find({"Variant Price", "Variant SKU", "Body (HTML)"}));
}

std::vector<Product> products_of_shopify_export(CsvTable& table, const std::string& where,
                                                const std::string& currency, const OnBadRow& on_bad) {
  return ExportReader(table, where, currency, on_bad).read();
}

}  // namespace adlib::copywriter
