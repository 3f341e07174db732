#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/error_of.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("contiguous packs any view and returns a packed tensor itself", "[core][copy]") {
  const Tensor a = random_tensor({3, 4, 5});
  CHECK(a.contiguous().raw() == a.raw());
  const Tensor view = a.transpose(0, 2).slice(1, 1, 3);  // (5, 2, 3)
  const Tensor packed = view.contiguous();
  REQUIRE(packed.is_contiguous());
  for (std::int64_t i = 0; i < 5; ++i) {
    for (std::int64_t j = 0; j < 2; ++j) {
      for (std::int64_t k = 0; k < 3; ++k) {
        CHECK(packed.select(0, i).select(0, j).select(0, k).item<float>() ==
              a.select(0, k).select(0, j + 1).select(0, i).item<float>());
      }
    }
  }
}

TEST_CASE("copy_into writes through a view and leaves its surroundings alone", "[core][copy]") {
  const Tensor canvas = Tensor::zeros({4, 6});
  Tensor window = canvas.slice(0, 1, 3).slice(1, 2, 5);
  const Tensor source = random_tensor({3, 2}).transpose(0, 1);
  ops::copy_into(window, source);
  CHECK(same_bits(window, source));
  double outside = 0;
  for (const double x : doubles(canvas)) outside += std::fabs(x);
  for (const double x : doubles(source)) outside -= std::fabs(x);
  CHECK(outside == Approx(0).margin(1e-12));
  Tensor scalar = Tensor::zeros({});
  ops::copy_into(scalar, Tensor::from({2.5}, {}));
  CHECK(scalar.item<float>() == 2.5f);
}

TEST_CASE("copy_into refuses tensors of different shapes", "[core][copy]") {
  Tensor out = Tensor::zeros({2, 3});
  CHECK(error_of([&] {
          ops::copy_into(out, Tensor::zeros({3, 2}));
        }) == "invalid_argument: copy_into: source has shape [3, 2], expected [2, 3]");
  CHECK_THAT(error_of([&] { ops::copy_into(out, Tensor()); }), ContainsSubstring("source is undefined"));
}

TEST_CASE("every pair of dtypes converts small integers exactly", "[core][copy]") {
  const auto all = {DType::f32, DType::f16, DType::bf16, DType::f64, DType::i64,
                    DType::i32, DType::i16, DType::i8,   DType::u8,  DType::boolean};
  for (const DType from : all) {
    for (const DType to : all) {
      CAPTURE(from, to);
      const bool binary = from == DType::boolean || to == DType::boolean;
      const std::vector<double> expected =
          binary ? std::vector<double>{0, 1, 1} : std::vector<double>{0, 1, 100};
      const Tensor source = Tensor::from({0.0f, 1.0f, 100.0f}, {3}).to(from);
      CHECK(source.dtype() == from);
      CHECK(doubles(source.to(to)) == expected);
    }
  }
}

TEST_CASE("floating point to integer truncates, saturates, and sends NaN to zero", "[core][copy]") {
  const float nan = std::numeric_limits<float>::quiet_NaN(),
              infinity = std::numeric_limits<float>::infinity();
  const Tensor x = Tensor::from({-1.9f, 1.9f, 300.0f, -300.0f, nan, infinity, -infinity}, {7});
  CHECK(doubles(x.to(DType::i8)) == std::vector<double>{-1, 1, 127, -128, 0, 127, -128});
  CHECK(doubles(x.to(DType::u8)) == std::vector<double>{0, 1, 255, 0, 0, 255, 0});
  CHECK(x.to(DType::i64).select(0, 5).item<std::int64_t>() == std::numeric_limits<std::int64_t>::max());
  CHECK(x.to(DType::i32).select(0, 6).item<std::int32_t>() == std::numeric_limits<std::int32_t>::min());
  CHECK(doubles(x.to(DType::boolean)) == std::vector<double>{1, 1, 1, 1, 1, 1, 1});
}

TEST_CASE("doubles round to a half once, not first to float and then again", "[core][copy]") {
  // Just above the tie between 1 and the next f16: rounding to float first lands on the tie, and then on 1.
  const double above_tie = 1 + 0x1p-11 + 0x1p-40;
  CHECK(Tensor::from({above_tie}, {1}).to(DType::f16).item<float16>().bits == 0x3c01);
  CHECK(Tensor::from({-above_tie}, {1}).to(DType::f16).item<float16>().bits == 0xbc01);
  CHECK(Tensor::from({1 + 0x1p-11}, {1}).to(DType::f16).item<float16>().bits == 0x3c00);
  CHECK(Tensor::from({1 + 0x1p-8 + 0x1p-45}, {1}).to(DType::bf16).item<bfloat16>().bits == 0x3f81);
  CHECK(Tensor::from({1e300}, {1}).to(DType::f16).item<float16>().bits == 0x7c00);
  CHECK(Tensor::from({std::int64_t{16777217}}, {1}).to(DType::f64).item<double>() == 16777217.0);
}

TEST_CASE("concatenate joins along any dimension, views included", "[core][copy]") {
  const Tensor a = random_tensor({2, 3, 4}), b = random_tensor({2, 4, 5}, DType::f32, 2).transpose(1, 2);
  const Tensor parts[] = {a, b};
  const Tensor joined = ops::concatenate(parts, -2);
  CHECK(joined.shape() == Shape{2, 8, 4});
  CHECK(same_bits(joined.slice(1, 0, 3), a));
  CHECK(same_bits(joined.slice(1, 3, 8), b));
  const Tensor wrong[] = {a, random_tensor({2, 3, 5})};
  CHECK(error_of([&] { ops::concatenate(wrong, 1); }) ==
        "invalid_argument: concatenate: parts[1] has shape [2, 3, 5], expected [2, 3, 4]");
  const Tensor mixed[] = {a, a.to(DType::bf16)};
  CHECK(error_of([&] { ops::concatenate(mixed, 0); }) ==
        "dtype_mismatch: concatenate: parts[0] is (2, 3, 4) f32 on cpu, parts[1] is (2, 3, 4) bf16 on cpu; "
        "convert "
        "parts[1] with .to(DType::f32)");
  CHECK_THAT(error_of([] { ops::concatenate({}, 0); }), ContainsSubstring("concatenate: no tensors"));
}
