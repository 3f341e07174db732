#include "adlib/nn/cache.h"

#include <cstring>

#include "nn/oracle.h"
#include "support/catch.h"
#include "support/devices.h"

using namespace adlib;
using namespace adlib::test;
using nn::Cache;

namespace {

Cache make(std::int64_t sequences = 3, std::int64_t capacity = 8, Device device = Device::cpu) {
  return Cache({.layers = 2, .kv_heads = 2, .head_dim = 4, .device = device}, sequences, capacity);
}

void store(Cache& cache, std::int64_t sequence, std::int64_t start, const Tensor& rows) {
  cache.extend(sequence, start, rows.size(0));
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    const Tensor more = Tensor::from({float(layer + 1)}, {1}).to(rows.device());
    cache.write(layer, sequence, start, rows, ops::add(rows, more));
  }
}

}  // namespace

TEST_CASE("what is written comes back by head and position", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Cache cache = make(3, 8, device);
  const Tensor first = random_tensor({5, 2, 4}, 1).to(device);
  const Tensor second = random_tensor({2, 2, 4}, 2).to(device);
  store(cache, 1, 0, first);
  store(cache, 1, 5, second);
  CHECK(cache.length(0) == 0);
  CHECK(cache.length(1) == 7);
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    const Tensor keys = cache.keys(layer, 1);
    REQUIRE(keys.shape() == Shape{2, 7, 4});
    CHECK(relative_error(keys.slice(1, 0, 5), to_matrix(first.transpose(0, 1))) == 0);
    CHECK(relative_error(keys.slice(1, 5, 7), to_matrix(second.transpose(0, 1))) == 0);
    const Tensor shifted = ops::add(second, Tensor::from({float(layer + 1)}, {1}).to(device));
    CHECK(relative_error(cache.values(layer, 1).slice(1, 5, 7), to_matrix(shifted.transpose(0, 1))) == 0);
  }
}

TEST_CASE("strided keys, as slices of a fused product are, are stored as they read", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Cache cache = make(3, 8, device);
  const Tensor qkv = random_tensor({3, 6, 4}, 1).to(device);  // (N, heads, D)
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

TEST_CASE("writing from an earlier position forgets what stood after it", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Cache cache = make(3, 8, device);
  const Tensor first = random_tensor({6, 2, 4}, 1).to(device);
  const Tensor again = random_tensor({1, 2, 4}, 2).to(device);
  store(cache, 0, 0, first);
  store(cache, 0, 3, again);
  REQUIRE(cache.length(0) == 4);
  CHECK(relative_error(cache.keys(1, 0).slice(1, 0, 3), to_matrix(first.slice(0, 0, 3).transpose(0, 1))) ==
        0);
  CHECK(relative_error(cache.keys(1, 0).slice(1, 3, 4), to_matrix(again.transpose(0, 1))) == 0);
}

TEST_CASE("a copied sequence is equal and independent", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Cache cache = make(3, 8, device);
  const Tensor rows = random_tensor({4, 2, 4}, 1).to(device);
  store(cache, 0, 0, rows);
  store(cache, 2, 0, random_tensor({7, 2, 4}, 2).to(device));  // longer than what replaces it
  cache.copy_sequence(0, 2);
  cache.copy_sequence(0, 0);
  REQUIRE(cache.length(2) == 4);
  store(cache, 0, 0, random_tensor({4, 2, 4}, 3).to(device));
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    CHECK(relative_error(cache.keys(layer, 2), to_matrix(rows.transpose(0, 1))) == 0);
    CHECK(relative_error(cache.keys(layer, 0), to_matrix(rows.transpose(0, 1))) > 0.1);
  }
  CHECK_THROWS_WITH(cache.copy_sequence(0, 5), ContainsSubstring("sequence 5"));
  CHECK_THROWS_WITH(cache.copy_sequence(-1, 0), ContainsSubstring("sequence -1"));
}

