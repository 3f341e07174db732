// The gradients of attention over documents that lie end to end, by the kernels of the CUDA backend in the
// emulator.
#include <cmath>
#include <vector>

#include "kernels/documents.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/values.h"

using namespace adlib;
using namespace adlib::test;
using kernels::cuda::host::Arrival;

namespace {

template <class T>
bool same_gradients(DocumentRun<T>& a, DocumentRun<T>& b) {
  return same_bits(a.dq.values(), b.dq.values()) && same_bits(a.dk.values(), b.dk.values()) &&
         same_bits(a.dv.values(), b.dv.values());
}

// Rows [from, …) of a run become the first ones of another, which is shorter.
template <class T>
void copy_rows(Rows<T>& to, Rows<T>& from, std::int64_t first, std::int64_t rows, std::int64_t heads,
               std::int64_t dim) {
  for (std::int64_t r = 0; r < rows; ++r)
    for (std::int64_t h = 0; h < heads; ++h)
      for (std::int64_t c = 0; c < dim; ++c) to.at(r, h, c) = from.at(first + r, h, c);
}

}  // namespace

TEMPLATE_TEST_CASE("the gradients of varlen attention on CUDA match double precision under every schedule",
                   "[kernels]", float, float16, bfloat16) {
  const auto cases = document_cases();
  const auto at = GENERATE_COPY(range(std::size_t{0}, cases.size()));
  CAPTURE(at);
  DocumentRun<TestType> eager(cases[at]);
  eager.template forward<CpuContext>();
  const DocumentOracle<TestType> oracle(eager, /*gradients=*/true);
  {
    const WithSchedule schedule({.seed = at, .arrival = Arrival::eager});
    eager.template backward<CudaContext>();
  }
  CHECK(oracle.dq.compare(eager.dq.values()) == "");
  CHECK(oracle.dk.compare(eager.dk.values()) == "");
  CHECK(oracle.dv.compare(eager.dv.values()) == "");
  CHECK((eager.dq.intact() && eager.dk.intact() && eager.dv.intact()));

  DocumentRun<TestType> lazy(cases[at]);
  lazy.template forward<CpuContext>();
  DocumentRun<TestType> cpu(cases[at]);
  cpu.template forward<CpuContext>();
  {
    const WithSchedule schedule({.seed = at + 100, .arrival = Arrival::lazy});
    lazy.template backward<CudaContext>();
  }
  CHECK(same_gradients(lazy, eager));
  cpu.template backward<CpuContext>();
  CHECK(oracle.dq.compare(cpu.dq.values()) == "");
  CHECK(oracle.dk.compare(cpu.dk.values()) == "");
  CHECK(oracle.dv.compare(cpu.dv.values()) == "");
}

TEMPLATE_TEST_CASE("a document's gradients on CUDA have the same bits in any company", "[kernels]", float,
                   float16) {
  const Documents all{.lengths = {3, 66, 0, 33}, .heads = 2, .kv_heads = 1, .head_dim = 16, .value_dim = 16};
  DocumentRun<TestType> packed(all);
  packed.template forward<CpuContext>();
  packed.template backward<CudaContext>();
  for (std::size_t s = 1; s < packed.offsets.size(); ++s) {
    const std::int64_t begin = packed.offsets[s - 1], rows = packed.offsets[s] - begin;
    Documents one = all;
    one.lengths = {rows};
    DocumentRun<TestType> alone(one);
    copy_rows(alone.q, packed.q, begin, rows, 2, 16);
    copy_rows(alone.k, packed.k, begin, rows, 1, 16);
    copy_rows(alone.v, packed.v, begin, rows, 1, 16);
    copy_rows(alone.dout, packed.dout, begin, rows, 2, 16);
    copy_rows(alone.out, packed.out, begin, rows, 2, 16);
    for (std::int64_t r = 0; r < rows * 2; ++r) alone.lse.data()[r] = packed.lse.data()[begin * 2 + r];
    alone.template backward<CudaContext>();
    CHECK(same_bits(alone.dq.values(), packed.dq.values(begin, begin + rows)));
    CHECK(same_bits(alone.dk.values(), packed.dk.values(begin, begin + rows)));
    CHECK(same_bits(alone.dv.values(), packed.dv.values(begin, begin + rows)));
  }
}

TEMPLATE_TEST_CASE("NaN and infinity in gradients on CUDA stay in their document and head", "[kernels]",
                   float, bfloat16) {
  const float poison = GENERATE(not_a_number, infinity);
  const int operand = GENERATE(0, 1, 2, 3);
  const Documents documents{.lengths = {10, 40, 3}, .heads = 2, .kv_heads = 2, .head_dim = 8, .value_dim = 8};
  DocumentRun<TestType> clean(documents), run(documents);
  clean.template forward<CpuContext>();
  clean.template backward<CudaContext>();
  Rows<TestType>* operands[] = {&run.q, &run.k, &run.v, &run.dout};
  operands[operand]->at(10, 1, 5) = TestType(poison);
  run.template forward<CpuContext>();
  run.template backward<CudaContext>();
  CAPTURE(poison, operand);
  bool found = false;
  Rows<TestType>*got[] = {&run.dq, &run.dk, &run.dv}, *want[] = {&clean.dq, &clean.dk, &clean.dv};
  for (std::size_t g = 0; g < 3; ++g) {
    CHECK(same_bits(got[g]->values(0, 10), want[g]->values(0, 10)));
    CHECK(same_bits(got[g]->values(50, 53), want[g]->values(50, 53)));
    bool equal = true;
    for (std::int64_t r = 10; r < 50; ++r) {
      for (std::int64_t c = 0; c < 8; ++c) {
        equal = equal && static_cast<float>(got[g]->at(r, 0, c)) == static_cast<float>(want[g]->at(r, 0, c));
        found = found || !std::isfinite(static_cast<float>(got[g]->at(r, 1, c)));
      }
    }
    CHECK(equal);
  }
  CHECK(found);
}

TEST_CASE("varlen attention's gradients on CUDA take a negative scale", "[kernels]") {
  DocumentRun<float> run({.lengths = {40}, .head_dim = 8, .value_dim = 8, .scale = -0.5f});
  run.forward<CpuContext>();
  const DocumentOracle<float> oracle(run, /*gradients=*/true);
  run.backward<CudaContext>();
  CHECK(oracle.dq.compare(run.dq.values()) == "");
  CHECK(oracle.dk.compare(run.dk.values()) == "");
  CHECK(oracle.dv.compare(run.dv.values()) == "");
}

TEST_CASE("varlen attention's gradients on CUDA take no rows, and say which widths they do not have",
          "[kernels]") {
  const auto lengths = GENERATE(std::vector<std::int64_t>{}, std::vector<std::int64_t>{0, 0});
  DocumentRun<float> none({.lengths = lengths});
  none.backward<CudaContext>();
  CHECK(none.dq.intact());
  DocumentRun<float> wide({.lengths = {2}, .head_dim = 300, .value_dim = 8});
  CHECK(error_of([&] { wide.backward<CudaContext>(); }) ==
        "unsupported: varlen_attention_backward: head_dim 300 and value_dim 8 on CUDA, expected at most 256; "
        "move the tensors with .to(Device::cpu)");
}
