#include "adlib/train/schedule.h"

#include <cmath>
#include <numbers>

#include "adlib/core/error.h"

namespace adlib::train {

double Schedule::rate(std::int64_t step) const {
  if (step <= warmup) return peak * static_cast<double>(step) / static_cast<double>(warmup);
  if (step >= total) return floor;
  const double t = static_cast<double>(step - warmup) / static_cast<double>(total - warmup);
  return floor + (peak - floor) * (1.0 + std::cos(std::numbers::pi * t)) / 2.0;
}

void validate(const Schedule& schedule) {
  require(schedule.floor >= 0 && schedule.floor <= schedule.peak && std::isfinite(schedule.peak),
          "schedule: the rate falls from ", schedule.peak, " to ", schedule.floor,
          ", expected 0 <= floor <= peak");
  require(schedule.warmup >= 0 && schedule.warmup <= schedule.total, "schedule: a warm-up of ",
          schedule.warmup, " steps in a run of ", schedule.total);
}

}  // namespace adlib::train
