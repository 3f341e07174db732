// ops::store_pages and ops::ragged_attention: any cut of the work, any cache type, pages in any order.
#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "adlib/core/parallel.h"
#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/oracle.h"
#include "support/random.h"
#include "support/values.h"

using namespace adlib;
using namespace adlib::test;

namespace {

constexpr std::array cache_types = {DType::f32, DType::f16, DType::bf16, DType::i8};

// Two sequences of 256 positions, whose pages lie in no order.
struct Pool {
  ops::KeyValuePages pages;
  Tensor table;

  Pool(std::int64_t kv_heads, std::int64_t head_dim, std::int64_t value_dim, DType dtype, Device device)
      : pages(ops::KeyValuePages::empty(8, kv_heads, head_dim, value_dim, dtype, device)),
        table(Tensor::from<std::int32_t>({6, 0, 3, 5, 1, 7, 4, 2}, {2, 4}).to(device)) {}

  // Rows [begin, end) of (T, Hkv, D) to the positions of the same numbers.
  void store(const Tensor& keys, const Tensor& values, std::int64_t begin, std::int64_t end,
             std::int64_t sequence = 0) {
    const ops::AttentionSegment segment{.rows = end - begin, .position = begin, .sequence = sequence};
    ops::store_pages(pages, table, {&segment, 1}, keys.slice(0, begin, end), values.slice(0, begin, end));
  }
  Tensor attend(const Tensor& q, std::int64_t begin, std::int64_t end, std::int64_t sequence = 0) const {
    const ops::AttentionSegment segment{.rows = end - begin, .position = begin, .sequence = sequence};
    return ops::ragged_attention(q.slice(0, begin, end), pages, table, {&segment, 1});
  }

  // What the pages of sequence 0 hold, (Hkv, T, D) in double.
  std::vector<double> held(const Tensor& part, const Tensor& scales, bool transposed,
                           std::int64_t tokens) const {
    const auto order = table.to(Device::cpu);
    std::vector<double> out;
    for (std::int64_t head = 0; head < part.size(1); ++head) {
      for (std::int64_t t = 0; t < tokens; ++t) {
        const std::int64_t page = order.data<std::int32_t>()[static_cast<std::size_t>(t / 64)];
        Tensor block = part.select(0, page).select(0, head);
        if (transposed) block = block.transpose(0, 1);
        const double worth =
            scales ? doubles(scales.select(0, page).select(0, head).slice(0, t % 64, t % 64 + 1))[0] : 1.0;
        for (const double x : doubles(block.select(0, t % 64))) out.push_back(x * worth);
      }
    }
    return out;
  }
  std::vector<double> keys(std::int64_t tokens) const {
    return held(pages.keys, pages.key_scales, true, tokens);
  }
  std::vector<double> values(std::int64_t tokens) const {
    return held(pages.values, pages.value_scales, false, tokens);
  }
};

}  // namespace

TEST_CASE("pages hold what was stored, rounded to their type", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(cache_types));
  const std::int64_t dim = GENERATE(1, 5, 64);
  CAPTURE(device, dtype, dim);
  const Tensor fused =
      random_tensor({130, 4, dim}, DType::f32, 1, 3).to(device);  // keys and values of 2 heads
  Pool pool(2, dim, dim, dtype, device);
  pool.store(fused.slice(1, 0, 2), fused.slice(1, 2, 4), 0, 130);
  for (const bool is_key : {true, false}) {
    const Tensor from = (is_key ? fused.slice(1, 0, 2) : fused.slice(1, 2, 4)).transpose(0, 1).contiguous();
    const auto got = is_key ? pool.keys(130) : pool.values(130);
    const auto want = doubles(from);
    const auto width = static_cast<std::size_t>(dim);
    for (std::size_t row = 0; row < want.size(); row += width) {
      double largest = 0;
      for (std::size_t d = 0; d < width; ++d) largest = std::max(largest, std::abs(want[row + d]));
      for (std::size_t d = 0; d < width; ++d) {
        if (dtype == DType::i8) {
          REQUIRE(std::abs(got[row + d] - want[row + d]) <= largest / 127 * 0.500001);
        } else {
          REQUIRE(got[row + d] == rounded(dtype, want[row + d]));
        }
      }
    }
  }
}

