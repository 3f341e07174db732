// tests/support/error_of.h: what a call that must fail says.
#pragma once

#include <string>

#include "adlib/core/error.h"

namespace adlib::test {

/// "code: message" of the Error that `call` throws; "no error" when it returns.
template <class Call>
std::string error_of(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return concat(to_string(error.code()), ": ", error.what());
  }
  return "no error";
}

}  // namespace adlib::test
