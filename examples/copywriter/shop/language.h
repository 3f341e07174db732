// copywriter/shop/language.h: the languages and scenes that copy is written for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "copywriter/shop/money.h"

namespace adlib::copywriter {

enum class Language { zh, en };
enum class Scene { recommendation, promotion, member, social, ad };

/// Throw Error(invalid_argument) that lists the names there are.
Language parse_language(std::string_view name);
Scene parse_scene(std::string_view name);
/// The language that a record means by "zh-CN", "EN" or 中文; nothing for what is neither of ours.
std::optional<Language> language_named(std::string_view text);
const char* to_string(Language language) noexcept;
const char* to_string(Scene scene) noexcept;
/// Every scene, in the order of the enumeration.
const std::vector<Scene>& all_scenes();

/// "59.90元" or "$59.90": how the language writes an amount of that currency. A single decimal, which people
/// do not write, gets its zero: 59.9 -> 59.90.
std::string money_text(const Money& money, Language language);

}  // namespace adlib::copywriter
