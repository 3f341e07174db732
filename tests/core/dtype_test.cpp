#include <bit>
#include <cmath>
#include <limits>
#include <type_traits>

#include "adlib/core/tensor.h"
#include "support/catch.h"

using namespace adlib;

namespace {

// The value that a half type's bits stand for, from the definition of the format.
double value_of(std::uint16_t bits, int exponent_bits) {
  const int fraction_bits = 15 - exponent_bits;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const int exponent = (bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  const double fraction = std::ldexp(bits & ((1 << fraction_bits) - 1), -fraction_bits);
  const double sign = (bits & 0x8000u) != 0 ? -1 : 1;
  if (exponent == (1 << exponent_bits) - 1) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  }
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias) : std::ldexp(1 + fraction, exponent - bias));
}

template <class T>
constexpr int exponent_bits = std::is_same_v<T, float16> ? 5 : 8;

bool same(double a, double b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

// Bits of the representable value nearest to x (magnitudes ascend with their bits), ties to even.
template <class T>
std::uint16_t nearest_bits(double x) {
  const std::uint16_t sign = std::signbit(x) ? 0x8000u : 0u;
  const std::uint16_t infinity = exponent_bits<T> == 5 ? 0x7c00u : 0x7f80u;
  std::uint16_t low = 0, high = infinity;  // value(low) <= |x| < value(high), infinity standing for 2^emax
  const auto value = [&](std::uint16_t bits) {
    if (bits < infinity) return value_of(bits, exponent_bits<T>);
    return std::ldexp(1.0, (1 << (exponent_bits<T> - 1)));
  };
  if (std::fabs(x) >= value(high)) return static_cast<std::uint16_t>(sign | infinity);
  while (high - low > 1) {
    const auto middle = static_cast<std::uint16_t>((low + high) / 2);
    (value(middle) <= std::fabs(x) ? low : high) = middle;
  }
  const double below = std::fabs(x) - value(low), above = value(high) - std::fabs(x);
  const bool up = above < below || (above == below && (low & 1u) != 0);
  return static_cast<std::uint16_t>(sign | (up ? high : low));
}

}  // namespace

TEMPLATE_TEST_CASE("every bit pattern of a half type converts to its value and back", "[core][dtype]",
                   float16, bfloat16) {
  int wrong = 0;
  for (unsigned bits = 0; bits < 0x10000u; ++bits) {
    const auto raw = static_cast<std::uint16_t>(bits);
    const auto value = static_cast<float>(TestType::from_bits(raw));
    wrong += !same(value, value_of(raw, exponent_bits<TestType>));
    const TestType back(value);
    wrong += std::isnan(value) ? !std::isnan(static_cast<float>(back)) : back.bits != raw;
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("floats round to the nearest half, ties to even", "[core][dtype]", float16, bfloat16) {
  int wrong = 0;
  // Around every representable value: the value itself, the midpoint to the next, and the floats beside them.
  for (unsigned bits = 0; bits < (exponent_bits<TestType> == 5 ? 0x7c00u : 0x7f80u); ++bits) {
    const auto value = static_cast<float>(TestType::from_bits(static_cast<std::uint16_t>(bits)));
    const auto next = static_cast<float>(TestType::from_bits(static_cast<std::uint16_t>(bits + 1)));
    const float middle =
        std::isinf(next)
            ? value +
                  (value - static_cast<float>(TestType::from_bits(static_cast<std::uint16_t>(bits - 1)))) / 2
            : value + (next - value) / 2;
    for (const float x : {value, middle, std::nextafter(middle, 0.0f), std::nextafter(middle, next)}) {
      wrong += TestType(x).bits != nearest_bits<TestType>(x);
      wrong += TestType(-x).bits != nearest_bits<TestType>(-x);
    }
  }
  CHECK(wrong == 0);
  CHECK(std::isinf(static_cast<float>(TestType(std::numeric_limits<float>::infinity()))));
  CHECK(std::isnan(static_cast<float>(TestType(std::nanf("")))));
}

TEST_CASE("halves overflow to infinity from half an ulp past the largest value", "[core][dtype]") {
  CHECK(static_cast<float>(float16(65519.996f)) == 65504.0f);
  CHECK(std::isinf(static_cast<float>(float16(65520.0f))));
  CHECK(float16(0x1p-25f).bits == 0);  // a tie between 0 and the smallest subnormal
  CHECK(float16(std::nextafter(0x1p-25f, 1.0f)).bits == 1);
  CHECK(std::isinf(static_cast<float>(bfloat16(std::numeric_limits<float>::max()))));
}

TEST_CASE("each dtype has a name, a size and a C++ type", "[core][dtype]") {
  CHECK(to_string(DType::bf16) == "bf16");
  CHECK(to_string(DType::boolean) == "bool");
  CHECK(size_of(DType::f64) == 8);
  CHECK(size_of(DType::f16) == 2);
  CHECK(size_of(DType::boolean) == 1);
  CHECK(dtype_of<bfloat16> == DType::bf16);
  CHECK(is_floating(DType::f64));
  CHECK_FALSE(is_floating(DType::i64));
}
