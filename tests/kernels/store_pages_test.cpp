// kernels::store_pages on CUDA, in the emulator: the CPU's numbers at the device's places.
#include <array>
#include <limits>

#include "kernels/pool.h"
#include "support/catch.h"

using namespace adlib;
using namespace adlib::test;

namespace {

constexpr std::array page_types = {DType::f32, DType::f16, DType::bf16, DType::i8};

// Rows of keys and values of one fused projection, as a model has them.
template <class T>
struct Rows {
  Rows(std::int64_t n, const kernels::KeyValuePages& pages, std::int64_t gap, std::int64_t shift,
       std::vector<T> from = {})
      : row(pages.kv_heads * (pages.head_dim + pages.value_dim) + gap),
        memory(from.empty() ? normal_values<T>(n * row, 3, 2) : from, shift) {
    view = {.keys = memory.data(),
            .values = memory.data() + pages.kv_heads * pages.head_dim,
            .k_row = row,
            .k_head = pages.head_dim,
            .v_row = row,
            .v_head = pages.value_dim};
  }
  std::int64_t row;
  Guarded<T> memory;
  kernels::NewKeyValues<T> view;
};

// The bytes of a head's part of a page, keys turned to the device's order.
template <class Element>
std::vector<Element> turned(const std::vector<std::uint8_t>& bytes, std::int64_t dim) {
  std::vector<Element> in(bytes.size() / sizeof(Element)), out(in.size());
  std::memcpy(in.data(), bytes.data(), bytes.size());
  const auto width = static_cast<std::size_t>(dim);
  for (std::size_t part = 0; part < in.size(); part += 64 * width)
    for (std::size_t d = 0; d < width; ++d)
      for (std::size_t j = 0; j < 64; ++j) out[part + j * width + d] = in[part + d * 64 + j];
  return out;
}

// Bytes of keys as the CPU keeps them, in the device's order.
std::vector<std::uint8_t> turned_bytes(DType dtype, const std::vector<std::uint8_t>& bytes,
                                       std::int64_t dim) {
  const auto as = [&]<class Element>(Element) {
    const auto elements = turned<Element>(bytes, dim);
    std::vector<std::uint8_t> out(bytes.size());
    std::memcpy(out.data(), elements.data(), out.size());
    return out;
  };
  switch (size_of(dtype)) {
    case 1:
      return as(std::int8_t{});
    case 2:
      return as(std::uint16_t{});
    default:
      return as(0u);
  }
}

template <class T>
void check_same(DType dtype, std::int64_t dim, std::int64_t value_dim, std::int64_t gap, std::int64_t shift,
                std::vector<T> from = {}) {
  CAPTURE(dtype, dim, value_dim, gap, shift);
  Pool device(dtype, 2, dim, value_dim, 200, 3), host(dtype, 2, dim, value_dim, 200, 3);
  Rows<T> rows(140, device.view, gap, shift, std::move(from));
  const std::vector<kernels::AttentionSegment> segments = {
      {.begin = 0, .rows = 1, .position = 63, .pages = device.of(0)},
      {.begin = 1, .rows = 137, .position = 60, .pages = device.of(2)},
      {.begin = 138, .rows = 0, .position = 5, .pages = device.of(1)},
      {.begin = 138, .rows = 2, .position = 0, .pages = device.of(1)}};
  CudaContext cuda;
  CpuContext cpu;
  kernels::store_pages<T>(cuda, device.view, segments, rows.view);
  kernels::store_pages<T>(cpu, host.view, segments, rows.view);
  CHECK(same_bits(device.key_bytes(), turned_bytes(dtype, host.key_bytes(), dim)));
  CHECK(same_bits(device.value_bytes(), host.value_bytes()));
  if (dtype == DType::i8) {
    const auto n = static_cast<std::size_t>(15 * 2 * 64) * sizeof(float);
    CHECK(std::memcmp(device.view.key_scales, host.view.key_scales, n) == 0);
    CHECK(std::memcmp(device.view.value_scales, host.view.value_scales, n) == 0);
  }
  CHECK(device.intact());

  Pool again(dtype, 2, dim, value_dim, 200, 3);
  kernels::store_pages<T>(cuda, again.view,
                          kernels::DeviceSegments{.count = 4, .most_rows = 150, .segments = segments.data()},
                          rows.view);
  CHECK(same_bits(again.key_bytes(), device.key_bytes()));
  CHECK(same_bits(again.value_bytes(), device.value_bytes()));
}

}  // namespace

TEMPLATE_TEST_CASE("CUDA stores the CPU's bytes in every page type, from rows of every shape", "[kernels]",
                   float, float16, bfloat16) {
  const auto dtype = GENERATE(from_range(page_types));
  check_same<TestType>(dtype, 64, 64, 0, 0);
  check_same<TestType>(dtype, 64, 128, 8, 1);  // no row begins at 16 bytes
  check_same<TestType>(dtype, 1, 1, 0, 0);
  check_same<TestType>(dtype, 33, 8, 3, 0);
  check_same<TestType>(dtype, 24, 20, 4, 0);
  check_same<TestType>(dtype, 256, 255, 1, 0);
}

TEST_CASE("CUDA stores what is not finite, and what is next to nothing, as the CPU does", "[kernels]") {
  const auto dtype = GENERATE(from_range(page_types));
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr std::array<float, 12> special = {0,      -0.0f, 1e-44f,   -1e-44f, 3e38f, -3e38f,
                                             1e-38f, 65520, infinity, 1,       7e-6f, -2};
  std::vector<float> rows;
  for (std::size_t i = 0; i < 140 * 2 * 16; ++i) {
    // A row of one kind of number, rows of two kinds, and some ordinary ones.
    const std::size_t row = i / 8;
    rows.push_back(row % 3 == 0   ? special[row / 3 % special.size()]
                   : row % 3 == 1 ? special[(row / 3 + i % 2 * (row / 36 + 1)) % special.size()]
                                  : static_cast<float>(i % 17) - 8);
  }
  check_same<float>(dtype, 8, 8, 0, 0, rows);
}

TEST_CASE("CUDA refuses to store heads that it has no kernel for", "[kernels]") {
  Pool pool(DType::f32, 1, 257, 1, 64);
  Rows<float> rows(1, pool.view, 0, 0);
  const kernels::AttentionSegment segment{.rows = 1, .pages = pool.of(0)};
  CudaContext context;
  CHECK_THROWS_WITH(kernels::store_pages<float>(context, pool.view, {&segment, 1}, rows.view),
                    ContainsSubstring("store_pages: heads of 257 and 1 elements"));
}