TEST_CASE("a copied sequence shares its pages until one of the two writes", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Cache cache = make(3, 256, device);
  const Tensor rows = random_tensor({150, 2, 4}, 1).to(device);
  store(cache, 0, 0, rows);
  CHECK(cache.pages_in_use() == 3);
  CHECK(cache.pages_free() == 9);
  cache.copy_sequence(0, 1);
  cache.copy_sequence(0, 2);
  CHECK(cache.pages_in_use() == 3);
  const Tensor more = random_tensor({1, 2, 4}, 2).to(device), other = random_tensor({1, 2, 4}, 3).to(device);
  store(cache, 1, 150, more);
  CHECK(cache.pages_in_use() == 4);  // the last page only
  store(cache, 0, 149, other);
  CHECK(cache.pages_in_use() == 5);
  store(cache, 2, 150, more);  // alone with it now: written in place
  CHECK(cache.pages_in_use() == 5);
  for (std::int64_t layer = 0; layer < 2; ++layer) {
    for (const std::int64_t sequence : {1, 2}) {
      CHECK(relative_error(cache.keys(layer, sequence).slice(1, 0, 150), to_matrix(rows.transpose(0, 1))) ==
            0);
      CHECK(relative_error(cache.keys(layer, sequence).slice(1, 150, 151), to_matrix(more.transpose(0, 1))) ==
            0);
    }
    CHECK(relative_error(cache.keys(layer, 0).slice(1, 0, 149),
                         to_matrix(rows.slice(0, 0, 149).transpose(0, 1))) == 0);
    CHECK(relative_error(cache.keys(layer, 0).slice(1, 149, 150), to_matrix(other.transpose(0, 1))) == 0);
  }
  cache.release(1);
  cache.release(0);
  CHECK(cache.length(0) == 0);
  CHECK(cache.pages_in_use() == 3);
  CHECK(relative_error(cache.keys(1, 2).slice(1, 0, 150), to_matrix(rows.transpose(0, 1))) == 0);
  cache.release(2);
  CHECK(cache.pages_in_use() == 0);
}

TEST_CASE("sequences share a prefix of any length", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  for (const std::int64_t tokens : {0, 1, 63, 64, 65, 128, 150}) {
    CAPTURE(tokens);
    Cache cache = make(2, 256, device);
    const Tensor rows = random_tensor({150, 2, 4}, 1).to(device),
                 rest = random_tensor({70, 2, 4}, 2).to(device);
    store(cache, 0, 0, rows);
    store(cache, 1, 0, rest);
    cache.share_prefix(0, 1, tokens);
    REQUIRE(cache.length(1) == tokens);
    CHECK(cache.pages_in_use() == 3);
    store(cache, 1, tokens, rest);
    if (tokens > 0) {
      CHECK(relative_error(cache.values(0, 1).slice(1, 0, tokens),
                           to_matrix(cache.values(0, 0).slice(1, 0, tokens))) == 0);
    }
    CHECK(relative_error(cache.keys(0, 1).slice(1, tokens, tokens + 70), to_matrix(rest.transpose(0, 1))) ==
          0);
    CHECK(relative_error(cache.keys(0, 0), to_matrix(rows.transpose(0, 1))) == 0);
    cache.share_prefix(1, 1, 5);
    CHECK(cache.length(1) == std::min<std::int64_t>(5, tokens + 70));
    CHECK_THROWS_WITH(cache.share_prefix(0, 1, 151),
                      ContainsSubstring("holds 150 tokens") && ContainsSubstring("prefix of 151"));
  }
}

