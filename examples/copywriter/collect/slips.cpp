#include "copywriter/collect/slips.h"

#include <algorithm>
#include <array>
#include <utility>

#include "copywriter/collect/collect_file.h"
#include "copywriter/collect/consent.h"
#include "copywriter/collect/contact.h"
#include "copywriter/collect/shopify.h"
#include "copywriter/shop/fields.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::size_t kMostSeen = 4096;  // names that are remembered

std::u32string letters_of(std::string_view name) {
  const std::string plain = plain_name(name);
  std::u32string letters;
  for (std::size_t at = 0; at < plain.size();) letters += next_code_point(plain, at);
  return letters;
}

bool is_chinese(const std::u32string& letters) {
  return std::any_of(letters.begin(), letters.end(), [](char32_t c) { return c >= 0x80; });
}

// Optimal string alignment: edit_distance(), in which two neighbours that are swapped count once.
std::size_t slips_between(const std::u32string& a, const std::u32string& b) {
  std::vector<std::vector<std::size_t>> rows(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        rows[i][j] = i + j;
        continue;
      }
      rows[i][j] =
          std::min({rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        rows[i][j] = std::min(rows[i][j], rows[i - 2][j - 2] + 1);
    }
  }
  return rows[a.size()][b.size()];
}

// How far `is` is from `meant`, where that is near; 0 for the same.
std::optional<std::size_t> nearness(const std::u32string& is, const std::u32string& meant) {
  if (is == meant) return 0;
  const bool chinese = is_chinese(meant);
  const std::size_t shortest = chinese ? 2 : 4;
  if (meant.size() < shortest || is.size() < 2) return {};
  const std::size_t most = meant.size() >= 10 ? 2 : 1;
  if (std::max(is.size(), meant.size()) - std::min(is.size(), meant.size()) > most) return {};
  if (is[0] != meant[0] && !(is[0] == meant[1] && is[1] == meant[0])) return {};
  const std::size_t apart = slips_between(is, meant);
  if (apart > most) return {};
  if (!chinese && meant.size() == 4 && is.size() == 4) {  // "card" is no slip of cart, "crat" is
    std::u32string sorted = is, other = meant;
    std::sort(sorted.begin(), sorted.end());
    std::sort(other.begin(), other.end());
    if (sorted != other) return {};
  }
  return apart;
}

// Words of their own, which are nearly words for consent.
bool is_other_word(const std::string& name) {
  constexpr std::array words{
      std::string_view("content"),  std::string_view("context"), std::string_view("contest"),
      std::string_view("contract"), std::string_view("option"),  std::string_view("订单"),
      std::string_view("订货"),     std::string_view("订购"),    std::string_view("同步"),
      std::string_view("同行"),     std::string_view("退货"),    std::string_view("退款"),
      std::string_view("退换"),     std::string_view("退回")};
  const std::string plain = plain_name(name);
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return plain.find(word) != std::string::npos; });
}

std::string_view canonical(FileKind kind, std::string_view name) {
  if (name == "user_id" || name == "handle") return "id";
  if (kind != FileKind::products) return name;
  if (name == "name") return "title";
  if (name == "vendor") return "brand";
  return name == "type" ? "category" : name;
}

}  // namespace

void Slips::add(Names& names, std::string_view name, std::string_view field, bool vital) {
  std::u32string letters = letters_of(name);
  const bool unsure = is_chinese(letters) && letters.size() <= 2;
  names.push_back({std::string(name), std::move(letters), std::string(field), vital && !unsure});
}

void Slips::add_record(const RecordFields& fields, std::span<const std::string_view> vital) {
  const auto add_one = [&](std::string_view name, std::string_view means) {
    const std::string_view field = canonical(kind_, means);
    add(names_, name, field, std::find(vital.begin(), vital.end(), field) != vital.end());
  };
  for (const std::string& name : fields.names) add_one(name, name);
  for (const auto& [chinese, meant] : chinese_names()) {
    if (fields.names.contains(std::string(meant))) add_one(chinese, meant);
  }
  add_one("language", "language");  // read by write
}

