#include "copywriter/collect/file_kind.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "copywriter/collect/behaviour_log.h"
#include "copywriter/collect/collect_file.h"
#include "copywriter/collect/consent.h"
#include "copywriter/collect/contact.h"
#include "copywriter/shop/fields.h"

namespace adlib::copywriter {
namespace {

// Names as plain_name() writes them. "brand" may be what a customer likes, while only things have a price.
constexpr std::array kOfCustomers{
    std::string_view("age"),         std::string_view("gender"),    std::string_view("interests"),
    std::string_view("browsing"),    std::string_view("purchases"), std::string_view("favourites"),
    std::string_view("memberlevel"), std::string_view("spend"),     std::string_view("pricesensitivity"),
    std::string_view("firstname"),   std::string_view("lastname"),  std::string_view("birthday"),
    std::string_view("姓名"),        std::string_view("年龄"),      std::string_view("性别"),
    std::string_view("兴趣"),        std::string_view("浏览"),      std::string_view("收藏"),
    std::string_view("购物车"),      std::string_view("会员等级"),  std::string_view("消费金额")};
constexpr std::array kOfThings{
    std::string_view("title"),    std::string_view("brand"),       std::string_view("vendor"),
    std::string_view("category"), std::string_view("description"), std::string_view("producttype"),
    std::string_view("商品名称"), std::string_view("标题"),        std::string_view("品牌"),
    std::string_view("商品类别"), std::string_view("描述")};
constexpr std::array kOfProductsAlone{std::string_view("price"),      std::string_view("compareatprice"),
                                      std::string_view("sku"),        std::string_view("handle"),
                                      std::string_view("variants"),   std::string_view("variantprice"),
                                      std::string_view("variantsku"), std::string_view("售价"),
                                      std::string_view("价格"),       std::string_view("原价")};

template <std::size_t Size>
bool is_one_of(const std::array<std::string_view, Size>& all, std::string_view name) {
  return std::find(all.begin(), all.end(), name) != all.end();
}

bool tells_of_customer(const std::string& name) {
  const std::string plain = plain_name(name);
  if (is_one_of(kOfCustomers, plain) || tells_personalised(name)) return true;
  const auto consent = consent_of_name(name);
  // "text" is a channel as well, and what a review says.
  return (consent && consent->kind != ConsentField::Kind::names &&
          consent->kind != ConsentField::Kind::states) ||
         contact_of_name(name).has_value();
}

}  // namespace

bool has_field(std::span<const std::string> names, const FlatField& field) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return std::any_of(field.names.begin(), field.names.end(),
                       [&](std::string_view one) { return !one.empty() && same_name(name, one); });
  });
}

std::optional<FileKind> kind_of_fields(std::span<const std::string> names) {
  const auto has = [&](FileKind kind, std::string_view name) {
    const auto fields = flat_fields(kind);
    return std::any_of(fields.begin(), fields.end(), [&](const FlatField& field) {
      return field.name() == name && has_field(names, field);
    });
  };
  const auto event = [&](std::string_view name) { return has(FileKind::events, name); };
  const auto review = [&](std::string_view name) { return has(FileKind::reviews, name); };
  const bool user = event("user"), item = event("item");
  if (user && item && event("behaviour")) return FileKind::events;
  if (user && review("text") && (review("rating") || review("product"))) return FileKind::reviews;
  if (user && item && event("time")) return FileKind::events;
  for (const char* count : {"sent", "opened", "clicked", "converted"}) {
    if (!user && has(FileKind::copy, "text") && has(FileKind::copy, count)) return FileKind::copy;
  }
  std::size_t things = 0;
  bool customers = false, products = false;
  for (const std::string& name : names) {
    const std::string plain = plain_name(name);
    things += is_one_of(kOfThings, plain) ? 1 : 0;
    products = products || is_one_of(kOfProductsAlone, plain);
    customers = customers || tells_of_customer(name);
  }
  if (customers && !products && things == 0) return FileKind::customers;
  if (!customers && !user && (products || things >= 3)) return FileKind::products;
  return {};
}

const char* kind_name(FileKind kind) { return kind == FileKind::copy ? "past copy" : to_string(kind); }

}  // namespace adlib::copywriter