TEST_CASE("a cache of few pages says when they run out, and nothing changes", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Cache cache({.layers = 2, .kv_heads = 2, .head_dim = 4, .device = device}, 3, 256, 4);
  CHECK(cache.bytes() == std::size_t{2} * 4 * 2 * 2 * 4 * 64 * sizeof(float));
  const Tensor rows = random_tensor({130, 2, 4}, 1).to(device);
  store(cache, 0, 0, rows);
  cache.share_prefix(0, 1, 100);
  // One page is free; the batch needs one for sequence 1's own half page and two for sequence 2.
  const std::vector<nn::Row> batch{{.sequence = 1, .start = 100, .length = 1},
                                   {.sequence = 2, .start = 0, .length = 65}};
  for (const bool only_check : {true, false}) {
    try {
      only_check ? cache.check_extend(batch) : cache.extend(batch);
      FAIL("expected an error");
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::out_of_memory);
      CHECK_THAT(error.what(), ContainsSubstring("sequence 2 needs 2 pages of 64 tokens") &&
                                   ContainsSubstring("of the 4 pages") &&
                                   ContainsSubstring("release a sequence"));
    }
    CHECK(cache.length(1) == 100);
    CHECK(cache.length(2) == 0);
    CHECK(cache.pages_free() == 1);
    CHECK(relative_error(cache.keys(1, 0), to_matrix(rows.transpose(0, 1))) == 0);
  }
  cache.extend({batch.data(), 1});
  CHECK(cache.pages_free() == 0);
  cache.release(0);  // its third page; the first two are shared, the second no longer
  CHECK(cache.pages_free() == 2);
  cache.extend({batch.data() + 1, 1});
  CHECK(cache.pages_in_use() == 4);
  // Giving up tokens frees pages for the same batch.
  const std::vector<nn::Row> swap{{.sequence = 2, .start = 0, .length = 1},
                                  {.sequence = 0, .start = 0, .length = 64}};
  cache.extend(swap);
  CHECK(cache.pages_free() == 0);
}

TEST_CASE("any course of extending, sharing and releasing matches caches that share nothing",
          "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  for (const DType dtype : {DType::f32, DType::bf16, DType::i8}) {
    constexpr std::int64_t sequences = 4, capacity = 200;
    Cache cache({.layers = 1, .kv_heads = 1, .head_dim = 2, .dtype = dtype, .device = device}, sequences,
                capacity);
    std::vector<std::vector<float>> model(sequences);  // one number a token
    const Philox random(7, 1);
    std::uint64_t draw = 0;
    const auto below = [&](std::int64_t n) {
      return static_cast<std::int64_t>(random.block(draw++)[0] % static_cast<std::uint64_t>(n));
    };
    for (int step = 0; step < (is_emulated(device) ? 40 : 600); ++step) {
      const std::int64_t sequence = below(sequences), other = below(sequences);
      auto& tokens = model[static_cast<std::size_t>(sequence)];
      const auto held = static_cast<std::int64_t>(tokens.size());
      const std::int64_t action = below(8);
      if (action == 0) {
        cache.release(sequence);
        tokens.clear();
      } else if (action <= 2) {
        const std::int64_t length = below(held + 1);
        cache.share_prefix(sequence, other, length);
        const std::vector<float> prefix(tokens.begin(), tokens.begin() + length);
        model[static_cast<std::size_t>(other)] = prefix;
      } else {
        const std::int64_t start = action == 3 ? below(held + 1) : held;
        const std::int64_t count = std::min(capacity - start, below(90));
        cache.extend(sequence, start, count);
        tokens.resize(static_cast<std::size_t>(start));
        Tensor rows = Tensor::empty({count, 1, 2});
        for (float& x : rows.data<float>()) x = static_cast<float>(below(256) - 128);
        // Exact in every dtype: i8 keeps what has the magnitude 127 beside it.
        for (std::int64_t i = 0; i < count; ++i) {
          rows.data<float>()[static_cast<std::size_t>(2 * i + 1)] = 127;
          float& x = rows.data<float>()[static_cast<std::size_t>(2 * i)];
          x = std::max(x, -127.0f);
          tokens.push_back(x);
        }
        if (count > 0) cache.write(0, sequence, start, rows.to(device), rows.to(device));
      }
      std::int64_t pages = 0;
      for (std::int64_t s = 0; s < sequences; ++s) {
        const auto& want = model[static_cast<std::size_t>(s)];
        REQUIRE(cache.length(s) == std::ssize(want));
        pages += (std::ssize(want) + 63) / 64;
        const Tensor keys = cache.keys(0, s).to(DType::f32).to(Device::cpu);
        const Tensor values = cache.values(0, s).to(DType::f32).to(Device::cpu);
        for (std::size_t t = 0; t < want.size(); ++t) {
          REQUIRE(keys.data<float>()[2 * t] == want[t]);
          REQUIRE(values.data<float>()[2 * t] == want[t]);
        }
      }
      REQUIRE(cache.pages_in_use() <= pages);
      REQUIRE(cache.pages_in_use() + cache.pages_free() == sequences * 4);
    }
    for (std::int64_t s = 0; s < sequences; ++s) cache.release(s);
    CHECK(cache.pages_in_use() == 0);
  }
}

