#include "copywriter/shop/language.h"

#include <array>
#include <cstddef>

#include "adlib/core/error.h"
#include "copywriter/shop/text.h"

namespace adlib::copywriter {
namespace {

constexpr std::array<const char*, 2> kLanguages = {"zh", "en"};
constexpr std::array<const char*, 5> kScenes = {"recommendation", "promotion", "member", "social", "ad"};

template <std::size_t N>
std::size_t index_of(std::string_view name, const std::array<const char*, N>& names, const char* kind) {
  std::string known;
  for (std::size_t i = 0; i < N; ++i) {
    if (name == names[i]) return i;
    known += (i == 0 ? "" : i + 1 == N ? " or " : ", ") + std::string(names[i]);
  }
  fail(ErrorCode::invalid_argument, kind, " '", name, "' is unknown, expected ", known);
}

}  // namespace

Language parse_language(std::string_view name) {
  return static_cast<Language>(index_of(name, kLanguages, "language"));
}
std::optional<Language> language_named(std::string_view text) {
  text = trim(text);
  for (const std::string_view name : {"zh", "chinese", "中文", "汉语", "普通话"}) {
    if (equal_ignoring_case(text.substr(0, name.size()), name)) return Language::zh;
  }
  for (const std::string_view name : {"en", "英文", "英语"}) {
    if (equal_ignoring_case(text.substr(0, name.size()), name)) return Language::en;
  }
  return {};
}
Scene parse_scene(std::string_view name) { return static_cast<Scene>(index_of(name, kScenes, "scene")); }
const char* to_string(Language language) noexcept { return kLanguages[static_cast<std::size_t>(language)]; }
const char* to_string(Scene scene) noexcept { return kScenes[static_cast<std::size_t>(scene)]; }
const std::vector<Scene>& all_scenes() {
  static const std::vector<Scene> scenes = {Scene::recommendation, Scene::promotion, Scene::member,
                                            Scene::social, Scene::ad};
  return scenes;
}

std::string money_text(const Money& money, Language language) {
  std::string amount = money.amount;
  if (amount.size() > 2 && amount[amount.size() - 2] == '.') amount += '0';
  if (money.currency.empty()) return amount;
  struct Style {
    std::string_view code, zh_after, en_before;
  };
  constexpr std::array<Style, 6> styles{{{"CNY", "元", "¥"},
                                         {"USD", "美元", "$"},
                                         {"EUR", "欧元", "€"},
                                         {"GBP", "英镑", "£"},
                                         {"HKD", "港元", "HK$"},
                                         {"JPY", "日元", "JP¥"}}};
  for (const Style& style : styles) {
    if (style.code != money.currency) continue;
    return language == Language::zh ? amount + std::string(style.zh_after)
                                    : std::string(style.en_before) + amount;
  }
  return amount + " " + money.currency;
}

}  // namespace adlib::copywriter
