// add and multiply on CUDA, run by the emulator, over layouts that broadcast.
#include "kernels/elementwise.h"

#include "kernels/operands.h"
#include "support/catch.h"

namespace adlib::kernels {
namespace {

using namespace adlib::test;

struct Layout {
  std::vector<std::int64_t> dims, a, b;  // extents, strides of a and of b
};

const std::vector<Layout> layouts = {
    {{}, {}, {}},
    {{0}, {1}, {1}},
    {{1}, {1}, {0}},
    {{1000}, {1}, {1}},
    {{1001}, {1}, {0}},
    {{131100}, {1}, {1}},  // more than a grid of groups, of floats
    {{4100}, {0}, {1}},
    {{33, 64}, {64, 1}, {0, 1}},  // a row on every row
    {{33, 64}, {64, 1}, {1, 0}},  // a number for each row
    {{7, 65}, {65, 1}, {0, 1}},
    {{5, 63}, {0, 1}, {1, 0}},    // an outer sum
    {{5, 64}, {72, 1}, {64, 1}},  // rows with gaps
    {{5, 64}, {70, 1}, {64, 1}},
    {{3, 4, 32}, {128, 32, 1}, {128, 32, 1}},
    {{3, 4, 32}, {128, 32, 1}, {0, 32, 1}},
    {{3, 4, 32}, {128, 32, 1}, {32, 0, 1}},
    {{4, 9}, {1, 4}, {9, 1}},  // transposed
    {{2, 1, 3, 1, 8}, {24, 7, 8, 5, 1}, {0, 0, 8, 0, 1}},
    {{2, 3, 2, 3, 2, 3, 2, 3}, {648, 216, 108, 36, 18, 6, 3, 1}, {0, 1, 0, 3, 0, 9, 0, 27}},
    {{200, 2}, {2, 1}, {0, 1}},  // more rows than blocks
};

template <class T, class Kernel, class F>
void check_layouts(const Kernel& kernel, const F& f) {
  CudaContext context;
  for (const Layout& layout : layouts) {
    for (const std::int64_t shift : {0, 1}) {
      if (layout.dims == std::vector<std::int64_t>{131100} && (shift != 0 || sizeof(T) == 2)) continue;
      CAPTURE(layout.dims, layout.a, layout.b, shift);
      Extents extents{.rank = static_cast<int>(layout.dims.size())};
      Strides a_strides{}, b_strides{};
      std::int64_t n = 1, a_size = 1, b_size = 1;
      for (std::size_t d = 0; d < layout.dims.size(); ++d) {
        extents.dims[d] = layout.dims[d];
        a_strides[d] = layout.a[d], b_strides[d] = layout.b[d];
        n *= layout.dims[d];
        a_size += (layout.dims[d] - 1) * layout.a[d], b_size += (layout.dims[d] - 1) * layout.b[d];
      }
      const auto a = normal_values<T>(std::max<std::int64_t>(a_size, 0), 1);
      const auto b = normal_values<T>(std::max<std::int64_t>(b_size, 0), 2);
      std::vector<T> expected;
      for (std::int64_t i = 0; i < n; ++i) {
        std::int64_t rest = i, p = 0, q = 0;
        for (std::size_t d = layout.dims.size(); d-- > 0; rest /= layout.dims[d]) {
          p += rest % layout.dims[d] * layout.a[d];
          q += rest % layout.dims[d] * layout.b[d];
        }
        expected.push_back(T(f(static_cast<float>(a[static_cast<std::size_t>(p)]),
                               static_cast<float>(b[static_cast<std::size_t>(q)]))));
      }
      Guarded<T> left(a, shift), right(b), y(n);
      kernel(context, y.data(), left.data(), right.data(), extents, a_strides, b_strides);
      CHECK(same_bits(y.values(), expected));
      CHECK((y.intact() && left.intact() && right.intact()));
    }
  }
}

}  // namespace

TEMPLATE_TEST_CASE("add and multiply on CUDA are the naive loop's, bit for bit, over any layout", "[kernels]",
                   float, float16, bfloat16) {
  check_layouts<TestType>([](auto&&... operands) { add<TestType>(operands...); },
                          [](float a, float b) { return a + b; });
  check_layouts<TestType>([](auto&&... operands) { multiply<TestType>(operands...); },
                          [](float a, float b) { return a * b; });
}

}  // namespace adlib::kernels