TEST_CASE("a cache refuses to write where it was not extended", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Cache cache = make(2, 256, device);
  const Tensor rows = random_tensor({70, 2, 4}, 1).to(device),
               other = random_tensor({70, 2, 4}, 2).to(device);
  const auto refused = [&](std::int64_t sequence, std::int64_t start) {
    CHECK_THROWS_WITH(cache.write(0, sequence, start, rows, rows), ContainsSubstring("call extend() first"));
  };
  store(cache, 0, 0, rows);
  refused(0, 1);  // one token past its end
  refused(0, -1);
  cache.release(0);
  store(cache, 1, 0, other);
  refused(0, 0);  // its former pages are the other's
  cache.share_prefix(1, 0, 70);
  refused(0, 0);  // shared pages
  refused(1, 0);
  cache.write(0, 0, 70, rows.slice(0, 0, 0), rows.slice(0, 0, 0));  // nothing
  CHECK(relative_error(cache.keys(0, 1), to_matrix(other.transpose(0, 1))) == 0);
  cache.extend(0, 0, 70);
  cache.write(0, 0, 0, rows, rows);
  CHECK(relative_error(cache.keys(0, 0), to_matrix(rows.transpose(0, 1))) == 0);
  CHECK(relative_error(cache.keys(0, 1), to_matrix(other.transpose(0, 1))) == 0);

  // Rows of one sequence follow each other.
  const std::vector<nn::Row> parts{{.sequence = 0, .start = 70, .length = 5},
                                   {.sequence = 0, .start = 75, .length = 60}};
  cache.extend(parts);
  CHECK(cache.length(0) == 135);
}

TEST_CASE("a cache of negative size is refused with its numbers", "[nn][cache]") {
  const Cache::Layout layout{.layers = 1, .kv_heads = 1, .head_dim = 4};
  CHECK_THROWS_WITH(Cache(layout, -1, 10), ContainsSubstring("cache: -1 sequences of 10 tokens in 0 pages"));
  CHECK_THROWS_WITH(Cache(layout, 1, -10), ContainsSubstring("none of these may be negative"));
  CHECK_THROWS_WITH(Cache(layout, 1, 10, -1), ContainsSubstring("in -1 pages"));
}

TEST_CASE("an i8 cache returns what it holds in f32", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Cache cache({.layers = 1, .kv_heads = 2, .head_dim = 4, .dtype = DType::i8, .device = device}, 1, 100);
  const Tensor rows = random_tensor({70, 2, 4}, 1).to(device);
  cache.extend(0, 0, 70);
  cache.write(0, 0, 0, rows, rows);
  REQUIRE(cache.keys(0, 0).dtype() == DType::f32);
  CHECK(relative_error(cache.keys(0, 0), to_matrix(rows.transpose(0, 1))) < 0.5 / 127);
  CHECK(relative_error(cache.values(0, 0), to_matrix(rows.transpose(0, 1))) < 0.5 / 127);
  CHECK(relative_error(cache.values(0, 0), to_matrix(rows.transpose(0, 1))) > 0.05 / 127);
  CHECK(cache.bytes() == std::size_t{2} * 2 * (2 * 4 * 64 + 2 * 64 * 4));
}

TEST_CASE("a cache keeps 16-bit types", "[nn][cache][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  Cache cache({.layers = 1, .kv_heads = 1, .head_dim = 4, .dtype = DType::bf16, .device = device}, 1, 4);
  const Tensor rows = random_tensor({2, 1, 4}, 1).to(device).to(DType::bf16);
  cache.extend(0, 0, 2);
  cache.write(0, 0, 0, rows, rows);
  REQUIRE(cache.keys(0, 0).dtype() == DType::bf16);
  CHECK(relative_error(cache.values(0, 0), to_matrix(rows.transpose(0, 1))) == 0);
}
