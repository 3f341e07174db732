// What the operations say when their arguments do not fit: where, what came, what was expected, what to do.
#include <vector>

#include "adlib/ops.h"
#include "support/catch.h"
#include "support/error_of.h"

using namespace adlib;
using adlib::test::error_of;

namespace {
Tensor zeros(const Shape& shape, DType dtype = DType::f32) { return Tensor::zeros(shape, dtype); }

// A tensor that claims to be on a CUDA device; its elements are never touched before the check.
Tensor pretend_cuda(const Shape& shape) {
  static float bytes[64];
  static const auto storage = std::make_shared<Storage>(nullptr, bytes, sizeof bytes, Device::cuda);
  return Tensor::wrap(storage, 0, shape, DType::f32);
}
}  // namespace

TEST_CASE("matmul names both operands", "[ops][errors]") {
  CHECK(error_of([] {
          ops::matmul(zeros({4, 5}), zeros({6, 7}));
        }) ==
        "invalid_argument: matmul: a is (4, 5) f32 on cpu, b is (6, 7) f32 on cpu; 5 columns of a meet 6 "
        "rows of b");
  CHECK(error_of([] {
          ops::matmul(zeros({4, 5}), zeros({5, 7}), {.transpose_b = true});
        }) ==
        "invalid_argument: matmul: a is (4, 5) f32 on cpu, b is (5, 7) f32 on cpu (transposed); 5 columns of "
        "a meet 7 "
        "rows of b");
  CHECK(error_of([] {
          ops::matmul(zeros({4, 5}), zeros({5, 7}, DType::bf16));
        }) ==
        "dtype_mismatch: matmul: a is (4, 5) f32 on cpu, b is (5, 7) bf16 on cpu; convert b with "
        ".to(DType::f32)");
  CHECK(error_of([] {
          ops::matmul(zeros({4, 5}), pretend_cuda({5, 7}));
        }) ==
        "device_mismatch: matmul: a is (4, 5) f32 on cpu, b is (5, 7) f32 on cuda:0; move b with "
        ".to(Device::cpu)");
  CHECK(error_of([] {
          ops::matmul(pretend_cuda({4, 5}), zeros({5, 7}));
        }) ==
        "device_mismatch: matmul: a is (4, 5) f32 on cuda:0, b is (5, 7) f32 on cpu; move b with "
        ".to(Device::cuda)");
  CHECK_THAT(error_of([] {
               ops::matmul(zeros({2, 4, 5}), zeros({3, 5, 7}));
             }),
             ContainsSubstring("their leading dimensions do not broadcast"));
  CHECK_THAT(error_of([] {
               ops::matmul(zeros({5}), zeros({5, 7}));
             }),
             ContainsSubstring("matmul: a has shape [5], expected at least 2 dimensions"));
  CHECK(error_of([] {
          ops::matmul(zeros({4, 5}), zeros({5, 7}), {.bias = zeros({4})});
        }) == "invalid_argument: matmul: bias has shape [4], expected [7]");
  CHECK(error_of([] {
          ops::matmul(zeros({4, 5}), zeros({5, 7}), {.residual = zeros({7})});
        }) == "invalid_argument: matmul: residual has shape [7], expected [4, 7]");
  Tensor out = zeros({7, 4});
  CHECK(error_of([&] {
          ops::matmul_into(out, zeros({4, 5}), zeros({5, 7}));
        }) == "invalid_argument: matmul: out has shape [7, 4], expected [4, 7]");
  Tensor gaps = out.transpose(0, 1);
  CHECK_THAT(error_of([&] {
               ops::matmul_into(gaps, zeros({4, 5}), zeros({5, 7}));
             }),
             ContainsSubstring("has gaps"));
  Tensor narrow = zeros({4, 7}, DType::bf16), wide = zeros({4, 7});
  CHECK(error_of([&] {
          ops::matmul_into(narrow, zeros({4, 5}), zeros({5, 7}));
        }) ==
        "dtype_mismatch: matmul: a is (4, 5) f32 on cpu, out is (4, 7) bf16 on cpu; convert out with "
        ".to(DType::f32)");
  CHECK(
      error_of([&] {
        ops::matmul_into(wide, zeros({4, 5}, DType::bf16), zeros({5, 7}, DType::bf16), {.residual = narrow});
      }) ==
      "dtype_mismatch: matmul: out is (4, 7) f32 on cpu, residual is (4, 7) bf16 on cpu; convert residual "
      "with .to(DType::f32)");
  CHECK_THAT(error_of([] {
               ops::matmul(zeros({4, 5}, DType::i32), zeros({5, 7}, DType::i32));
             }),
             ContainsSubstring("dtype_mismatch: matmul: i32 is not supported, expected f32, f16 or bf16"));
}

