// bench/machine/loops.h: the loops that show what a processor can do at most, one table a SIMD level.
#pragma once

#include <cstdint>

namespace adlib::bench::loops {

/// Each arithmetic loop keeps twelve independent chains in registers and touches no memory: enough to hide a
/// latency of six cycles on two units. It returns something of the results, so that no compiler drops them.
struct Loops {
  /// Sums of products; a product and an addition count as two operations.
  float (*f32)(std::int64_t steps) = nullptr;
  std::int64_t f32_operations = 0;  ///< of one step
  /// Products of bfloat16 pairs summed in float; null where the level has no such instruction.
  float (*bf16)(std::int64_t steps) = nullptr;
  std::int64_t bf16_operations = 0;
  /// Products of an unsigned and a signed byte summed in 32 bits; null where the level has none.
  std::int32_t (*i8)(std::int64_t steps) = nullptr;
  std::int64_t i8_operations = 0;
  /// Loads every byte of [data, data + bytes) once. bytes: a multiple of 512; data: aligned to 64.
  std::int32_t (*read)(const void* data, std::int64_t bytes) = nullptr;
};

constexpr int chains = 12;

extern const Loops baseline;
extern const Loops avx2;
extern const Loops avx512;
extern const Loops vnni;
extern const Loops bf16;

}  // namespace adlib::bench::loops
