#include <array>
#include <vector>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("add and multiply broadcast as the naive loop does", "[ops][elementwise][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(DType::f32, DType::f16, DType::bf16);
  const auto [a_shape, b_shape, shape] = GENERATE(table<Shape, Shape, Shape>({{{5}, {5}, {5}},
                                                                              {{}, {}, {}},
                                                                              {{2, 3}, {3}, {2, 3}},
                                                                              {{2, 1, 4}, {3, 1}, {2, 3, 4}},
                                                                              {{1}, {2, 2}, {2, 2}},
                                                                              {{0, 3}, {1, 3}, {0, 3}}}));
  CAPTURE(device, dtype, a_shape, b_shape);
  const Tensor a = random_tensor(a_shape, dtype, 1).to(device),
               b = random_tensor(b_shape, dtype, 2).to(device);
  const auto x = doubles(a.expand(shape)), y = doubles(b.expand(shape));
  std::vector<double> sum, product;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum.push_back(x[i] + y[i]);
    product.push_back(x[i] * y[i]);
  }
  CHECK(ops::add(a, b).shape() == shape);
  CHECK(difference(ops::add(a, b), sum) == "");
  CHECK(difference(ops::multiply(a, b), product) == "");
}

TEST_CASE("add reads views in place", "[ops][elementwise][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const Tensor a = random_tensor({4, 6}).to(device), b = random_tensor({6, 4}, DType::f32, 2).to(device);
  CHECK(same_bits(ops::add(a, b.transpose(0, 1)), ops::add(a, b.transpose(0, 1).contiguous())));
  CHECK(same_bits(ops::multiply(a.slice(1, 1, 3), b.slice(0, 0, 4).slice(1, 2, 4)),
                  ops::multiply(a.slice(1, 1, 3).clone(), b.slice(0, 0, 4).slice(1, 2, 4).clone())));
}
