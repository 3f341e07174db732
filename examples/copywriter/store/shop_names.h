// copywriter/store/shop_names.h: what the shop calls itself.
#pragma once

#include <string>
#include <vector>

#include "copywriter/store/store.h"

namespace adlib::copywriter {

/// The names under which the shop itself may be named in any copy, also where they are brands of some of its
/// products. Empty where none was told.
std::vector<std::string> shop_names(const Store& store);
/// Replaces them.
void set_shop_names(const Store& store, const std::vector<std::string>& names);

}  // namespace adlib::copywriter
