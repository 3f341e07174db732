#include "kernels/copy.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <type_traits>

#include "kernels/cpu/strided.h"

namespace adlib::kernels {
namespace {

template <class T>
inline constexpr bool is_half = std::is_same_v<T, float16> || std::is_same_v<T, bfloat16>;

// Rounds to the float whose last bit is 1 when inexact, so that a second rounding to a half type is right:
// rounding to nearest twice would turn a value just above a tie into the tie.
float round_to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  if (static_cast<double>(nearest) == value || std::isnan(value) || std::isinf(nearest)) return nearest;
  auto bits = std::bit_cast<std::uint32_t>(nearest);
  if (std::fabs(static_cast<double>(nearest)) > std::fabs(value)) --bits;
  return std::bit_cast<float>(bits | 1u);
}

template <class To, class From>
To convert(From value) {
  if constexpr (std::is_same_v<To, From>) {
    return value;
  } else if constexpr (is_half<From>) {
    return convert<To>(static_cast<float>(value));
  } else if constexpr (is_half<To>) {
    if constexpr (std::is_same_v<From, float>) return To(value);
    return To(round_to_odd(static_cast<double>(value)));
  } else if constexpr (std::is_same_v<To, bool>) {
    return value != From{0};
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    // -limit is representable for signed types; the upper bound is exclusive, 2^bits exactly.
    constexpr auto lowest = static_cast<From>(std::numeric_limits<To>::min());
    const From beyond = std::ldexp(From{1}, std::numeric_limits<To>::digits);
    if (std::isnan(value)) return 0;
    if (value <= lowest) return std::numeric_limits<To>::min();
    if (value >= beyond) return std::numeric_limits<To>::max();
    return static_cast<To>(value);
  } else {
    return static_cast<To>(value);
  }
}

}  // namespace

template <class To, class From>
void copy(CpuContext&, To* out, const From* in, const Extents& extents, const Strides& out_strides,
          const Strides& in_strides) {
  const std::int64_t out_step = cpu::inner_stride(extents, out_strides);
  const std::int64_t in_step = cpu::inner_stride(extents, in_strides);
  cpu::for_each_row(extents, out_strides, in_strides,
                    [&](std::int64_t to, std::int64_t from, std::int64_t count) {
                      To* y = out + to;
                      const From* x = in + from;
                      if constexpr (std::is_same_v<To, From>) {
                        if (out_step == 1 && in_step == 1) {
                          std::memcpy(y, x, static_cast<std::size_t>(count) * sizeof(To));
                          return;
                        }
                      }
                      for (std::int64_t i = 0; i < count; ++i) y[i * out_step] = convert<To>(x[i * in_step]);
                    });
}

// Every pair of element types.
#define ADLIB_COPY(To, From) \
  template void copy(CpuContext&, To*, const From*, const Extents&, const Strides&, const Strides&)
#define ADLIB_COPY_TO(To)       \
  ADLIB_COPY(To, float);        \
  ADLIB_COPY(To, float16);      \
  ADLIB_COPY(To, bfloat16);     \
  ADLIB_COPY(To, double);       \
  ADLIB_COPY(To, std::int64_t); \
  ADLIB_COPY(To, std::int32_t); \
  ADLIB_COPY(To, std::int16_t); \
  ADLIB_COPY(To, std::int8_t);  \
  ADLIB_COPY(To, std::uint8_t); \
  ADLIB_COPY(To, bool)
ADLIB_COPY_TO(float);
ADLIB_COPY_TO(float16);
ADLIB_COPY_TO(bfloat16);
ADLIB_COPY_TO(double);
ADLIB_COPY_TO(std::int64_t);
ADLIB_COPY_TO(std::int32_t);
ADLIB_COPY_TO(std::int16_t);
ADLIB_COPY_TO(std::int8_t);
ADLIB_COPY_TO(std::uint8_t);
ADLIB_COPY_TO(bool);
#undef ADLIB_COPY_TO
#undef ADLIB_COPY

}  // namespace adlib::kernels
