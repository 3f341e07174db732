// Sums over rows, sums of squares, dropout, embedding and rope on CUDA, run by the emulator.
#include <algorithm>
#include <random>

#include "adlib/core/random.h"
#include "kernels/dropout.h"
#include "kernels/embedding.h"
#include "kernels/operands.h"
#include "kernels/rope.h"
#include "kernels/squared_norm.h"
#include "kernels/sum_rows.h"
#include "support/catch.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;
using cuda::host::Arrival;

std::vector<std::int32_t> some_ids(std::int64_t n, int below, unsigned seed) {
  std::mt19937 bits(seed);
  std::vector<std::int32_t> out;
  for (std::int64_t i = 0; i < n; ++i)
    out.push_back(static_cast<std::int32_t>(bits() % static_cast<unsigned>(below)));
  return out;
}

}  // namespace

TEMPLATE_TEST_CASE("sum_rows on CUDA adds in the CPU's order, bit for bit", "[kernels]", float, float16,
                   bfloat16) {
  using T = TestType;
  CpuContext cpu;
  CudaContext context;
  struct Case {
    std::int64_t rows, cols, shift;
  };
  std::size_t seed = 0;
  for (const Case c : {Case{1, 1, 0},
                       {2, 31, 0},
                       {31, 32, 1},
                       {32, 33, 0},
                       {33, 64, 0},
                       {65, 63, 0},
                       {127, 65, 2},
                       {129, 8, 0},
                       {1000, 3, 0},
                       {8225, 2, 0},
                       {33, 2080, 0},
                       {0, 5, 0},
                       {5, 0, 0}}) {
    CAPTURE(c.rows, c.cols, c.shift);
    const WithSchedule schedule({seed++, Arrival::lazy});
    const auto x = normal_values<T>(c.rows * c.cols, 1);
    const auto before = normal_values<float>(c.cols, 2);
    auto expected = before;
    sum_rows<T>(cpu, expected.data(), x.data(), c.rows, c.cols);
    Guarded<T> in(x, c.shift);
    Guarded<float> sums(before);
    sum_rows<T>(context, sums.data(), in.data(), c.rows, c.cols);
    CHECK(same_bits(sums.values(), expected));
    CHECK((sums.intact() && in.intact()));
  }
}

TEMPLATE_TEST_CASE("squared_norm on CUDA is the CPU's", "[kernels]", float, float16, bfloat16) {
  using T = TestType;
  CpuContext cpu;
  CudaContext context;
  for (const std::int64_t n : {0, 1, 2, 7, 31, 33, 1000, 2047, 16383, 16384, 16385, 50001}) {
    for (const std::int64_t shift : {0, 1}) {
      CAPTURE(n, shift);
      const WithSchedule schedule({static_cast<std::uint64_t>(n), Arrival::eager});
      const auto x = normal_values<T>(n, 1, 1, 1);
      Guarded<T> in(x, shift);
      CHECK(squared_norm<T>(context, in.data(), n) ==
            Approx(squared_norm<T>(cpu, x.data(), n)).epsilon(1e-13));
    }
  }
}

TEMPLATE_TEST_CASE("dropout on CUDA drops what the CPU drops, bit for bit", "[kernels]", float, float16,
                   bfloat16) {
  using T = TestType;
  CudaContext context;
  const DropoutRule rule{
      .seed = 0x123456789abcdef0, .stream = 0xfedcba9876543210, .threshold = 0x40000000, .scale = 4.0f / 3};
  for (const std::int64_t n : {0, 1, 2, 3, 7, 31, 33, 65, 127, 1000, 4 * 32 * 256 * 4 + 77}) {
    for (const std::int64_t shift : {0, 1}) {
      CAPTURE(n, shift);
      if (n > 1000 && (shift != 0 || sizeof(T) == 2)) continue;  // more than a grid, of floats
      const auto x = normal_values<T>(n, 1), residual = normal_values<T>(n, 2);
      const Philox random(rule.seed, rule.stream);
      for (const bool with_residual : {false, true}) {
        std::vector<T> expected;
        for (std::size_t i = 0; i < x.size(); ++i) {
          float value =
              random.block(i / 4)[i % 4] < rule.threshold ? 0.0f : static_cast<float>(x[i]) * rule.scale;
          if (with_residual) value += static_cast<float>(residual[i]);
          expected.push_back(T(value));
        }
        Guarded<T> in(x, shift), added(residual, shift), y(n, shift);
        dropout<T>(context, y.data(), in.data(), with_residual ? added.data() : nullptr, n, rule);
        CHECK(same_bits(y.values(), expected));
        CHECK((y.intact() && in.intact() && added.intact()));
        T* place = with_residual ? added.data() : in.data();
        dropout<T>(context, place, in.data(), with_residual ? added.data() : nullptr, n, rule);
        CHECK(same_bits(with_residual ? added.values() : in.values(), expected));
      }
    }
  }
}

TEST_CASE("Philox is its authors' and a constant expression", "[kernels]") {
  // From the known answers of Random123: counter and key zero.
  constexpr Philox::Block zero = Philox(0).block(0);
  CHECK(
      (zero[0] == 0x6627e8d5u && zero[1] == 0xe169c58du && zero[2] == 0xbc57ac4cu && zero[3] == 0x9b00dbd8u));
}

