// What gradients and training operations say when their arguments do not fit.
#include "adlib/ops.h"
#include "support/catch.h"
#include "support/error_of.h"
#include "support/random.h"

using namespace adlib;
using namespace adlib::test;

namespace {
Tensor zeros(const Shape& shape, DType dtype = DType::f32) { return Tensor::zeros(shape, dtype); }
}  // namespace

TEST_CASE("gradients of rows name what does not fit", "[ops][errors][backward]") {
  Tensor sums = zeros({4}), wrong = zeros({5}), half = zeros({4}, DType::bf16), none;
  CHECK(error_of([&] {
          ops::sum_rows_into(wrong, zeros({3, 4}));
        }) == "invalid_argument: sum_rows: sums has shape [5], expected [4]");
  CHECK(error_of([&] {
          ops::sum_rows_into(half, zeros({3, 4}));
        }) ==
        "dtype_mismatch: sum_rows: sums is (4) bf16 on cpu, expected f32; convert it with .to(DType::f32)");
  CHECK(error_of([&] {
          ops::sum_rows_into(none, zeros({3, 4}));
        }) == "invalid_argument: sum_rows: sums is undefined");
  CHECK(error_of([&] { ops::sum_rows_into(sums, zeros({12})); }) ==
        "invalid_argument: sum_rows: x has shape [12], expected (N, C)");
  Tensor whole = zeros({4, 4}), row = whole.select(0, 1);
  CHECK(error_of([&] { ops::sum_rows_into(row, whole); }) ==
        "invalid_argument: sum_rows: sums shares memory with x; give it storage of its own");

  Tensor dx = zeros({3, 4}), x = zeros({3, 4}), dy = zeros({3, 4});
  const Tensor gamma = zeros({4});
  CHECK(error_of([&] { ops::layer_norm_backward(dx, wrong, none, dy, x, gamma, 1e-5f); }) ==
        "invalid_argument: layer_norm_backward: dgamma has shape [5], expected [4]");
  CHECK(error_of([&] { ops::layer_norm_backward(dx, none, half, dy, x, gamma, 1e-5f); }) ==
        "dtype_mismatch: layer_norm_backward: dbeta is (4) bf16 on cpu, expected f32; convert it with "
        ".to(DType::f32)");
  CHECK(error_of([&] {
          ops::layer_norm_backward(dx, none, none, zeros({4, 3}), x, gamma, 1e-5f);
        }) == "invalid_argument: layer_norm_backward: dy has shape [4, 3], expected [3, 4]");
  CHECK(error_of([&] { ops::layer_norm_backward(x, none, none, dy, x, gamma, 1e-5f); }) ==
        "invalid_argument: layer_norm_backward: dx shares memory with x; give it storage of its own");
  CHECK(error_of([&] { ops::rms_norm_backward(dy, none, dy, x, gamma, 1e-5f); }) ==
        "invalid_argument: rms_norm_backward: dx shares memory with dy; give it storage of its own");
  CHECK(error_of([&] { ops::rms_norm_backward(dx, none, dy, x, gamma, -1.0f); }) ==
        "invalid_argument: rms_norm_backward: eps is -1, expected at least 0");
  CHECK(error_of([&] { ops::rms_norm_backward(none, none, dy, x, gamma, 1e-5f); }) ==
        "invalid_argument: rms_norm_backward: dx is undefined");
  Tensor gaps = zeros({4, 3}).transpose(0, 1);
  CHECK(error_of([&] { ops::rms_norm_backward(gaps, none, dy, x, gamma, 1e-5f); }) ==
        "invalid_argument: rms_norm_backward: dx (3, 4) f32 on cpu has gaps, expected a contiguous tensor");
}