TEST_CASE("pages get the same bytes however their rows are cut", "[ops][attention]") {
  const auto dtype = GENERATE(from_range(cache_types));
  const auto source = GENERATE(DType::f32, DType::bf16);
  const Tensor k = random_tensor({130, 2, 7}, source, 1), v = random_tensor({130, 2, 3}, source, 2);
  Pool whole(2, 7, 3, dtype, Device::cpu), cut(2, 7, 3, dtype, Device::cpu);
  whole.store(k, v, 0, 130);
  for (std::int64_t t = 0; t < 130;) {
    const std::int64_t end = std::min<std::int64_t>(130, t + 1 + t % 5);
    cut.store(k, v, t, end);
    t = end;
  }
  CHECK(whole.keys(130) == cut.keys(130));
  CHECK(whole.values(130) == cut.values(130));
}

TEST_CASE("i8 pages keep zeros, and make NaN of what is not finite", "[ops][attention]") {
  Pool pool(1, 4, 4, DType::i8, Device::cpu);
  const Tensor k = Tensor::from({0.f, 0.f, 0.f,    0.f, 1.f,     not_a_number, 1.f,    1.f, infinity, 0.f,
                                 0.f, 0.f, 1e-44f, 0.f, -1e-44f, 0.f,          -3e38f, 1.f, 3e38f,    0.f},
                                {5, 1, 4});
  pool.store(k, k, 0, 5);
  const auto got = pool.keys(5);
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(got[i] == 0);
    CHECK(std::isnan(got[4 + i]));
    CHECK(std::isnan(got[8 + i]));
    CHECK(std::abs(got[12 + i]) <= 2e-44);
  }
  CHECK(got[16] == Approx(-3e38));
  CHECK(got[18] == Approx(3e38));
}

#ifdef ADLIB_SANITIZED
constexpr std::int64_t most_keys = 130;  // 200 take two minutes
#else
constexpr std::int64_t most_keys = 200;
#endif

TEST_CASE("ragged attention matches the full matrix of scores, from every type of cache",
          "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(cache_types));
  const auto [heads, kv_heads, dim] = GENERATE(table<int, int, int>(
      {{1, 1, 1}, {4, 2, 3}, {3, 1, 31}, {2, 2, 64}, {14, 2, 64}, {2, 1, 80}, {5, 5, 128}}));
  const std::int64_t keys = GENERATE(1, 63, 64, 65, most_keys);
  CAPTURE(device, dtype, heads, dim, keys);
  if (is_emulated(device) && (keys != 65 || heads < 3 || heads == 5)) return;
  const Tensor k = random_tensor({keys, kv_heads, dim}, DType::f32, 2, 2).to(device);
  const Tensor v = random_tensor({keys, kv_heads, dim}, DType::f32, 3).to(device);
  const Tensor q = random_tensor({keys, heads, dim}, DType::f32, 1, 2).to(device);
  Pool pool(kv_heads, dim, dim, dtype, device);
  pool.store(k, v, 0, keys);
  for (const std::int64_t first : {std::int64_t{0}, keys / 2, keys - 1}) {
    const oracle::Attention a{.heads = static_cast<std::size_t>(heads),
                              .kv_heads = static_cast<std::size_t>(kv_heads),
                              .rows = static_cast<std::size_t>(keys - first),
                              .keys = static_cast<std::size_t>(keys),
                              .head_dim = static_cast<std::size_t>(dim),
                              .value_dim = static_cast<std::size_t>(dim),
                              .scale = 1 / std::sqrt(static_cast<double>(dim)),
                              .causal = true,
                              .past = first};
    const Tensor out = pool.attend(q, first, keys);
    const auto expected = oracle::attention(doubles(q.slice(0, first, keys).transpose(0, 1)), pool.keys(keys),
                                            pool.values(keys), a, oracle::no_mask);
    CHECK(difference(out.transpose(0, 1), expected, 6e-6) == "");
  }
}

