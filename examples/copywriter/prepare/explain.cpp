// What each feature says, in words for people who did not compute it.
#include <algorithm>
#include <array>
#include <string>

#include "copywriter/prepare/features.h"
#include "copywriter/write/prompt.h"

namespace adlib::copywriter {
namespace {

std::string percent(double share) { return std::to_string(static_cast<int>(share * 100 + 0.5)) + "%"; }
std::string whole_days(double days) { return std::to_string(static_cast<std::int64_t>(days + 0.5)); }

// Sentences of one language.
class Explainer {
 public:
  Explainer(const Features& features, const Catalogue& catalogue, bool zh)
      : features_(features), catalogue_(catalogue), zh_(zh) {}

  io::Json all() const {
    io::Json out = io::Json::object();
    const auto add = [&](const char* name, std::string sentence) {
      if (!sentence.empty()) out[name] = std::move(sentence);
    };
    add("recency", recency());
    add("frequency", frequency());
    add("monetary", monetary());
    add("rfm", rfm());
    add("interests", list_of(features_.interests, "最感兴趣的品类：", "Most interested in: "));
    add("brands", list_of(features_.brands, "最常关注的品牌：", "Brands they look at most: "));
    add("price_band", price_band());
    add("promotion", promotion());
    add("price_sensitivity", price_sensitivity());
    add("life_cycle", life_cycle());
    if (!features_.member_level.empty())
      add("member_level",
          say("会员等级：" + features_.member_level + "。", "Member level: " + features_.member_level + "."));
    add("opinions", opinions());
    add("cold_start", cold_start());
    return out;
  }

 private:
  std::string say(std::string chinese, std::string english) const {
    return zh_ ? std::move(chinese) : std::move(english);
  }
  std::string counted(std::int64_t count, const char* one, const char* many) const {
    return std::to_string(count) + " " + (count == 1 ? one : many);
  }
  std::string ago(std::int64_t days) const {
    if (days == 0) return say("今天", "today");
    return say(std::to_string(days) + "天前", counted(days, "day", "days") + " ago");
  }

  std::string recency() const {
    if (features_.days_since_purchase) {
      const std::string when = ago(*features_.days_since_purchase);
      return say(*features_.days_since_purchase == 0 ? "今天刚购买过。" : "最近一次购买在" + when + "。",
                 "Last bought " + when + ".");
    }
    if (!features_.days_since_activity) return "";
    const std::string when = ago(*features_.days_since_activity);
    return say("没有带日期的购买记录，最近一次访问在" + when + "。",
               "No dated purchase yet; last seen " + when + ".");
  }

  std::string frequency() const {
    const Purchases& purchases = features_.purchases;
    if (purchases.products == 0) return say("还没有购买过。", "Has not bought anything yet.");
    const std::string products = std::to_string(purchases.products);
    if (purchases.orders == 0)
      return say("购买过" + products + "件商品，日期不详。",
                 "Bought " + counted(purchases.products, "product", "products") + ", on unknown dates.");
    return say("在" + std::to_string(purchases.orders) + "天里购买过，共" + products + "件商品。",
               "Bought on " + counted(purchases.orders, "day", "days") + ", " +
                   counted(purchases.products, "product", "products") + " in all.");
  }

  std::string monetary() const {
    std::string sums;
    for (const auto& [currency, sum] : features_.purchases.spent) {
      const std::string code = currency == Names::kNone ? "" : catalogue_.currencies.at(currency);
      sums += (sums.empty() ? "" : say("、", ", ")) +
              price_text(money_from_ten_thousandths(sum.first, code), zh_ ? Language::zh : Language::en);
    }
    return sums.empty() ? "" : say("累计消费" + sums + "。", "Spent " + sums + " in all.");
  }

  std::string rfm() const {
    if (features_.recency_score == 0 || features_.monetary_score == 0) return "";
    const std::string r = std::to_string(features_.recency_score),
                      f = std::to_string(features_.frequency_score),
                      m = std::to_string(features_.monetary_score);
    return say(
        "在本店买家中（5为最高的五分之一）：最近购买" + r + "分，购买次数" + f + "分，消费金额" + m + "分。",
        "Among the shop's buyers, where 5 is the top fifth: recency " + r + ", frequency " + f + ", money " +
            m + ".");
  }

  std::string list_of(const std::vector<Interest>& interests, const char* chinese,
                      const char* english) const {
    std::string list;
    for (const Interest& interest : interests) {
      list += (list.empty() ? "" : say("、", ", ")) + interest.name +
              say("（" + percent(interest.weight) + (interest.stated ? "，本人填写）" : "）"),
                  " (" + percent(interest.weight) + (interest.stated ? ", said so themselves)" : ")"));
    }
    return list.empty() ? "" : say(chinese + list + "。", english + list + ".");
  }

