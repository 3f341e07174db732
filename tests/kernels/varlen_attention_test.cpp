// Attention over documents that lie end to end, by the kernels of the CUDA backend in the emulator.
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/documents.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/values.h"

using namespace adlib;
using namespace adlib::test;
using kernels::cuda::host::Arrival;

TEMPLATE_TEST_CASE("varlen attention on CUDA matches double precision under every schedule", "[kernels]",
                   float, float16, bfloat16) {
  const auto cases = document_cases();
  const auto at = GENERATE_COPY(range(std::size_t{0}, cases.size()));
  const bool causal = GENERATE(true, false);
  Documents documents = cases[at];
  documents.causal = causal;
  CAPTURE(at, causal);
  DocumentRun<TestType> run(documents);
  {
    const WithSchedule schedule({.seed = at, .arrival = causal ? Arrival::eager : Arrival::lazy});
    run.template forward<CudaContext>();
  }
  const DocumentOracle<TestType> oracle(run);
  CHECK(oracle.out.compare(run.out.values()) == "");
  CHECK(oracle.lse.compare(run.lse.values()) == "");
  CHECK((run.out.intact() && run.lse.intact()));
  DocumentRun<TestType> cpu(documents);
  cpu.template forward<CpuContext>();
  CHECK(oracle.out.compare(cpu.out.values()) == "");
  CHECK(oracle.lse.compare(cpu.lse.values()) == "");
  if (!causal) return;
  DocumentRun<TestType> lazy(documents);
  const WithSchedule schedule({.seed = at + 100, .arrival = Arrival::lazy});
  lazy.template forward<CudaContext>();
  CHECK(same_bits(lazy.out.values(), run.out.values()));
  CHECK(same_bits(lazy.lse.values(), run.lse.values()));
}

TEMPLATE_TEST_CASE("varlen attention on CUDA takes any scale and scores of any size", "[kernels]", float,
                   float16) {
  const float scale = GENERATE(-0.3f, 1e-30f, 2.0f);
  DocumentRun<TestType> run({.lengths = {70, 9}, .head_dim = 24, .value_dim = 24, .scale = scale}, 2);
  run.template forward<CudaContext>();
  const DocumentOracle<TestType> oracle(run);
  CAPTURE(scale);
  // Scores of some hundreds, of which float keeps five digits behind the point.
  Expected out = oracle.out, lse = oracle.lse;
  for (double& slack : out.slack) slack += 1e-3;
  for (double& slack : lse.slack) slack += 1e-4;
  CHECK(out.compare(run.out.values()) == "");
  CHECK(lse.compare(run.lse.values()) == "");
}

TEMPLATE_TEST_CASE("a scale of 0 on CUDA gives the mean of what a row sees", "[kernels]", float, bfloat16) {
  DocumentRun<TestType> run({.lengths = {40}, .head_dim = 8, .value_dim = 8});
  CudaContext context;
  kernels::varlen_attention<TestType>(context, run.offsets,
                                      {.out = run.out.view(),
                                       .q = run.q.input(),
                                       .k = run.k.input(),
                                       .v = run.v.input(),
                                       .heads = 1,
                                       .kv_heads = 1,
                                       .head_dim = 8,
                                       .value_dim = 8,
                                       .scale = 0});
  double sum = 0;
  for (std::int64_t r = 0; r < 40; ++r) {
    sum += static_cast<double>(static_cast<float>(run.v.at(r, 0, 3)));
    CHECK(std::fabs(static_cast<double>(static_cast<float>(run.out.at(r, 0, 3))) -
                    sum / static_cast<double>(r + 1)) < 0.01);
  }
}

