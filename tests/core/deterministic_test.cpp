#include "adlib/core/deterministic.h"

#include "support/catch.h"

TEST_CASE("deterministic is on unless somebody turns it off", "[core]") {
  CHECK(adlib::deterministic());
  adlib::set_deterministic(false);
  CHECK_FALSE(adlib::deterministic());
  adlib::set_deterministic(true);
  CHECK(adlib::deterministic());
}