TEST_CASE("norms name the parameter that does not fit", "[ops][errors]") {
  CHECK(error_of([] {
          ops::layer_norm(zeros({2, 8}), zeros({7}), zeros({8}), 1e-5f);
        }) == "invalid_argument: layer_norm: gamma has shape [7], expected [8]");
  CHECK(error_of([] {
          ops::layer_norm(zeros({2, 8}), zeros({8}), zeros({1, 8}), 1e-5f);
        }) == "invalid_argument: layer_norm: beta has shape [1, 8], expected [8]");
  CHECK(error_of([] {
          ops::layer_norm(zeros({2, 8}), Tensor(), zeros({8}), 1e-5f);
        }) == "invalid_argument: layer_norm: gamma is undefined");
  CHECK(error_of([] {
          ops::rms_norm(zeros({2, 8}), zeros({8}, DType::f16), 1e-5f);
        }) ==
        "dtype_mismatch: rms_norm: x is (2, 8) f32 on cpu, gamma is (8) f16 on cpu; convert gamma with "
        ".to(DType::f32)");
  CHECK_THAT(error_of([] { ops::rms_norm(zeros({2, 8}), zeros({8}), -1); }), ContainsSubstring("eps is -1"));
  CHECK_THAT(error_of([] { ops::rms_norm(zeros({}), zeros({1}), 0); }),
             ContainsSubstring("at least 1 dimension"));
}

TEST_CASE("attention names the operand that does not fit", "[ops][errors]") {
  const Tensor q = zeros({2, 6, 3, 8}), k = zeros({2, 2, 5, 8}), v = zeros({2, 2, 5, 4});
  CHECK(error_of([&] {
          ops::attention(q, zeros({2, 2, 5, 7}), v);
        }) == "invalid_argument: attention: k has shape [2, 2, 5, 7], expected [2, 2, 5, 8]");
  CHECK(error_of([&] {
          ops::attention(q, k, zeros({2, 2, 6, 4}));
        }) == "invalid_argument: attention: v has shape [2, 2, 6, 4], expected [2, 2, 5, 4]");
  CHECK(error_of([&] {
          ops::attention(q, zeros({2, 4, 5, 8}), zeros({2, 4, 5, 4}));
        }) == "invalid_argument: attention: 6 query heads do not divide among 4 key-value heads");
  CHECK(error_of([&] {
          ops::attention(zeros({6, 3, 8}), k, v);
        }) == "invalid_argument: attention: q has shape [6, 3, 8], expected (B, H, Tq, D)");
  CHECK(error_of([&] {
          ops::attention(q, k, v, {.mask = zeros({3, 4})});
        }) == "invalid_argument: attention: mask has shape [3, 4], which does not broadcast to [2, 6, 3, 5]");
  CHECK_THAT(error_of([&] {
               ops::attention(q, k, v, {.mask = zeros({3, 5}, DType::i32)});
             }),
             ContainsSubstring("dtype_mismatch: attention: mask is (3, 5) i32 on cpu"));
}

