// kernels::attention on CUDA, in the emulator, against a loop in double.
#include <array>
#include <cmath>
#include <limits>
#include <map>

#include "kernels/pool.h"
#include "support/catch.h"

using namespace adlib;
using namespace adlib::test;
using kernels::AttentionSegment;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();
constexpr std::array page_types = {DType::f32, DType::f16, DType::bf16, DType::i8};

struct Case {
  std::int64_t heads, kv_heads, head_dim, value_dim;
  bool causal = true;
  float softcap = 0;
  std::int64_t shift = 0;  // of rows in memory, in elements
  bool wide = false;       // a mask for each head
};

enum class Mask { none, additive, boolean };

// Queries and a pool of keys and values, both random.
template <class T>
struct Call {
  Call(Case c, DType pages, std::int64_t most_rows, std::int64_t capacity, std::int64_t sequences = 1)
      : shape(c),
        pool(pages, c.kv_heads, c.head_dim, c.value_dim, capacity, sequences),
        rows(most_rows),
        q_row(c.heads * c.head_dim + 2 * c.shift),
        out_row(c.heads * c.value_dim + c.shift),
        q(normal_values<T>(rows * q_row, 1, 1.3), c.shift) {
    for (std::int64_t s = 0; s < sequences; ++s)
      store(
          s, 0,
          normal_values<T>(capacity * c.kv_heads * (c.head_dim + c.value_dim), static_cast<unsigned>(2 + s)));
  }
  // (n, kv_heads, head_dim + value_dim) to positions from `first` on.
  void store(std::int64_t sequence, std::int64_t first, const std::vector<T>& both) {
    const std::int64_t each = shape.head_dim + shape.value_dim, row = shape.kv_heads * each;
    const std::int64_t n = static_cast<std::int64_t>(both.size()) / row;
    const AttentionSegment segment{.rows = n, .position = first, .pages = pool.of(sequence)};
    CudaContext context;
    kernels::store_pages<T>(context, pool.view, {&segment, 1},
                            {.keys = both.data(),
                             .values = both.data() + shape.head_dim,
                             .k_row = row,
                             .k_head = each,
                             .v_row = row,
                             .v_head = each});
  }
  AttentionSegment segment(std::int64_t begin, std::int64_t n, std::int64_t position, std::int64_t keys,
                           std::int64_t sequence = 0) const {
    return {.begin = begin, .rows = n, .position = position, .keys = keys, .pages = pool.of(sequence)};
  }
  kernels::AttentionArgs<T> args(T* out, float* lse) {
    kernels::AttentionArgs<T> a;
    a.out = out, a.q = q.data(), a.lse = lse;
    a.q_row = q_row, a.q_head = shape.head_dim;
    a.out_row = out_row, a.out_head = shape.value_dim;
    a.lse_row = shape.heads, a.lse_head = 1;
    a.heads = shape.heads;
    a.scale = scale;
    a.softcap = shape.softcap;
    a.causal = shape.causal;
    if (mask_type == Mask::additive) a.mask = mask.data();
    if (mask_type == Mask::boolean) a.visible = visible.data();
    a.mask_key = 1, a.mask_row = mask_keys, a.mask_head = shape.wide ? mask_keys * rows : 0;
    return a;
  }
  struct Result {
    std::vector<T> out;      // (rows, heads, value_dim)
    std::vector<float> lse;  // (rows, heads)
  };
  template <class Segments>
  Result run_with(const Segments& segments) {
    Guarded<T> out(rows * out_row, shape.shift);
    Guarded<float> lse(rows * shape.heads);
    CudaContext context;
    kernels::attention<T>(context, pool.view, segments, args(out.data(), lse.data()));
    CHECK(out.intact());
    CHECK(lse.intact());
    CHECK(pool.intact());
    Result result{{}, lse.values()};
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < shape.heads * shape.value_dim; ++c)
        result.out.push_back(out.data()[r * out_row + c]);
    return result;
  }
  Result run(const std::vector<AttentionSegment>& segments) {
    return run_with(std::span<const AttentionSegment>(segments));
  }
  void make_mask(Mask type, std::int64_t keys) {
    mask_type = type, mask_keys = keys;
    const std::int64_t n = rows * keys * (shape.wide ? shape.heads : 1);
    mask = normal_values<float>(n, 9);
    for (std::int64_t i = 0; i < n; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (mask[at] < -0.6f || i % keys / 64 == 1) mask[at] = -infinity;  // a block that nobody sees, too
      visible.data()[i] = mask[at] != -infinity;
    }
  }
  bool is_hidden(std::int64_t head, std::int64_t query, std::int64_t key) const {
    if (mask_type == Mask::none) return false;
    return mask[static_cast<std::size_t>(((shape.wide ? head * rows : 0) + query) * mask_keys + key)] ==
           -infinity;
  }

  // Compares with the formula in double.
  void check(const std::vector<AttentionSegment>& segments, double slack = 1e-5) {
    const Result got = run(segments);
    std::vector<T> out;
    std::vector<double> expected;
    for (const AttentionSegment& s : segments) {
      for (std::int64_t i = 0; i < s.rows; ++i) {
        for (std::int64_t h = 0; h < shape.heads; ++h) {
          const std::int64_t at = (s.begin + i) * shape.heads + h;
          double total = 0;
          const auto row = naive(s, i, h, total);
          expected.insert(expected.end(), row.begin(), row.end());
          const auto first = got.out.begin() + at * shape.value_dim;
          out.insert(out.end(), first, first + shape.value_dim);
          if (std::isinf(total)) {
            CHECK(got.lse[static_cast<std::size_t>(at)] == -infinity);
          } else {
            CHECK(got.lse[static_cast<std::size_t>(at)] == Approx(total).epsilon(2e-6).margin(4e-6));
          }
        }
      }
    }
    CHECK(difference(out, expected, slack) == "");
  }

  Case shape;
  Pool pool;
  std::int64_t rows, q_row, out_row;
  Guarded<T> q;
  float scale = 0.3f;
  Mask mask_type = Mask::none;
  std::int64_t mask_keys = 0;
  std::vector<float> mask;
  Guarded<bool> visible{64 * 1024};

 private:
  std::vector<double> naive(const AttentionSegment& s, std::int64_t i, std::int64_t h, double& total) {
    const std::int64_t kv = h / (shape.heads / shape.kv_heads);
    const std::int64_t sequence = (s.pages - pool.of(0)) / (pool.of(1) - pool.of(0));
    const std::int64_t end = shape.causal ? std::clamp<std::int64_t>(s.position + i + 1, 0, s.keys) : s.keys;
    std::vector<double> scores, out(static_cast<std::size_t>(shape.value_dim), 0.0);
    double max = -infinity, sum = 0;
    for (std::int64_t j = 0; j < end; ++j) {
      double score = 0;
      const T* query = q.data() + (s.begin + i) * q_row + h * shape.head_dim;
      for (std::int64_t d = 0; d < shape.head_dim; ++d)
        score += static_cast<double>(static_cast<float>(query[d])) * pool.at(true, sequence, j, kv, d);
      score *= static_cast<double>(scale);
      const auto cap = static_cast<double>(shape.softcap);
      if (cap > 0) score = cap * std::tanh(score / cap);
      if (is_hidden(h, i, j))
        score = -infinity;
      else if (mask_type == Mask::additive)
        score += static_cast<double>(
            mask[static_cast<std::size_t>(((shape.wide ? h * rows : 0) + i) * mask_keys + j)]);
      scores.push_back(score);
      max = std::max(max, score);
    }
    for (std::int64_t j = 0; j < end; ++j) {
      const double weight = std::isinf(max) ? 0 : std::exp(scores[static_cast<std::size_t>(j)] - max);
      sum += weight;
      for (std::int64_t c = 0; c < shape.value_dim && weight > 0; ++c)
        out[static_cast<std::size_t>(c)] += weight * pool.at(false, sequence, j, kv, c);
    }
    total = sum > 0 ? max + std::log(sum) : -infinity;
    for (double& x : out) x = sum > 0 ? x / sum : 0;
    return out;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("CUDA attention matches the formula for every type of rows and pages", "[kernels]", float,
                   float16, bfloat16) {
  const auto pages = GENERATE(from_range(page_types));
  const auto shape = GENERATE(values<Case>({
      {.heads = 1, .kv_heads = 1, .head_dim = 1, .value_dim = 1},
      {.heads = 6, .kv_heads = 2, .head_dim = 64, .value_dim = 64},
      {.heads = 4, .kv_heads = 2, .head_dim = 17, .value_dim = 33, .causal = false, .softcap = 2, .shift = 1},
      {.heads = 2, .kv_heads = 1, .head_dim = 48, .value_dim = 80, .softcap = 3, .shift = 3},
  }));
  const bool tensor_cores =
      dtype_of<TestType> != DType::f32 && (pages == dtype_of<TestType> || pages == DType::i8);
  if (!tensor_cores && pages != dtype_of<TestType> && shape.head_dim > 20) return;
  CAPTURE(pages, shape.head_dim);
  // Prefill in the middle, decoding, nothing, a first token, prefill, and rows that see no key or few of
  // them.
  Call<TestType> call(shape, pages, 31, 300, 2);
  call.check({call.segment(0, 18, 100, 118, 1), call.segment(18, 1, 299, 300, 0),
              call.segment(19, 0, 7, 9, 1), call.segment(19, 1, 0, 1, 1), call.segment(20, 3, 62, 65, 0),
              call.segment(23, 4, -3, 5, 0), call.segment(27, 2, 3, 300, 1), call.segment(29, 1, 256, 257, 0),
              call.segment(30, 1, -2, 4, 0)});
}

TEST_CASE("CUDA attention matches the formula for large heads and large groups", "[kernels]") {
  const auto shape = GENERATE(values<Case>({
      {.heads = 20, .kv_heads = 1, .head_dim = 128, .value_dim = 128},
      {.heads = 2, .kv_heads = 2, .head_dim = 256, .value_dim = 255, .causal = false},
      {.heads = 3, .kv_heads = 3, .head_dim = 96, .value_dim = 112},
  }));
  CAPTURE(shape.head_dim);
  const auto check = [&]<class T>(T, DType pages) {
    Call<T> call(shape, pages, 7, 270, 2);
    call.check(
        {call.segment(0, 5, 60, 65, 1), call.segment(5, 1, 269, 270, 0), call.segment(6, 1, 63, 64, 0)});
  };
  check(float{}, DType::f32);
  check(bfloat16{}, DType::bf16);
  check(float16{}, DType::i8);
}

TEMPLATE_TEST_CASE("a row has the same bits prefilled, chunked, decoded and in company on CUDA", "[kernels]",
                   float, bfloat16) {
  const auto pages = GENERATE(values({dtype_of<TestType>, DType::i8}));
  const bool tensor_cores = std::is_same_v<TestType, bfloat16>;
  const Case shape{
      .heads = 4, .kv_heads = 2, .head_dim = tensor_cores ? 64 : 10, .value_dim = tensor_cores ? 48 : 6};
  if (!tensor_cores && pages == DType::i8) return;
  // A window of rows behind the beginning, or at the end of the third run of keys.
  const std::int64_t position = GENERATE(0, 470);
  if (position == 0 && pages == DType::i8) return;
  constexpr std::int64_t n = 76;
  const std::int64_t end = position + n;
  CAPTURE(pages, shape.head_dim, position);
  Call<TestType> call(shape, pages, n, end + 10, 2);
  const auto whole = call.run({call.segment(0, n, position, end)});
  const auto is_row = [&](const typename Call<TestType>::Result& other, std::int64_t row) {
    const auto part = [&](const auto& all, std::int64_t width) {
      return std::vector(all.begin() + row * width, all.begin() + (row + 1) * width);
    };
    return test::same_bits(part(other.out, shape.heads * shape.value_dim),
                           part(whole.out, shape.heads * shape.value_dim)) &&
           test::same_bits(part(other.lse, shape.heads), part(whole.lse, shape.heads));
  };
  // In chunks that do not line up with blocks and runs, which are decoded or prefilled.
  std::vector<AttentionSegment> chunks;
  for (std::int64_t t = 0; t < n;) {
    const std::int64_t next = std::min(n, t + std::array{30, 1, 5, 36}[chunks.size() % 4]);
    chunks.push_back(call.segment(t, next - t, position + t, position + next));
    t = next;
  }
  const auto chunked = call.run(chunks);
  CHECK(test::same_bits(chunked.out, whole.out));
  CHECK(test::same_bits(chunked.lse, whole.lse));
  // Decoded, with what stands behind the row in memory, or not.
  for (const std::int64_t t : {0, 41, 42, 64, 75}) {
    CAPTURE(t);
    CHECK(is_row(call.run({call.segment(t, 1, position + t, position + t + 1)}), t));
    CHECK(is_row(call.run({call.segment(t, 1, position + t, end)}), t));
  }
  // From device memory, within bounds of more than there is.
  chunks.push_back(call.segment(0, 0, 5, 6));
  const auto on_device = call.run_with(kernels::DeviceSegments{
      .count = std::ssize(chunks), .most_rows = 300, .most_keys = 1200, .segments = chunks.data()});
  CHECK(test::same_bits(on_device.out, whole.out));
  CHECK(test::same_bits(on_device.lse, whole.lse));
}

TEST_CASE("CUDA attention adds masks and hides what they hide", "[kernels]") {
  const auto type = GENERATE(Mask::additive, Mask::boolean);
  const auto [causal, wide] = GENERATE(table<bool, bool>({{false, false}, {true, true}}));
  const auto check = [&]<class T>(T) {
    Call<T> call({.heads = 4,
                  .kv_heads = 2,
                  .head_dim = 16,
                  .value_dim = 8,
                  .causal = causal,
                  .softcap = 4,
                  .wide = wide},
                 dtype_of<T>, 9, 270);
    call.make_mask(type, 270);
    call.check({call.segment(0, 9, 262, 270)});
    call.check({call.segment(0, 1, 262, 270)});
  };
  check(float{});
  check(bfloat16{});
}

TEMPLATE_TEST_CASE("what hidden keys and values hold does not matter on CUDA", "[kernels]", float, float16,
                   bfloat16) {
  const auto pages = GENERATE(values({dtype_of<TestType>, DType::i8}));
  const float poison = GENERATE(values({not_a_number, infinity, -infinity}));
  // For tensor cores, or not.
  const std::int64_t dim = std::is_same_v<TestType, float> ? 12 : 64;
  const Case shape{.heads = 4, .kv_heads = 2, .head_dim = dim, .value_dim = dim};
  CAPTURE(pages, poison);
  if (poison == -infinity && pages == DType::i8) return;  // stored as infinity is
  Call<TestType> clean(shape, pages, 45, 140), bad(shape, pages, 45, 140);
  const std::vector<TestType> row(static_cast<std::size_t>(4 * dim), TestType(poison));
  const auto width = static_cast<std::size_t>(4 * dim);
  for (const std::int64_t position : {90, 91, 104, 130}) bad.store(0, position, row);
  // Rows that see none of it, in one tile with rows that do, which are NaN.
  const auto is_same = [&](const std::vector<AttentionSegment>& segments, std::size_t rows) {
    auto a = clean.run(segments).out, b = bad.run(segments).out;
    a.resize(rows * width), b.resize(rows * width);
    return test::same_bits(a, b);
  };
  CHECK(is_same({clean.segment(0, 45, 60, 105)}, 30));
  CHECK(is_same({clean.segment(0, 10, 80, 140)}, 10));
  CHECK(is_same({clean.segment(0, 1, 89, 140)}, 1));
  CHECK(is_same({clean.segment(0, 3, 87, 90)}, 3));
  const auto out = bad.run({bad.segment(0, 45, 60, 105)}).out;
  for (std::size_t i = 30 * width; i < out.size(); i += 37) CHECK(!std::isfinite(static_cast<float>(out[i])));
  if (pages == DType::i8) return;
  bad.make_mask(Mask::boolean, 100), clean.make_mask(Mask::boolean, 100);
  for (Call<TestType>* call : {&clean, &bad})
    for (std::int64_t i = 0; i < 5 * 100; ++i) call->visible.data()[i] = i % 100 != 90 && i % 100 != 91;
  CHECK(is_same({clean.segment(0, 5, 95, 100)}, 5));
}

TEMPLATE_TEST_CASE("NaN that a row sees is not swallowed on CUDA, and scores of any size are no matter",
                   "[kernels]", float, bfloat16) {
  const Case shape{.heads = 2, .kv_heads = 1, .head_dim = 16, .value_dim = 16};
  Call<TestType> call(shape, dtype_of<TestType>, 20, 300);
  call.q.data()[3] = TestType(not_a_number);  // row 0, head 0
  for (const std::int64_t n : {1, 20}) {
    const auto out = call.run({call.segment(0, n, 280, 300)}).out;
    CHECK(std::isnan(static_cast<float>(out[0])));
    CHECK(std::isfinite(static_cast<float>(out[16])));
  }
  Call<TestType> nothing_else(shape, dtype_of<TestType>, 1, 1);
  nothing_else.store(0, 0, std::vector<TestType>(32, TestType(not_a_number)));
  CHECK(std::isnan(static_cast<float>(nothing_else.run({call.segment(0, 1, 0, 1)}).out[0])));

  Call<TestType> large(shape, dtype_of<TestType>, 20, 300);
  for (const float scale : {1e-30f, 1e4f, 1e30f}) {
    large.scale = scale;
    const auto result = large.run({large.segment(0, 20, 280, 300)});
    for (const TestType x : result.out) CHECK(std::isfinite(static_cast<float>(x)));
  }
}

TEST_CASE("CUDA attention has the same bits under every schedule of warps and copies", "[kernels]") {
  const auto check = [&]<class T>(T, DType pages, Case shape) {
    CAPTURE(pages, shape.head_dim);
    Call<T> call(shape, pages, 50, 270, 2);
    const std::vector<AttentionSegment> segments = {call.segment(0, 40, 228, 268, 1),
                                                    call.segment(40, 1, 269, 270), call.segment(41, 9, 0, 9)};
    const auto first = call.run(segments);
    for (std::uint64_t seed = 1; seed < 4; ++seed) {
      const WithSchedule schedule(
          {seed, seed % 2 == 0 ? kernels::cuda::host::Arrival::eager : kernels::cuda::host::Arrival::lazy});
      CHECK(test::same_bits(call.run(segments).out, first.out));
    }
  };
  check(float{}, DType::f32, {.heads = 2, .kv_heads = 1, .head_dim = 12, .value_dim = 12});
  check(float16{}, DType::f16, {.heads = 2, .kv_heads = 1, .head_dim = 64, .value_dim = 64});
  check(bfloat16{}, DType::bf16, {.heads = 2, .kv_heads = 1, .head_dim = 128, .value_dim = 128});
  check(bfloat16{}, DType::i8, {.heads = 2, .kv_heads = 1, .head_dim = 64, .value_dim = 64});
}

TEST_CASE("CUDA attention of no rows does nothing, and too large heads are refused", "[kernels]") {
  Call<float> call({.heads = 1, .kv_heads = 1, .head_dim = 257, .value_dim = 4}, DType::f32, 1, 0);
  call.run({});
  call.run({call.segment(0, 0, 0, 5)});
  CHECK_THROWS_WITH(call.run({call.segment(0, 1, 0, 0)}),
                    ContainsSubstring("attention: heads of 257 and 4 elements"));
}