TEMPLATE_TEST_CASE("a document's attention on CUDA has the same bits in any company", "[kernels]", float,
                   float16) {
  const auto dim = GENERATE(64, 128);
  const Documents all{
      .lengths = {3, 130, 0, 65}, .heads = 2, .kv_heads = 1, .head_dim = dim, .value_dim = dim};
  DocumentRun<TestType> packed(all);
  packed.template forward<CudaContext>();
  for (std::size_t s = 1; s < packed.offsets.size(); ++s) {
    const std::int64_t begin = packed.offsets[s - 1], end = packed.offsets[s];
    Documents one = all;
    one.lengths = {end - begin};
    DocumentRun<TestType> alone(one);
    for (std::int64_t r = 0; r < end - begin; ++r) {
      for (std::int64_t c = 0; c < dim; ++c) {
        for (std::int64_t h = 0; h < 2; ++h) alone.q.at(r, h, c) = packed.q.at(begin + r, h, c);
        alone.k.at(r, 0, c) = packed.k.at(begin + r, 0, c);
        alone.v.at(r, 0, c) = packed.v.at(begin + r, 0, c);
      }
    }
    alone.template forward<CudaContext>();
    CHECK(same_bits(alone.out.values(), packed.out.values(begin, end)));
  }
}

TEMPLATE_TEST_CASE("NaN and infinity on CUDA stay in their document and head", "[kernels]", float, bfloat16) {
  const float poison = GENERATE(not_a_number, infinity);
  const int operand = GENERATE(0, 1, 2);
  const Documents documents{
      .lengths = {10, 66, 3}, .heads = 2, .kv_heads = 2, .head_dim = 20, .value_dim = 20};
  DocumentRun<TestType> clean(documents), run(documents);
  clean.template forward<CudaContext>();
  Rows<TestType>* operands[] = {&run.q, &run.k, &run.v};
  operands[operand]->at(10, 1, 7) = TestType(poison);
  run.template forward<CudaContext>();
  CAPTURE(poison, operand);
  CHECK(same_bits(run.out.values(0, 10), clean.out.values(0, 10)));
  CHECK(same_bits(run.out.values(76, 79), clean.out.values(76, 79)));
  bool found = false;
  for (std::int64_t r = 10; r < 76; ++r) {
    for (std::int64_t c = 0; c < 20; ++c) {
      CHECK(static_cast<float>(run.out.at(r, 0, c)) == static_cast<float>(clean.out.at(r, 0, c)));
      found = found || !std::isfinite(static_cast<float>(run.out.at(r, 1, c)));
    }
  }
  CHECK(found);
}

TEMPLATE_TEST_CASE("a row whose scores are all -inf gives zeros on CUDA", "[kernels]", float, float16) {
  DocumentRun<TestType> run({.lengths = {70}, .head_dim = 1, .value_dim = 3, .scale = 1});
  for (std::int64_t r = 0; r < 70; ++r) {
    run.q.at(r, 0, 0) = TestType(1.0f);
    if (r < 68) run.k.at(r, 0, 0) = TestType(-infinity);  // more than a step of keys
  }
  run.template forward<CudaContext>();
  for (std::int64_t r = 0; r < 70; ++r) {
    for (std::int64_t c = 0; c < 3; ++c) {
      const auto got = static_cast<float>(run.out.at(r, 0, c));
      if (r < 68) CHECK(got == 0);
      if (r == 68) CHECK(got == static_cast<float>(run.v.at(r, 0, c)));
      CHECK(std::isfinite(got));
    }
    CHECK(std::isinf(run.lse.data()[r]) == (r < 68));
  }
}

TEST_CASE("varlen attention on CUDA takes no rows, and says which widths it does not have", "[kernels]") {
  const auto lengths = GENERATE(std::vector<std::int64_t>{}, std::vector<std::int64_t>{0, 0});
  DocumentRun<float> none({.lengths = lengths});
  none.forward<CudaContext>();
  CHECK(none.out.intact());
  DocumentRun<float> wide({.lengths = {2}, .head_dim = 8, .value_dim = 257});
  CHECK(error_of([&] { wide.forward<CudaContext>(); }) ==
        "unsupported: varlen_attention: head_dim 8 and value_dim 257 on CUDA, expected at most 256; move the "
        "tensors with .to(Device::cpu)");
}
