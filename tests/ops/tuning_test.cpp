// The tuning file: what it may say, and that no product depends on it.
#include "kernels/cpu/tuning.h"

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;
using kernels::cpu::GemmTuning;
using kernels::cpu::Tuning;

TEST_CASE("a tuning is read as it was written, on its own machine only", "[ops][tuning]") {
  Tuning tuning;
  tuning.gemm[0] = {.block_m = 96, .block_n = 64, .few_rows = 0, .tile_rows = 7};
  tuning.gemm[2].block_n = 256;
  const std::string text = to_string(tuning);
  CHECK(kernels::cpu::parse_tuning(text, "t") == tuning);
  std::string foreign = text;
  foreign.replace(foreign.find("machine "), 8, "machine another ");
  CHECK(kernels::cpu::parse_tuning(foreign, "t") == Tuning{});
  CHECK(kernels::cpu::parse_tuning("", "t") == Tuning{});
}

TEST_CASE("a tuning that cannot be understood is refused with its line", "[ops][tuning]") {
  const std::string machine = "machine " + kernels::cpu::tuning_machine() + "\n";
  const auto parse = [&](const std::string& line) { return kernels::cpu::parse_tuning(machine + line, "t"); };
  CHECK_THROWS_WITH(parse("gemm f64 block_m 8"), ContainsSubstring("t:2: 'f64' is none of f32, bf16, i8"));
  CHECK_THROWS_WITH(parse("gemm f32 block_m"), ContainsSubstring("t:2: 'block_m' has no number"));
  CHECK_THROWS_WITH(parse("gemm f32 block_k 512"), ContainsSubstring("'block_k' is not a setting"));
  CHECK_THROWS_WITH(parse("gemm f32 block_n 96"),
                    ContainsSubstring("block_n is 96, expected a power of two from 32 to 256"));
  CHECK_THROWS_WITH(parse("\n\ngemm i8 tile_rows 0"), ContainsSubstring("t:4: tile_rows is 0"));
  CHECK_THROWS_WITH(parse("colour green"), ContainsSubstring("adlib-tune"));
  CHECK_THROWS_WITH(kernels::cpu::parse_tuning("gemm f32 block_m 8", "t"),
                    ContainsSubstring("t:1: the line 'machine NAME' must come first"));
}

TEST_CASE("no product depends on the tuning", "[ops][tuning][matmul]") {
  const auto dtype = GENERATE(DType::f32, DType::bf16);
  const Tensor a = random_tensor({150, 530}, dtype, 1), b = random_tensor({530, 300}, dtype, 2);
  std::vector<ops::PackedMatrix> packed;
  for (const char* format : {"same", "bf16", "int8", "int4"}) {
    packed.emplace_back(b, false, ops::WeightFormat::parse(format));
  }
  const auto products = [&] {
    std::vector<Tensor> out{ops::matmul(a, b)};
    for (const ops::PackedMatrix& matrix : packed) out.push_back(ops::matmul(a, matrix));
    return out;
  };
  const Tuning usual = kernels::cpu::tuning();
  const std::vector<Tensor> expected = products();
  for (const GemmTuning& cut : {GemmTuning{1, 32, 0, 1}, GemmTuning{7, 64, 1024, 3},
                                GemmTuning{1024, 256, 0, 99}, GemmTuning{100, 256, 1024, 5}}) {
    Tuning tuning;
    tuning.gemm.fill(cut);
    set_tuning(tuning);
    const std::vector<Tensor> got = products();
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i, cut.block_m, cut.block_n);
      CHECK(same_bits(got[i], expected[i]));
    }
  }
  set_tuning(usual);
}
