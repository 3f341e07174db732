#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("embedding gathers rows of the table in any shape of ids", "[ops][embedding][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(DType::f32, DType::f16, DType::bf16);
  const Tensor table = random_tensor({11, 7}, dtype).to(device);
  const Tensor ids = random_ids({2, 3}, 0, 11);
  const Tensor rows = ops::embedding(table, ids.to(device));
  REQUIRE(rows.shape() == Shape{2, 3, 7});
  for (int i = 0; i < 6; ++i) {
    const auto id = ids.data<std::int32_t>()[static_cast<std::size_t>(i)];
    CHECK(same_bits(rows.view({6, 7}).select(0, i), table.select(0, id)));
  }
  const Tensor columns = table.slice(1, 2, 5);
  CHECK(same_bits(ops::embedding(columns, ids.to(device)), rows.slice(2, 2, 5)));
}
