#include "adlib/train/schedule.h"

#include "adlib/core/error.h"
#include "support/catch.h"

using adlib::train::Schedule;

TEST_CASE("The rate rises linearly, falls by half a cosine and stays at its floor", "[train][schedule]") {
  const Schedule schedule{.peak = 1.0, .floor = 0.1, .warmup = 10, .total = 110};
  CHECK(schedule.rate(1) == Approx(0.1));
  CHECK(schedule.rate(10) == Approx(1.0));
  CHECK(schedule.rate(60) == Approx(0.55));
  CHECK(schedule.rate(110) == Approx(0.1));
  CHECK(schedule.rate(1000) == Approx(0.1));
  CHECK(Schedule{.peak = 1, .floor = 0, .warmup = 0, .total = 2}.rate(1) == Approx(0.5));
}

TEST_CASE("A schedule that contradicts itself is refused", "[train][schedule]") {
  CHECK_THROWS_AS(validate(Schedule{.peak = 1, .floor = 2}), adlib::Error);
  CHECK_THROWS_AS(validate(Schedule{.warmup = 11, .total = 10}), adlib::Error);
}