TEST_CASE("ragged_attention names the segment, page or operand that does not fit", "[ops][errors]") {
  const Tensor q = zeros({5, 4, 8});
  const auto pages = ops::KeyValuePages::empty(3, 2, 8, 8);
  const Tensor table = Tensor::from<std::int32_t>({0, 1, 2, 3}, {2, 2});
  const auto run = [&](std::vector<ops::AttentionSegment> segments,
                       const ops::AttentionOptions& options = {}) {
    return error_of([&] { ops::ragged_attention(q, pages, table, segments, options); });
  };
  CHECK(run({{0, 3, 0, 0}}) == "invalid_argument: ragged_attention: the segments cover 3 rows of 5");
  CHECK(run({{0, 3, 0, 0}, {2, 3, 0, 1}}) ==
        "invalid_argument: ragged_attention: segments[1] covers rows [2, 5), expected to begin at 3 within "
        "the 5 rows");
  CHECK(run({{0, 6, 0, 0}}) ==
        "invalid_argument: ragged_attention: segments[0] covers rows [0, 6), expected to begin at 0 within "
        "the 5 rows");
  CHECK(run({{0, 5, 124, 0}}) ==
        "invalid_argument: ragged_attention: segments[0] reaches position 129, the table has room for 128");
  CHECK(run({{0, 5, -1, 0}}) ==
        "invalid_argument: ragged_attention: segments[0].position is -1, expected at least 0");
  CHECK(run({{0, 5, 0, 2}}) ==
        "invalid_argument: ragged_attention: segments[0].sequence is 2, the table has 2");
  CHECK(run({{0, 5, 60, 1}}) ==
        "invalid_argument: ragged_attention: page 1 of sequence 1 is 3, outside [0, 3)");
  CHECK_THAT(run({{0, 5, 0, 0}}, {.mask = zeros({1})}), ContainsSubstring("options.mask is set"));
  CHECK_THAT(run({{0, 5, 0, 0}}, {.past = 2}), ContainsSubstring("options.past is 2"));

  const ops::AttentionSegment all{.rows = 5};
  const auto with = [&](const Tensor& queries, const ops::KeyValuePages& pool, const Tensor& tables) {
    return error_of([&] { ops::ragged_attention(queries, pool, tables, {&all, 1}); });
  };
  CHECK(with(zeros({5, 4, 7}), pages, table) ==
        "invalid_argument: ragged_attention: q has shape [5, 4, 7], pages.keys [3, 2, 8, 64]; they differ in "
        "D");
  CHECK(with(zeros({5, 3, 8}), pages, table) ==
        "invalid_argument: ragged_attention: 3 query heads do not divide among 2 key-value heads");
  CHECK_THAT(with(q, pages, zeros({2, 2})), ContainsSubstring("dtype_mismatch: ragged_attention: table is"));
  ops::KeyValuePages broken = pages;
  broken.values = zeros({3, 2, 63, 8});
  CHECK(with(q, broken, table) ==
        "invalid_argument: ragged_attention: pages.values has shape [3, 2, 63, 8], expected [3, 2, 64, 8]");
  broken = ops::KeyValuePages::empty(3, 2, 8, 8, DType::i8);
  broken.value_scales = Tensor();
  CHECK(with(q, broken, table) == "invalid_argument: ragged_attention: pages.value_scales is undefined");
  broken = ops::KeyValuePages::empty(3, 2, 8, 8, DType::i32);
  CHECK(with(q, broken, table) ==
        "dtype_mismatch: ragged_attention: pages.keys is i32, expected f32, f16, bf16 or i8");

  ops::KeyValuePages target = pages;
  const auto store = [&](const Tensor& keys, const Tensor& values) {
    return error_of([&] { ops::store_pages(target, table, {&all, 1}, keys, values); });
  };
  CHECK(store(zeros({5, 2, 7}), zeros({5, 2, 8})) ==
        "invalid_argument: store_pages: keys has shape [5, 2, 7], expected [5, 2, 8]");
  CHECK(store(zeros({5, 2, 8}), zeros({4, 2, 8})) ==
        "invalid_argument: store_pages: values has shape [4, 2, 8], expected [5, 2, 8]");
  CHECK(store(zeros({6, 2, 8}), zeros({6, 2, 8})) ==
        "invalid_argument: store_pages: the segments cover 5 rows of 6");
}

TEST_CASE("ids and positions outside their tables are named with their place", "[ops][errors]") {
  const Tensor table = zeros({10, 4});
  CHECK(error_of([&] {
          ops::embedding(table, Tensor::from({3, 10}, {2}));
        }) == "invalid_argument: embedding: id 10 at position 1 is outside [0, 10)");
  CHECK_THAT(error_of([&] { ops::embedding(table, Tensor::from({-1}, {1})); }),
             ContainsSubstring("id -1 at position 0"));
  CHECK_THAT(error_of([&] { ops::embedding(table, zeros({1}, DType::i64)); }),
             ContainsSubstring("embedding: ids is (1) i64 on cpu, expected i32"));
  const Tensor x = zeros({2, 1, 4}), cos = zeros({5, 2});
  CHECK(error_of([&] {
          ops::rope(x, Tensor::from({0, 5}, {2}), cos, cos);
        }) == "invalid_argument: rope: position 5 of row 1 is outside [0, 5)");
  CHECK_THAT(error_of([&] {
               ops::rope(x, Tensor::from({0, 1}, {2}), cos, zeros({5, 1}));
             }),
             ContainsSubstring("rope: sin has shape [5, 1], expected [5, 2]"));
  CHECK_THAT(error_of([&] {
               ops::rope(x, Tensor::from({0, 1}, {2}), zeros({5, 3}), zeros({5, 3}));
             }),
             ContainsSubstring("which rotates 6 elements of a head of 4"));
  CHECK(error_of([&] {
          ops::cross_entropy(zeros({2, 3}), Tensor::from({0, 3}, {2}));
        }) == "invalid_argument: cross_entropy: target 3 of row 1 is outside [0, 3)");
}

TEST_CASE("element-wise operations name both shapes", "[ops][errors]") {
  CHECK(error_of([] {
          ops::add(zeros({2, 3}), zeros({2, 4}));
        }) == "invalid_argument: add: a has shape [2, 3], b has shape [2, 4]; they do not broadcast");
  CHECK(error_of([] {
          ops::swiglu(zeros({2, 3}), zeros({3, 2}));
        }) == "invalid_argument: swiglu: up has shape [3, 2], expected [2, 3]");
  CHECK_THAT(error_of([] { ops::activate(zeros({2}), static_cast<ops::Activation>(99)); }),
             ContainsSubstring("activate: activation 99 is unknown"));
  CHECK_THAT(error_of([] {
               ops::softmax(zeros({2, 3}), 2);
             }),
             ContainsSubstring("dimension 2 is out of range"));
  CHECK_THAT(error_of([] { ops::softmax(zeros({})); }), ContainsSubstring("softmax: x has shape []"));
}
