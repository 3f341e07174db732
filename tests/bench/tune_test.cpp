// The search of adlib-tune, on products whose times are known.
#include "bench/tune/search.h"

#include <random>

#include "adlib/core/error.h"
#include "support/catch.h"

using namespace adlib;
using namespace adlib::bench;
using kernels::cpu::GemmKind;
using kernels::cpu::GemmTuning;

namespace {

constexpr std::int64_t tallest = 12;

const GemmTuning& cut_now() { return kernels::cpu::tuning().gemm[static_cast<std::size_t>(GemmKind::bf16)]; }

Product product(const std::string& name, std::function<double(const GemmTuning&)> seconds) {
  return {.name = name,
          .packed = true,
          .run =
              [] {
                return Tensor::from({1.0, 2.0}, {2});
              },
          .seconds = [=] { return seconds(cut_now()); }};
}

Choice choose(const std::vector<Product>& products) {
  return choose_cut(GemmKind::bf16, tallest, products, {}, [](const std::string&) {});
}

// Two settings that gain 10% and 20%, and everything else that loses.
double planted(const GemmTuning& cut) {
  return 1e-3 *
         (cut.block_n == 64    ? 0.9
          : cut.block_n == 128 ? 1
                               : 1.1) *
         (cut.tile_rows == 6    ? 0.8
          : cut.tile_rows == 99 ? 1
                                : 1.2) *
         (cut.block_m == 512 ? 1 : 1.1);
}

}  // namespace

TEST_CASE("the search finds settings that are faster, each from the best so far", "[bench][tune]") {
  const GemmTuning expected{.block_m = 512, .block_n = 64, .few_rows = 64, .tile_rows = 6};
  SECTION("on a machine that keeps its speed") {
    const Choice choice = choose({product("a", planted), product("b", planted)});
    CHECK(choice.cut == expected);
    CHECK(choice.ratio == Approx(0.72));
    REQUIRE(choice.comparisons.size() == 2);
    CHECK(choice.comparisons[1].product == "b");
    CHECK(choice.comparisons[1].usual == Approx(1e-3));
    CHECK(choice.comparisons[1].chosen == Approx(0.72e-3));
    CHECK(choice.comparisons[1].ratio == Approx(0.72));
  }
  SECTION("on one that grows slower all the time, and halves its speed now and then") {
    int sample = 0;
    const Choice choice = choose({product("a", [&](const GemmTuning& cut) {
      ++sample;
      return planted(cut) * (1 + 1e-4 * sample) * (sample % 17 == 0 ? 2 : 1);
    })});
    CHECK(choice.cut == expected);
  }
}

TEST_CASE("the default stays unless another cut is clearly faster", "[bench][tune]") {
  std::mt19937 bits(GENERATE(1u, 2u, 3u, 4u, 5u));
  const auto gain = [](double ratio) {
    return [=](const GemmTuning& cut) { return cut.block_n == 64 ? ratio : 1.0; };
  };
  std::vector<Product> products;
  SECTION("nothing makes a difference") {
    products = {product("a", [](const GemmTuning&) { return 1; })};
  }
  SECTION("a gain of one percent") { products = {product("a", gain(0.99))}; }
  SECTION("only noise, of up to 30%") {
    products = {product("a", [&](const GemmTuning&) { return 1 + 0.3 * (bits() >> 8) * 0x1p-24; })};
  }
  SECTION("three products gain, and one loses") {
    products = {product("a", gain(0.7)), product("b", gain(0.7)), product("c", gain(0.7)),
                product("d", gain(1.06))};
  }
  const Choice choice = choose(products);
  CHECK(choice.cut == GemmTuning{});
  CHECK(choice.ratio == 1);
  for (const Comparison& comparison : choice.comparisons) CHECK(comparison.chosen == comparison.usual);
}

TEST_CASE("a cut that changes one bit ends the search before it is timed", "[bench][tune]") {
  Product wrong = product("8 x 16 x 32", [](const GemmTuning& cut) {
    if (cut.block_m == 256) throw Error(ErrorCode::cancelled, "timed");
    return 1.0;
  });
  wrong.run = [] { return Tensor::from({1.0, cut_now().block_m == 256 ? 1.0 + 0x1p-23 : 1.0}, {2}); };
  CHECK_THROWS_WITH(choose({wrong}), ContainsSubstring("bf16 8 x 16 x 32: block_m 256 block_n 128 few_rows "
                                                       "64 tile_rows 99 changes the result"));
}

TEST_CASE("the search leaves the tuning as it was", "[bench][tune]") {
  kernels::cpu::Tuning before;
  before.gemm[0].block_n = 32;
  set_tuning(before);
  choose({product("a", planted)});
  CHECK(kernels::cpu::tuning() == before);
  kernels::cpu::set_tuning({});
}
