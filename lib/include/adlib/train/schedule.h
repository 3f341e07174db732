// adlib/train/schedule.h: the learning rate as a function of the step.
#pragma once

#include <cstdint>

namespace adlib::train {

/// Linear warm-up, then half a cosine down to a floor (Loshchilov & Hutter 2017, without restarts).
struct Schedule {
  double peak = 3e-4;
  double floor = 3e-5;        ///< the rate from step `total` on
  std::int64_t warmup = 100;  ///< steps of the linear rise
  std::int64_t total = 1000;  ///< steps of the whole run

  /// The rate of step `step`, counted from 1: peak · step / warmup up to step `warmup`, then
  /// floor + (peak - floor) (1 + cos(π t)) / 2 with t = (step - warmup) / (total - warmup).
  double rate(std::int64_t step) const;
};

/// Throws Error(invalid_argument) "schedule: …" unless 0 <= floor <= peak, 0 <= warmup <= total.
void validate(const Schedule& schedule);

}  // namespace adlib::train