  std::string band_word(PriceBand band) const {
    constexpr std::array<const char*, 3> chinese{"偏低", "居中", "偏高"};
    constexpr std::array<const char*, 3> english{"lower", "middle", "upper"};
    return zh_ ? chinese[static_cast<std::size_t>(band)] : english[static_cast<std::size_t>(band)];
  }
  std::string price_band() const {
    if (!features_.price_band) return "";
    const std::string word = band_word(*features_.price_band);
    return say("看过和买过的商品，价格在同类商品里" + word + "。",
               "Looks at and buys things from the " + word + " third of their categories' prices.");
  }

  std::string promotion() const {
    if (!features_.promotion) return "";
    const Promotion& promotion = *features_.promotion;
    const std::string shop = percent(promotion.shop_share);
    return say("买过的" + std::to_string(promotion.of) + "件有价格的商品里有" +
                   std::to_string(promotion.reduced) + "件在降价，本店平均为" + shop + "；" +
                   (promotion.sensitivity > 0   ? "比一般顾客更爱买降价商品。"
                    : promotion.sensitivity < 0 ? "比一般顾客更少买降价商品。"
                                                : "看不出与一般顾客有差别。"),
               std::to_string(promotion.reduced) + " of " +
                   counted(promotion.of, "priced purchase was", "priced purchases were") +
                   " of a reduced product, against " + shop + " in the shop; " +
                   (promotion.sensitivity > 0   ? "buys reduced products more than others do."
                    : promotion.sensitivity < 0 ? "buys reduced products less than others do."
                                                : "no clear difference from others."));
  }

  std::string price_sensitivity() const {
    if (features_.price_sensitivity.empty()) return "";
    const bool high = features_.price_sensitivity == "high";
    const bool promoted = features_.promotion && features_.promotion->sensitivity != 0;
    return say(std::string(high ? "对价格较敏感" : "对价格不太敏感") +
                   (promoted ? "，依据是降价商品的占比。" : "，依据是所看商品的价位。"),
               std::string(high ? "Price matters to them" : "Price matters little to them") +
                   (promoted ? ", judging by the share of reduced products."
                             : ", judging by how dear the things are that they look at."));
  }

  std::string life_cycle() const {
    if (!features_.life_cycle) return "";
    const LifeCycle& life = *features_.life_cycle;
    constexpr std::array<const char*, 4> chinese{"新客", "活跃", "可能流失", "已流失"};
    constexpr std::array<const char*, 4> english{"New", "Active", "Lapsing", "Lost"};
    const auto stage = static_cast<std::size_t>(life.stage);
    const std::string days = std::to_string(life.days), interval = whole_days(life.interval_days);
    return say(std::string(chinese[stage]) + "：距上次" + (life.by_purchases ? "购买" : "访问") + days +
                   "天，预计间隔约" + interval + "天。",
               std::string(english[stage]) + ": " + counted(life.days, "day", "days") + " since the last " +
                   (life.by_purchases ? "purchase" : "visit") + ", where about " + interval +
                   " are expected between two.");
  }

  std::string opinions() const {
    std::string praise, complaint;
    for (std::size_t i = 0; i < kAspects; ++i) {
      const char* name = zh_ ? aspect_names()[i].zh : aspect_names()[i].en;
      const auto add = [&](std::string& list) { list += (list.empty() ? "" : say("、", ", ")) + name; };
      if (features_.opinions.praise[i] > 0) add(praise);
      if (features_.opinions.complaint[i] > 0) add(complaint);
    }
    if (praise.empty() && complaint.empty()) return "";
    std::string out;
    if (!praise.empty()) out += say("评价里称赞：" + praise + "。", "Reviews praise: " + praise + ".");
    if (!complaint.empty())
      out += (out.empty() ? "" : say("", " ")) +
             say("评价里抱怨：" + complaint + "。", "Reviews complain about: " + complaint + ".");
    return out;
  }

  std::string cold_start() const {
    if (features_.acts >= kFewestActs) return "";
    const std::string count = std::to_string(features_.acts);
    std::string out =
        features_.acts == 0
            ? say("没有任何行为记录，", "Nothing is known of what they did: ")
            : say("只有" + count + "条行为记录，",
                  "Only " + counted(static_cast<std::int64_t>(features_.acts), "event is", "events are") +
                      " known: ");
    if (features_.interests.empty())
      return out +
             say("兴趣未知，推荐用热销商品。", "interests are unknown, popular products are recommended.");
    return out + (features_.acts == 0
                      ? say("兴趣来自本人填写，推荐用热销商品。",
                            "interests are those they stated, popular products are recommended.")
                      : say("各项特征仅供参考。", "take the rest with care."));
  }

  const Features& features_;
  const Catalogue& catalogue_;
  bool zh_;
};

}  // namespace

io::Json explanations_of(const Features& features, const Catalogue& catalogue) {
  return {{"zh", Explainer(features, catalogue, true).all()},
          {"en", Explainer(features, catalogue, false).all()}};
}

}  // namespace adlib::copywriter
