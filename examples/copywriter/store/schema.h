// copywriter/store/schema.h: the tables of a store, and how older stores become newer ones.
#pragma once

#include <span>
#include <string_view>

namespace adlib::copywriter {

/// SQL that makes version 1, that makes 2 of 1, and so on. What has been released is never changed.
/// docs/store.md tells what the tables hold.
std::span<const std::string_view> migrations();

/// Marks the file as adlib's ("adlb").
inline constexpr int kStoreApplicationId = 0x61646C62;

}  // namespace adlib::copywriter