TEMPLATE_TEST_CASE("embedding on CUDA copies rows of a table, with gaps or not", "[kernels]", float, float16,
                   bfloat16) {
  using T = TestType;
  CudaContext context;
  struct Case {
    std::int64_t n, cols, stride, shift;
  };
  for (const Case c : {Case{1, 1, 1, 0},
                       {2, 31, 31, 0},
                       {33, 32, 40, 0},
                       {7, 65, 70, 1},
                       {5, 768, 768, 0},
                       {5, 768, 768, 3},
                       {3, 1000, 1001, 0},
                       {0, 4, 4, 0}}) {
    CAPTURE(c.n, c.cols, c.stride, c.shift);
    const auto table = normal_values<T>(11 * c.stride, 1);
    const auto ids = some_ids(c.n, 11, 2);
    Guarded<T> rows(table, c.shift), y(c.n * c.cols);
    embedding<T>(context, y.data(), rows.data(), ids.data(), c.n, c.cols, c.stride);
    std::vector<T> expected;
    for (const std::int32_t id : ids)
      expected.insert(expected.end(), table.begin() + id * c.stride, table.begin() + id * c.stride + c.cols);
    CHECK(same_bits(y.values(), expected));
    CHECK(y.intact());
  }
}

TEMPLATE_TEST_CASE("embedding_backward on CUDA adds the rows of an id in their order, bit for bit",
                   "[kernels]", float, float16, bfloat16) {
  using T = TestType;
  CudaContext context;
  struct Case {
    std::int64_t n, cols;
    int rows;
    std::int64_t shift;
  };
  std::size_t seed = 0;
  for (const Case c : {Case{1, 1, 1, 0},
                       {2, 31, 2, 0},
                       {31, 32, 3, 0},
                       {33, 33, 2, 1},
                       {65, 256, 5, 0},
                       {129, 64, 1000, 0},
                       {300, 9, 1, 0},
                       {257, 520, 7, 0},
                       {700, 16, 50, 1},
                       {1, 8, 3, 0},
                       {0, 8, 3, 0}}) {
    CAPTURE(c.n, c.cols, c.rows, c.shift);
    const WithSchedule schedule({seed++, Arrival::lazy});
    auto ids = some_ids(c.n, c.rows, 3);
    if (c.n > 40) std::fill(ids.begin() + 3, ids.begin() + 40, ids[1]);  // one that many share
    const auto dy = normal_values<T>(c.n * c.cols, 1);
    const auto before = normal_values<float>(c.rows * c.cols, 2);
    auto expected = before;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      for (std::int64_t k = 0; k < c.cols; ++k)
        expected[static_cast<std::size_t>(ids[i] * c.cols + k)] +=
            static_cast<float>(dy[i * static_cast<std::size_t>(c.cols) + static_cast<std::size_t>(k)]);
    }
    Guarded<T> gradient(dy, c.shift);
    Guarded<float> dtable(before);
    Guarded<std::int32_t> at(ids, c.shift);
    embedding_backward<T>(context, dtable.data(), gradient.data(), at.data(), c.n, c.cols);
    CHECK(same_bits(dtable.values(), expected));
    CHECK((dtable.intact() && gradient.intact()));
  }
}

TEMPLATE_TEST_CASE("rope on CUDA rotates as the CPU does, in any layout", "[kernels]", float, float16,
                   bfloat16) {
  using T = TestType;
  CpuContext cpu;
  CudaContext context;
  struct Case {
    std::int64_t rows, heads, head_dim, rotary, gap, shift;
  };
  for (const Case c : {Case{1, 1, 2, 2, 0, 0},
                       {3, 2, 64, 64, 0, 0},
                       {2, 3, 128, 128, 16, 0},
                       {2, 2, 80, 32, 0, 0},
                       {5, 3, 31, 30, 1, 0},
                       {2, 2, 64, 64, 1, 0},
                       {2, 2, 64, 64, 8, 1},
                       {2, 3, 40, 24, 8, 0},
                       {2, 2, 16, 0, 0, 0},
                       {4, 12, 64, 64, 8, 0},
                       {0, 2, 4, 4, 0, 0}}) {
    for (const bool interleaved : {false, true}) {
      for (const bool inverse : {false, true}) {
        CAPTURE(c.rows, c.heads, c.head_dim, c.rotary, c.gap, c.shift, interleaved, inverse);
        const std::int64_t stride = 3 * c.heads * c.head_dim + c.gap, width = c.heads * c.head_dim;
        const auto x = normal_values<T>(c.rows * stride, 1);
        const auto cos = normal_values<float>(50 * c.rotary / 2, 2),
                   sin = normal_values<float>(50 * c.rotary / 2, 3);
        const auto positions = some_ids(c.rows, 50, 4);
        const RopeShape shape{.rows = c.rows,
                              .heads = c.heads,
                              .head_dim = c.head_dim,
                              .rotary_dim = c.rotary,
                              .row_stride = stride,
                              .head_stride = c.head_dim,
                              .interleaved = interleaved,
                              .inverse = inverse};
        std::vector<T> expected(static_cast<std::size_t>(c.rows * width));
        rope<T>(cpu, expected.data(), x.data(), positions.data(), cos.data(), sin.data(), shape);
        Guarded<T> in(x, c.shift), y(c.rows * width);
        Guarded<float> cosines(cos), sines(sin);
        rope<T>(context, y.data(), in.data(), positions.data(), cosines.data(), sines.data(), shape);
        CHECK(same_bits(y.values(), expected));
        CHECK(y.intact());
      }
    }
  }
}

}  // namespace adlib::kernels