// The names that people most likely meant. Consent is what must not be lost.
void Slips::add_consents() {
  for (const std::string channel : {"sms", "email", "push", "wechat", "phone", "marketing", ""}) {
    for (const char* about :
         {"consent", "opt_in", "subscribed", "unsubscribed", "subscription", "consent_at", "unsubscribed_at"})
      add(names_, channel.empty() ? about : concat(channel, "_", about), "", true);
    if (channel.empty()) continue;
    for (const char* about : {"opt_out", "notifications", "enabled"})
      add(names_, concat(channel, "_", about), "", true);
    add(names_, concat("accepts_", channel), "", true);
  }
  for (const char* name : {"accepts_email_marketing",
                           "accepts_sms_marketing",
                           "email_marketing",
                           "sms_marketing",
                           "do_not_contact",
                           "do_not_call",
                           "do_not_disturb",
                           "newsletter",
                           "subscribe",
                           "unsubscribe",
                           "personalised",
                           "personalized",
                           "opt_out",
                           "marketing",
                           "个性化",
                           "退出个性化",
                           "取消订阅",
                           "免打扰",
                           "请勿打扰",
                           "退订",
                           "拒收",
                           "订阅"})
    add(names_, name, "", true);
  for (const char* channel : {"短信", "邮件", "推送", "微信", "电话", "营销"}) {
    for (const char* after : {"同意", "退订", "订阅"}) add(names_, concat(channel, after), "", true);
    for (const char* before : {"同意", "拒收", "接收", "是否接收", "不接收"})
      add(names_, concat(before, channel), "", true);
  }
}

Slips::Slips(FileKind kind, const FieldNames& mapping) : kind_(kind), mapping_(mapping) {
  using Words = std::vector<std::string_view>;
  const auto add_inner = [&](const char* list, const Words& names, std::string_view vital) {
    for (const std::string_view name : names) add(inner_[list], name, name, name == vital);
  };
  if (kind == FileKind::products) {
    add_record(product_fields(), Words{"id", "title", "price", "currency"});
    for (const ShopifyColumn& column : shopify_columns()) {
      for (const std::string_view name : column.names) {
        const bool vital = column.field == "id" || column.field == "title" || column.field == "price";
        if (!name.empty()) add(names_, name, column.field.empty() ? name : column.field, vital);
      }
    }
    add_inner("variants", {"sku", "price", "compare_at_price", "options"}, "price");
  } else if (kind == FileKind::customers) {
    add_record(customer_fields(), Words{"id"});
    for (const char* name : {"city", "price_sensitivity"}) add(names_, name, name, false);
    add_consents();
    for (const char* list : {"browsing", "favourites", "cart", "purchases"})
      add_inner(list, {"item", "id", "product", "product_id", "title", "brand", "category", "price", "time"},
                "");
    add_inner("reviews", {"text", "rating", "product", "time"}, "");
  } else {
    for (const FlatField& field : flat_fields(kind)) {
      for (const std::string_view name : field.names) {
        if (!name.empty())
          add(names_, name, field.names.front(), field.needed || field.names.front() == "price");
      }
    }
  }
}

const Slips::Known* Slips::nearest(const std::string& name, const Names& among) const {
  const std::u32string letters = letters_of(name);
  constexpr std::size_t longest = 40;
  if (letters.size() > longest) return nullptr;
  if (const auto mapped = mapping_.ours.find(name); mapped != mapping_.ours.end() && mapped->second == name)
    return nullptr;
  if (kind_ == FileKind::customers && &among == &names_ &&
      (tells_personalised(name) || consent_of_name(name) || contact_of_name(name)))
    return nullptr;
  const bool other_word = is_other_word(name);
  const Known* best = nullptr;
  std::size_t least = 0;
  for (const Known& known : among) {
    const auto apart = nearness(letters, known.letters);
    if (!apart) continue;
    if (*apart == 0) return nullptr;
    if (known.field.empty() && other_word) continue;
    if (!best || *apart < least) best = &known, least = *apart;
  }
  return best;
}

void Slips::look(std::span<const std::string> names, const std::string& path, const Names& among,
                 std::vector<Slip>& slips) {
  for (const std::string& name : names) {
    const auto found = seen_.find(path + name);
    const Known* near = found != seen_.end() ? found->second : nearest(name, among);
    if (found == seen_.end() && seen_.size() < kMostSeen) seen_.emplace(path + name, near);
    if (!near) continue;
    const bool there =
        !near->field.empty() && std::any_of(names.begin(), names.end(), [&](const std::string& other) {
          const std::u32string letters = letters_of(other);
          return std::any_of(among.begin(), among.end(), [&](const Known& known) {
            return known.field == near->field && known.letters == letters;
          });
        });
    if (!there) slips.push_back({path + name, near->name, near->vital});
  }
}

std::vector<Slip> Slips::find(const std::vector<std::string>& columns) {
  std::vector<Slip> slips;
  look(columns, "", names_, slips);
  return slips;
}

std::vector<Slip> Slips::find(const io::Json& object) {
  const auto names_of = [](const io::Json& one) {
    std::vector<std::string> names;
    for (const auto& [name, value] : one.items()) names.push_back(name);
    return names;
  };
  std::vector<Slip> slips;
  look(names_of(object), "", names_, slips);
  for (const auto& [list, names] : inner_) {
    const auto found = object.find(list);
    if (found == object.end() || !found->is_array()) continue;
    for (const io::Json& item : *found) {
      if (item.is_object()) look(names_of(item), list + ".", names, slips);
    }
  }
  return slips;
}

}  // namespace adlib::copywriter
