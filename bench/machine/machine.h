// bench/machine/machine.h: what this machine can do at most, measured in the process that measures kernels.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace adlib::bench {

/// The best of several short trials, for a number of threads that work side by side.
struct Limits {
  int threads = 1;
  double memory = 0, l3 = 0, l2 = 0;        ///< bytes read per second
  double f32 = 0, bf16 = 0, i8 = 0;         ///< operations per second; a multiply-add counts as two
  std::int64_t l3_bytes = 0, l2_bytes = 0;  ///< of the machine, of one core; 0 where there is none

  /// Bytes per second from the nearest level of memory that holds `working_set` bytes, shared by the threads.
  double bandwidth(double working_set) const;
  /// "L2", "L3" or "memory".
  std::string_view level(double working_set) const;
};

/// Measures at the SIMD level of kernels::cpu::isa(). Where that level has no instruction for bfloat16 or for
/// bytes, f32's rate stands, since such kernels convert. Takes about a second.
Limits measure_limits(int threads);

/// measure_limits() once a process and number of threads.
const Limits& limits(int threads);

/// "AMD EPYC …", or "unknown".
std::string processor_name();
/// {"threads": 2, "memory": 3.1e10, …}: one object of numbers.
std::string to_json(const Limits& limits);

}  // namespace adlib::bench