TEST_CASE("a cached row has the same bits prefilled, chunked, decoded and in company",
          "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(cache_types));
  const auto type = GENERATE(DType::f32, DType::bf16);
  const auto [heads, kv_heads, dim] = GENERATE(table<int, int, int>({{4, 4, 64}, {6, 2, 20}}));
  const int threads = GENERATE(1, 2);
  CAPTURE(device, dtype, type, heads, threads);
  if (is_emulated(device) && (threads > 1 || (dtype != type && dtype != DType::i8))) return;
  set_num_threads(1);
  // A fused projection (N, H + 2 Hkv, D): all three are strided.
  const Tensor fused = random_tensor({150, heads + 2 * kv_heads, dim}, type, 1, 2).to(device);
  const Tensor q = fused.slice(1, 0, heads), k = fused.slice(1, heads, heads + kv_heads),
               v = fused.slice(1, heads + kv_heads, heads + 2 * kv_heads);
  Pool pool(kv_heads, dim, dim, dtype, device);
  pool.store(k, v, 0, 150);
  const Tensor whole = pool.attend(q, 0, 150);
  set_num_threads(threads);

  REQUIRE(same_bits(pool.attend(q, 0, 150), whole));
  Pool growing(kv_heads, dim, dim, dtype, device);
  for (std::int64_t t = 0; t < 150; ++t) {  // with only the keys so far in memory
    growing.store(k, v, t, t + 1);
    CAPTURE(t);
    if (is_emulated(device) && t % 9 != 0) continue;
    REQUIRE(same_bits(growing.attend(q, t, t + 1), whole.slice(0, t, t + 1)));
  }
  for (const std::int64_t chunk : {7, 50, 63, 64, 65, 149}) {
    if (is_emulated(device) && chunk != 50 && chunk != 65) continue;
    for (std::int64_t t = 0; t < 150; t += chunk) {
      const std::int64_t end = std::min<std::int64_t>(t + chunk, 150);
      REQUIRE(same_bits(pool.attend(q, t, end), whole.slice(0, t, end)));
    }
  }
  // Prefill, a later chunk, nothing and a decoded row of two sequences in one call.
  pool.store(k, v, 0, 150, 1);
  const std::vector<ops::AttentionSegment> segments = {
      {.begin = 0, .rows = 70, .position = 0, .sequence = 1},
      {.begin = 70, .rows = 79, .position = 70, .sequence = 0},
      {.begin = 149, .rows = 0, .position = 3, .sequence = 0},
      {.begin = 149, .rows = 1, .position = 149, .sequence = 1}};
  CHECK(same_bits(ops::ragged_attention(q, pool.pages, pool.table, segments), whole));
  set_num_threads(0);
}

TEST_CASE("plain attention has the bits of attention over pages of its type", "[ops][attention]") {
  const auto dtype = GENERATE(DType::f32, DType::f16, DType::bf16);
  const Tensor q = random_tensor({100, 6, 33}, dtype, 1, 2), k = random_tensor({100, 2, 33}, dtype, 2, 2),
               v = random_tensor({100, 2, 40}, dtype, 3);
  Pool pool(2, 33, 40, dtype, Device::cpu);
  pool.store(k, v, 0, 100);
  const auto batch_of_one = [](const Tensor& x) {
    return x.transpose(0, 1).contiguous().view({1, x.size(1), x.size(0), x.size(2)});
  };
  const Tensor plain = ops::attention(batch_of_one(q), batch_of_one(k), batch_of_one(v), {.causal = true});
  CHECK(same_bits(batch_of_one(pool.attend(q, 0, 100)), plain));
}

TEST_CASE("what later positions and other pages hold does not matter", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(cache_types));
  const float poison = GENERATE(not_a_number, infinity);
  const std::int64_t dim = GENERATE(20, 64);
  CAPTURE(device, dtype, poison, dim);
  const Tensor q = random_tensor({100, 4, dim}, DType::f32, 1).to(device);
  const Tensor k = random_tensor({256, 2, dim}, DType::f32, 2).to(device);
  const Tensor bad = Tensor::from({poison}, {1, 1, 1}).to(device).expand({256, 2, dim}).contiguous();
  Pool clean(2, dim, dim, dtype, device), poisoned(2, dim, dim, dtype, device);
  for (Pool* pool : {&clean, &poisoned}) {
    const Tensor& elsewhere = pool == &clean ? k : bad;
    pool->store(elsewhere, elsewhere, 0, 256, 0);
    pool->store(elsewhere, elsewhere, 0, 256, 1);
    pool->store(k, k, 0, 90);
  }
  // Positions 90 … 99 are poisoned, and rows before them in the same block and tile are not.
  CHECK(same_bits(poisoned.attend(q, 0, 100).slice(0, 0, 90), clean.attend(q, 0, 90)));
  CHECK(std::isnan(doubles(poisoned.attend(q, 0, 100).slice(0, 90, 91))[0]));
  CHECK(same_bits(poisoned.attend(q, 89, 90), clean.attend(q, 89, 90)));
}

TEST_CASE("a row that sees nothing but NaN is NaN", "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(cache_types));
  const std::int64_t rows = GENERATE(1, 3);
  CAPTURE(device, dtype, rows);
  const Tensor x = random_tensor({rows, 2, 16}, DType::f32, 1).to(device);
  const Tensor bad = Tensor::from({not_a_number}, {1, 1, 1}).to(device).expand({rows, 2, 16}).contiguous();
  Pool pool(2, 16, 16, dtype, device);
  pool.store(bad, x, 0, rows);
  for (const double value : doubles(pool.attend(x, 0, rows))) CHECK(std::isnan(value));
}

