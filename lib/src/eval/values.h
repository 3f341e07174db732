// Finding values in normalised texts.
#pragma once

#include <cstddef>
#include <string_view>

namespace adlib::eval {

/// True when the piece [at, at + length) of `text` is whole: no ASCII letter, digit or decimal place adjoins
/// one of its own.
bool is_whole(std::u32string_view text, std::size_t at, std::size_t length);
/// Where `value` stands whole, from `from` on; npos when nowhere.
std::size_t find_whole(std::u32string_view text, std::u32string_view value, std::size_t from = 0);

}  // namespace adlib::eval
