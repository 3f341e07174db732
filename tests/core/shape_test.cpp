#include <cstdint>
#include <limits>
#include <vector>

#include "adlib/core/error.h"
#include "adlib/core/shape.h"
#include "support/catch.h"
#include "support/error_of.h"

using namespace adlib;
using adlib::test::error_of;

TEST_CASE("a shape counts its elements and prints itself", "[core][shape]") {
  CHECK(Shape{}.numel() == 1);
  CHECK(to_string(Shape{}) == "[]");
  CHECK(Shape{2, 3, 4}.numel() == 24);
  CHECK(to_string(Shape{2, 768}) == "[2, 768]");
  CHECK(Shape{3, 0, 5}.numel() == 0);
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2} != Shape{2, 1});
}

TEST_CASE("dimensions count from either end", "[core][shape]") {
  const Shape shape{2, 3, 5};
  CHECK(shape[0] == 2);
  CHECK(shape[-1] == 5);
  CHECK(shape.normalise(-3) == 0);
  CHECK(shape.with(-2, 7) == Shape{2, 7, 5});
  CHECK_THAT(error_of([&] { shape[3]; }), ContainsSubstring("dimension 3 is out of range for [2, 3, 5]"));
  CHECK_THAT(error_of([&] { shape[-4]; }), ContainsSubstring("dimension -4 is out of range"));
}

TEST_CASE("impossible shapes are refused", "[core][shape]") {
  CHECK_THAT(error_of([] { Shape{2, -1}; }), ContainsSubstring("extent -1"));
  CHECK_THAT(error_of([] { Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; }),
             ContainsSubstring("rank 9 is over the limit of 8"));
  const std::int64_t large = std::int64_t{1} << 32;
  CHECK_THAT(error_of([&] { Shape{large, large}; }), ContainsSubstring("more elements than 64 bits count"));
  CHECK_THAT(error_of([&] {
               Shape{large, large, 0};
             }),
             ContainsSubstring("more elements than 64 bits count"));
  CHECK(Shape{std::numeric_limits<std::int64_t>::max()}.numel() == std::numeric_limits<std::int64_t>::max());
}
