// copywriter/shop/fields.h: field readers that customers and products share. Inside the library only.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/io/json.h"
#include "copywriter/shop/money.h"

namespace adlib::copywriter {

/// A string, or an integer written as one; "" when missing.
std::string text_or_empty(const io::JsonFields& fields, const char* name);
/// The first of `names` that is there and not empty.
std::string first_text(const io::JsonFields& fields, std::initializer_list<const char*> names);
/// A list of strings; a single string is a list of one; blank items are dropped.
std::vector<std::string> text_list(const io::JsonFields& fields, const char* name);
/// A number or decimal text that is not negative.
std::optional<Money> money_field(const io::JsonFields& fields, const char* name, const std::string& currency);
/// The ISO 4217 code of the field 'currency', or `fallback` when it is missing.
std::string currency_field(const io::JsonFields& fields, const std::string& fallback);
/// Unix seconds or an ISO date as text.
std::optional<std::int64_t> time_field(const io::JsonFields& fields, const char* name);
/// The fields of `object` that are not in `known`, without nulls and empty strings.
io::Json extra_fields(const io::Json& object, const std::set<std::string>& known);

/// A field's name without what people spell differently: "Date-of_Birth" is "dateofbirth".
std::string plain_name(std::string_view name);
/// plain_name(a) == plain_name(b), without making either.
bool same_name(std::string_view a, std::string_view b);

/// Throws Error(bad_format) "where: field 'name' is VALUE, expected …".
[[noreturn]] void bad_field(const io::JsonFields& fields, const std::string& name,
                            const std::string& expected);

}  // namespace adlib::copywriter
