// tokenizer/src/limits.h: how much a tokenizer file may make a text grow.
#pragma once

#include <string_view>

#include "adlib/core/error.h"

namespace adlib::tok {

/// Longest replacement text of a Replace or Prepend. Real ones have a few characters; a chain of long ones
/// could turn a short text into terabytes.
inline constexpr std::size_t kLongestReplacement = 64;
/// Most steps in one normalizer, pre-tokenizer or decoder.
inline constexpr std::size_t kMostSteps = 64;

/// Throws Error(invalid_argument) when steps have made `before` bytes grow beyond reason.
inline void check_growth(std::size_t before, std::size_t now, const char* where) {
  if (now > (std::size_t{1} << 20) + 16 * before) {
    fail(ErrorCode::invalid_argument, where, ": the steps of tokenizer.json turn ", before, " bytes into ",
         now);
  }
}

}  // namespace adlib::tok
