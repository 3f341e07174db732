// io/text.h: other people's bytes, made fit for a message.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace adlib::io {

/// `text` cut to `limit` bytes at a character's boundary, with control characters escaped and invalid UTF-8
/// replaced.
std::string excerpt(std::string_view text, std::size_t limit = 80);

bool is_utf8(std::string_view text);

}  // namespace adlib::io