TEST_CASE("gradients by elements and lookups name what does not fit", "[ops][errors][backward]") {
  CHECK(error_of([] { ops::activate_backward(zeros({3}), zeros({4}), ops::Activation::silu); }) ==
        "invalid_argument: activate_backward: x has shape [4], expected [3]");
  CHECK(error_of([] { ops::activate_backward(zeros({3}), zeros({3}), static_cast<ops::Activation>(9)); }) ==
        "invalid_argument: activate_backward: activation 9 is unknown");
  Tensor dgate = zeros({2, 3}), dup = zeros({2, 3}), crossed = zeros({3, 2}).transpose(0, 1);
  const Tensor dy = zeros({2, 3});
  CHECK(error_of([&] {
          ops::swiglu_backward(dgate, dup, dy, zeros({2, 4}), dy);
        }) == "invalid_argument: swiglu_backward: gate has shape [2, 4], expected [2, 3]");
  CHECK_THAT(error_of([&] {
               ops::swiglu_backward(crossed, dup, dy, zeros({2, 3}), zeros({2, 3}));
             }),
             ContainsSubstring("swiglu_backward: dgate (2, 3) f32 on cpu has gaps within rows"));
  CHECK_THAT(error_of([&] {
               ops::swiglu_backward(dgate, dgate, dy, zeros({2, 3}), zeros({2, 3}));
             }),
             ContainsSubstring("swiglu_backward: dgate and dup are the same memory"));
  CHECK_THAT(error_of([&] {
               ops::swiglu_backward(dgate, dup, dy, dgate, zeros({2, 3}));
             }),
             ContainsSubstring("swiglu_backward: dgate shares memory with gate"));

  Tensor dtable = zeros({5, 3});
  const Tensor ids = Tensor::from({1, 5}, {2});
  CHECK(error_of([&] {
          ops::embedding_backward(dtable, zeros({2, 3}), ids);
        }) == "invalid_argument: embedding_backward: id 5 at position 1 is outside [0, 5)");
  CHECK(error_of([&] {
          ops::embedding_backward(dtable, zeros({2, 4}), Tensor::from({1, 4}, {2}));
        }) == "invalid_argument: embedding_backward: dy has shape [2, 4], expected [2, 3]");
  CHECK_THAT(error_of([] {
               ops::rope_backward(zeros({2, 1, 4}), Tensor::from({0, 9}, {2}), zeros({3, 2}), zeros({3, 2}));
             }),
             ContainsSubstring("rope_backward: position 9 of row 1 is outside [0, 3)"));

  Tensor dlogits = zeros({2, 3}, DType::bf16), narrow = zeros({2, 2}), integers = zeros({2, 3}, DType::i32);
  const Tensor logits = zeros({2, 3}), weights = zeros({2});
  CHECK(error_of([&] {
          ops::cross_entropy_backward(dlogits, logits, Tensor::from({2, 3}, {2}), weights);
        }) == "invalid_argument: cross_entropy_backward: target 3 of row 1 is outside [0, 3)");
  CHECK(error_of([&] {
          ops::cross_entropy_backward(narrow, logits, Tensor::from({2, 1}, {2}), weights);
        }) == "invalid_argument: cross_entropy_backward: dlogits has shape [2, 2], expected [2, 3]");
  CHECK(error_of([&] {
          ops::cross_entropy_backward(dlogits, logits, Tensor::from({2, 1}, {2}), zeros({3}));
        }) == "invalid_argument: cross_entropy_backward: weights has shape [3], expected [2]");
  CHECK_THAT(error_of([&] {
               ops::cross_entropy_backward(integers, logits, Tensor::from({2, 1}, {2}), weights);
             }),
             ContainsSubstring("cross_entropy_backward: i32 is not supported, expected f32, f16 or bf16"));
  Tensor both = zeros({4, 3}), shifted = both.slice(0, 1, 3);
  CHECK(error_of([&] {
          ops::cross_entropy_backward(shifted, both.slice(0, 0, 2), Tensor::from({2, 1}, {2}), weights);
        }) ==
        "invalid_argument: cross_entropy_backward: dlogits shares memory with logits; give it storage of its "
        "own");
}

TEST_CASE("dropout and adamw_step refuse what cannot be meant", "[ops][errors][training]") {
  CHECK(error_of([] { ops::dropout(zeros({3}), 1.0f, 1, 2); }) ==
        "invalid_argument: dropout: p is 1, expected a probability in [0, 1)");
  CHECK_THAT(error_of([] { ops::dropout(zeros({3}), NAN, 1, 2); }),
             ContainsSubstring("expected a probability"));
  CHECK(error_of([] { ops::dropout(zeros({3}), 0.1f, 1, 2, zeros({4})); }) ==
        "invalid_argument: dropout: residual has shape [4], expected [3]");

  Tensor w = zeros({3}), m = zeros({3}), v = zeros({3}), none, four = zeros({4}),
         half = zeros({3}, DType::bf16);
  const Tensor gradient = zeros({3});
  CHECK(error_of([&] { ops::adamw_step(w, four, v, none, gradient, {}); }) ==
        "invalid_argument: adamw_step: m has shape [4], expected [3]");
  CHECK(error_of([&] { ops::adamw_step(half, m, v, none, gradient, {}); }) ==
        "dtype_mismatch: adamw_step: w is (3) bf16 on cpu, expected f32; convert it with .to(DType::f32)");
  CHECK(error_of([&] { ops::adamw_step(w, m, v, m, gradient, {}); }) ==
        "dtype_mismatch: adamw_step: rounded is (3) f32 on cpu, expected bf16 or f16");
  CHECK(error_of([&] { ops::adamw_step(w, w, v, none, gradient, {}); }) ==
        "invalid_argument: adamw_step: w shares memory with m; give it storage of its own");
  CHECK(error_of([&] { ops::adamw_step(w, m, v, none, gradient, {.step = 0}); }) ==
        "invalid_argument: adamw_step: step is 0, expected at least 1");
  CHECK(error_of([&] { ops::adamw_step(w, m, v, none, gradient, {.beta2 = 1}); }) ==
        "invalid_argument: adamw_step: beta2 is 1, expected a number in [0, 1)");
  CHECK(error_of([&] { ops::adamw_step(w, m, v, none, gradient, {.learning_rate = -1}); }) ==
        "invalid_argument: adamw_step: learning_rate is -1, expected a number of at least 0");
}
