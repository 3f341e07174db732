#include "adlib/core/deterministic.h"

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "adlib/core/error.h"

namespace adlib {
namespace {

bool from_environment() {
  const char* value = std::getenv("ADLIB_DETERMINISTIC");
  if (value == nullptr || *value == '\0') return true;
  const std::string_view text = value;
  require(text == "0" || text == "1", "ADLIB_DETERMINISTIC is '", text, "', expected 0 or 1");
  return text == "1";
}

std::atomic<int> switched = -1;  // -1: nobody has

}  // namespace

bool deterministic() {
  const int set = switched.load();
  if (set >= 0) return set == 1;
  static const bool value = from_environment();
  return value;
}

void set_deterministic(bool on) { switched = on ? 1 : 0; }

}  // namespace adlib