TEST_CASE("ragged attention returns the logarithm of each row's sum", "[ops][attention]") {
  const auto dtype = GENERATE(DType::f32, DType::i8);
  const Tensor q = random_tensor({100, 4, 16}, DType::f32, 1), k = random_tensor({100, 2, 16}, DType::f32, 2);
  Pool pool(2, 16, 16, dtype, Device::cpu);
  pool.store(k, k, 0, 100);
  Tensor lse;
  const std::vector<ops::AttentionSegment> segments = {{.begin = 0, .rows = 30, .position = 70},
                                                       {.begin = 30, .rows = 1, .position = 99}};
  ops::ragged_attention(q.slice(0, 0, 31), pool.pages, pool.table, segments, {.lse = &lse});
  REQUIRE(lse.shape() == Shape{31, 4});
  const auto got = doubles(lse), qs = doubles(q), ks = pool.keys(100);
  for (std::size_t row = 0; row < 31; ++row) {
    for (std::size_t head = 0; head < 4; ++head) {
      double sum = 0;
      for (std::size_t j = 0; j <= (row == 30 ? 99 : 70 + row); ++j) {
        double score = 0;
        for (std::size_t d = 0; d < 16; ++d)
          score += qs[(row * 4 + head) * 16 + d] * ks[(head / 2 * 100 + j) * 16 + d];
        sum += std::exp(score / 4);
      }
      CHECK(got[row * 4 + head] == Approx(std::log(sum)).epsilon(1e-6));
    }
  }
}

TEST_CASE("rows that begin with the same pages have the bits that each has alone",
          "[ops][attention][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(cache_types));
  const auto [heads, kv_heads, dim] = GENERATE(table<int, int, int>({{3, 3, 64}, {6, 2, 20}, {52, 1, 8}}));
  const int threads = GENERATE(1, 2);
  CAPTURE(device, dtype, heads, kv_heads, threads);
  if (is_emulated(device) && threads > 1) return;
  set_num_threads(threads);
  constexpr std::int64_t positions = 256, pages = 12;
  ops::KeyValuePages pool = ops::KeyValuePages::empty(pages, kv_heads, dim, dim, dtype, device);
  // Sequences 0 to 5 share two pages, 3 to 5 a third; 6 shares one, 7 none. They stand in no order.
  const std::vector<std::int32_t> order = {6, 0, 3, 9,  6, 0, 5, 10, 6, 0, 1, 11, 6, 0, 8, 9,
                                           6, 0, 8, 10, 6, 0, 8, 11, 6, 2, 5, 9,  7, 4, 3, 10};
  const Tensor table = Tensor::from<std::int32_t>(order, {8, 4}).to(device);
  for (std::int64_t sequence = 0; sequence < 8;
       ++sequence) {  // who shares writes the same page twice or other things
    const Tensor k =
        random_tensor({positions, kv_heads, dim}, DType::f32, 10 + static_cast<std::uint64_t>(sequence), 2);
    const ops::AttentionSegment segment{.rows = positions, .position = 0, .sequence = sequence};
    ops::store_pages(pool, table, {&segment, 1}, k.to(device), k.to(device));
  }
  const std::vector<std::int64_t> at = {200, 130, 255, 191, 192, 127, 64, 3};
  const std::vector<std::int64_t> who = {4, 7, 0, 6, 2, 5, 1, 3};
  const Tensor q = random_tensor({8, heads, dim}, DType::f32, 5, 2).to(device);
  std::vector<ops::AttentionSegment> segments;
  for (std::size_t i = 0; i < who.size(); ++i) {
    segments.push_back(
        {.begin = static_cast<std::int64_t>(i), .rows = 1, .position = at[i], .sequence = who[i]});
  }
  const Tensor together = ops::ragged_attention(q, pool, table, segments);
  for (std::size_t i = 0; i < who.size(); ++i) {
    CAPTURE(i);
    const auto row = static_cast<std::int64_t>(i);
    const ops::AttentionSegment alone{.rows = 1, .position = at[i], .sequence = who[i]};
    CHECK(same_bits(ops::ragged_attention(q.slice(0, row, row + 1), pool, table, {&alone, 1}),
                    together.slice(0, row, row + 1)));
  }
  set_num_threads(0);
}
