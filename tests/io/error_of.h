// tests/io/error_of.h: the Error that a call ends with, for checks of code and message.
#pragma once

#include <optional>

#include "adlib/core/error.h"

namespace adlib::test {

/// Any other exception passes through and fails the test.
template <class Call>
std::optional<Error> error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

}  // namespace adlib::test

/// Checks that `call` throws Error with `expected_code` and a message that contains `text`.
#define CHECK_ERROR(call, expected_code, text)                                 \
  do {                                                                         \
    const auto thrown = ::adlib::test::error_of([&] { (void)(call); });        \
    REQUIRE(thrown);                                                           \
    CHECK(to_string(thrown->code()) == std::string(to_string(expected_code))); \
    CHECK_THAT(thrown->what(), ContainsSubstring(text));                       \
  } while (false)
