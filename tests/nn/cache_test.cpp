#include "adlib/nn/cache.h"

#include <cstring>

#include "nn/oracle.h"
#include "support/catch.h"

using namespace adlib;
using namespace adlib::test;
using nn::Cache;

namespace {

Cache make(std::int64_t sequences = 3, std::int64_t capacity = 8) {
  return Cache({.layers = 2, .kv_heads = 2, .head_dim = 4}, sequences, capacity);
}

void store(Cache& cache, std::int64_t sequence, std::int64_t start, const Tensor& rows) {
  cache.extend(sequence, start, rows.size(0));
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    cache.write(layer, sequence, start, rows, ops::add(rows, Tensor::from({float(layer + 1)}, {1})));
  }
}

}  // namespace

TEST_CASE("what is written comes back by head and position", "[nn][cache]") {
  Cache cache = make();
  const Tensor first = random_tensor({5, 2, 4}, 1);
  const Tensor second = random_tensor({2, 2, 4}, 2);
  store(cache, 1, 0, first);
  store(cache, 1, 5, second);
  CHECK(cache.length(0) == 0);
  CHECK(cache.length(1) == 7);
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    const Tensor keys = cache.keys(layer, 1);
    REQUIRE(keys.shape() == Shape{2, 7, 4});
    CHECK(relative_error(keys.slice(1, 0, 5), to_matrix(first.transpose(0, 1))) == 0);
    CHECK(relative_error(keys.slice(1, 5, 7), to_matrix(second.transpose(0, 1))) == 0);
    const Tensor shifted = ops::add(second, Tensor::from({float(layer + 1)}, {1}));
    CHECK(relative_error(cache.values(layer, 1).slice(1, 5, 7), to_matrix(shifted.transpose(0, 1))) == 0);
  }
}

TEST_CASE("strided keys, as slices of a fused product are, are stored as they read", "[nn][cache]") {
  Cache cache = make();
  const Tensor qkv = random_tensor({3, 6, 4}, 1);  // (N, heads, D)
  const Tensor keys = qkv.slice(1, 2, 4);
  REQUIRE_FALSE(keys.is_contiguous());
  cache.extend(0, 0, 3);
  cache.write(0, 0, 0, keys, qkv.slice(1, 4, 6));
  CHECK(relative_error(cache.keys(0, 0), to_matrix(keys.transpose(0, 1))) == 0);
  CHECK(relative_error(cache.values(0, 0), to_matrix(qkv.slice(1, 4, 6).transpose(0, 1))) == 0);
}

TEST_CASE("a gap, too many tokens and an unknown sequence are refused, and nothing changes", "[nn][cache]") {
  Cache cache = make();
  cache.extend(0, 0, 5);
  CHECK_THROWS_WITH(cache.extend(0, 6, 1),
                    ContainsSubstring("holds 5 tokens") && ContainsSubstring("position 6"));
  CHECK_THROWS_WITH(cache.extend(0, -1, 1), ContainsSubstring("position -1"));
  CHECK_THROWS_WITH(cache.extend(0, 5, 4),
                    ContainsSubstring("grow to 9") && ContainsSubstring("capacity is 8"));
  CHECK_THROWS_WITH(cache.extend(0, 5, -1), ContainsSubstring("grow to 4"));
  CHECK_THROWS_WITH(cache.extend(3, 0, 1), ContainsSubstring("sequence 3 is outside [0, 3)"));
  CHECK_THROWS_WITH(cache.length(-1), ContainsSubstring("sequence -1"));
  CHECK_THROWS_AS(cache.check_extend(0, 6, 1), Error);
  cache.check_extend(0, 5, 3);
  CHECK(cache.length(0) == 5);
  cache.extend(0, 5, 3);
  CHECK(cache.length(0) == 8);
}

TEST_CASE("writing from an earlier position forgets what stood after it", "[nn][cache]") {
  Cache cache = make();
  const Tensor first = random_tensor({6, 2, 4}, 1);
  const Tensor again = random_tensor({1, 2, 4}, 2);
  store(cache, 0, 0, first);
  store(cache, 0, 3, again);
  REQUIRE(cache.length(0) == 4);
  CHECK(relative_error(cache.keys(1, 0).slice(1, 0, 3), to_matrix(first.slice(0, 0, 3).transpose(0, 1))) ==
        0);
  CHECK(relative_error(cache.keys(1, 0).slice(1, 3, 4), to_matrix(again.transpose(0, 1))) == 0);
}

TEST_CASE("a copied sequence is equal and independent", "[nn][cache]") {
  Cache cache = make();
  const Tensor rows = random_tensor({4, 2, 4}, 1);
  store(cache, 0, 0, rows);
  store(cache, 2, 0, random_tensor({7, 2, 4}, 2));  // longer than what replaces it
  cache.copy_sequence(0, 2);
  cache.copy_sequence(0, 0);
  REQUIRE(cache.length(2) == 4);
  store(cache, 0, 0, random_tensor({4, 2, 4}, 3));
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    CHECK(relative_error(cache.keys(layer, 2), to_matrix(rows.transpose(0, 1))) == 0);
    CHECK(relative_error(cache.keys(layer, 0), to_matrix(rows.transpose(0, 1))) > 0.1);
  }
  CHECK_THROWS_WITH(cache.copy_sequence(0, 5), ContainsSubstring("sequence 5"));
  CHECK_THROWS_WITH(cache.copy_sequence(-1, 0), ContainsSubstring("sequence -1"));
}

TEST_CASE("a cache keeps 16-bit types", "[nn][cache]") {
  Cache cache({.layers = 1, .kv_heads = 1, .head_dim = 4, .dtype = DType::bf16}, 1, 4);
  const Tensor rows = random_tensor({2, 1, 4}, 1).to(DType::bf16);
  cache.extend(0, 0, 2);
  cache.write(0, 0, 0, rows, rows);
  REQUIRE(cache.keys(0, 0).dtype() == DType::bf16);
  CHECK(relative_error(cache.values(0, 0), to_matrix(rows.transpose(0, 1))) == 0);
}
