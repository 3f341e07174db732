// Every gradient against central differences of an independent forward pass in double, with all inputs and
// parameters random.
#include <array>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "adlib/core/parallel.h"
#include "adlib/ops.h"
#include "support/catch.h"
#include "support/compare.h"
#include "support/devices.h"
#include "support/gradient.h"
#include "support/oracle.h"
#include "support/random.h"
#include "support/values.h"

using namespace adlib;
using namespace adlib::test;
using oracle::Values;

namespace {

Values plus(Values a, const Values& b) {
  for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  return a;
}

// The largest magnitude: what the error of a float sum scales with.
double largest(const Values& values) {
  double out = 0;
  for (const double value : values) out = std::max(out, std::fabs(value));
  return out;
}

// Each head's rotation by the angle whose cosine and sine stand in the row's position.
Values naive_rope(const Values& x, std::span<const std::int32_t> positions, const Values& cos,
                  const Values& sin, std::size_t heads, std::size_t width, std::size_t pairs,
                  ops::RopeLayout layout) {
  Values y = x;
  for (std::size_t row = 0; row < positions.size() * heads; ++row) {
    for (std::size_t i = 0; i < pairs; ++i) {
      const bool halves = layout == ops::RopeLayout::halves;
      const std::size_t a = row * width + (halves ? i : 2 * i), b = a + (halves ? pairs : 1);
      const std::size_t angle = static_cast<std::size_t>(positions[row / heads]) * pairs + i;
      y[a] = x[a] * cos[angle] - x[b] * sin[angle];
      y[b] = x[b] * cos[angle] + x[a] * sin[angle];
    }
  }
  return y;
}

}  // namespace

TEST_CASE("sum_rows adds the sums of columns", "[ops][backward][sum_rows][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto [rows, cols] = GENERATE(table<int, int>({{0, 5}, {1, 1}, {31, 7}, {33, 64}, {100, 1100}}));
  CAPTURE(device, dtype, rows, cols);
  const Tensor x = random_tensor({rows, cols}, dtype, 1, 3).to(device);
  const Tensor before = random_tensor({cols}, DType::f32, 2);
  Tensor sums = before.clone().to(device);
  ops::sum_rows_into(sums, x);
  Values expected = doubles(before);
  const Values values = doubles(x);
  for (std::size_t i = 0; i < values.size(); ++i) expected[i % static_cast<std::size_t>(cols)] += values[i];
  CHECK(difference(sums, expected, 2e-5) == "");
}

TEST_CASE("activate_backward is the slope times dy", "[ops][backward][activation][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto activation = GENERATE(from_range(activations));
  const auto n = GENERATE(1, 255, 257, 1000);
  CAPTURE(device, dtype, static_cast<int>(activation), n);
  const Tensor x = random_tensor({n}, dtype, 1, 6), dy = random_tensor({n}, dtype, 2, 2);
  const Values expected = central_differences(doubles(x), doubles(dy), [&](const Values& at) {
    Values y = at;
    for (double& value : y) value = oracle::activate(value, activation);
    return y;
  });
  const Tensor dx = ops::activate_backward(dy.to(device), x.to(device), activation);
  CHECK(difference(dx, expected, 2e-6) == "");
  if (dtype == DType::f32) CHECK(relative_error(doubles(dx), expected) < 1e-6);
}

TEST_CASE("slopes settle at the ends of the range and keep NaN", "[ops][backward][activation][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto activation = GENERATE(ops::Activation::gelu_tanh, ops::Activation::gelu_erf,
                                   ops::Activation::silu, ops::Activation::relu);
  const Tensor x = Tensor::from({-infinity, -1e30f, -1e4f, -200.0f, 200.0f, 1e4f, 1e30f, infinity,
                                 std::numeric_limits<float>::quiet_NaN()},
                                {9});
  const Tensor dy = Tensor::from({2.0f, 2.0f, 2.0f, 2.0f, 2.0f, 2.0f, 2.0f, 2.0f, 2.0f}, {9});
  const Values dx = doubles(ops::activate_backward(dy.to(device), x.to(device), activation));
  for (std::size_t i = 0; i < 4; ++i) CHECK(std::fabs(dx[i]) < 1e-30);
  for (std::size_t i = 4; i < 8; ++i) CHECK(dx[i] == 2);
  if (activation != ops::Activation::relu) CHECK(std::isnan(dx[8]));
}

TEST_CASE("swiglu_backward matches central differences, also between columns of one tensor",
          "[ops][backward][swiglu][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const std::int64_t rows = 5, cols = 300;
  const Tensor fused = random_tensor({rows, 2 * cols}, dtype, 1, 5).to(device);
  const Tensor gate = fused.slice(1, 0, cols), up = fused.slice(1, cols, 2 * cols);
  const Tensor dy = random_tensor({rows, cols}, dtype, 2).to(device);
  Values by_gate, by_up;
  const Values g = doubles(gate), u = doubles(up), d = doubles(dy);
  for (std::size_t i = 0; i < g.size(); ++i) {  // element by element
    by_gate.push_back(central_differences({g[i]}, std::array{d[i]}, [&](const Values& at) {
      return Values{oracle::activate(at[0], ops::Activation::silu) * u[i]};
    })[0]);
    by_up.push_back(d[i] * oracle::activate(g[i], ops::Activation::silu));
  }
  Tensor gradient = random_tensor({rows, 2 * cols}, dtype, 3).to(device);  // is overwritten
  Tensor dgate = gradient.slice(1, 0, cols), dup = gradient.slice(1, cols, 2 * cols);
  ops::swiglu_backward(dgate, dup, dy, gate, up);
  CHECK(difference(dgate, by_gate, 1e-5) == "");
  CHECK(difference(dup, by_up, 5e-6) == "");
  Tensor dgate2 = Tensor::empty({rows, cols}, dtype, device), dup2 = dgate2.clone();
  ops::swiglu_backward(dgate2, dup2, dy, gate.contiguous(), up.contiguous());
  CHECK(same_bits(dgate, dgate2));
  CHECK(same_bits(dup, dup2));
}

TEST_CASE("layer_norm_backward matches central differences and adds", "[ops][backward][layer_norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto [rows, cols] = GENERATE(table<int, int>({{1, 1}, {3, 31}, {33, 17}, {2, 97}}));
  const auto eps = GENERATE(1e-5f, 0.3f);
  CAPTURE(device, dtype, rows, cols, eps);
  Tensor x = random_tensor({rows, cols}, DType::f32, 1, 3);
  for (float& value : x.data<float>()) value += 2;  // a mean to take off
  x = x.to(dtype);
  const Tensor dy = random_tensor({rows, cols}, dtype, 2), gamma = random_tensor({cols}, dtype, 3, 2);
  const Tensor dx0 = random_tensor({rows, cols}, dtype, 4), dgamma0 = random_tensor({cols}, DType::f32, 5),
               dbeta0 = random_tensor({cols}, DType::f32, 6);
  const Values xs = doubles(x), dys = doubles(dy), gammas = doubles(gamma);
  const Values by_x =
      central_differences(xs, dys, [&](const Values& at) { return oracle::layer_norm(at, gammas, {}, eps); });
  const Values by_gamma =
      central_differences(gammas, dys, [&](const Values& at) { return oracle::layer_norm(xs, at, {}, eps); });
  const Values by_beta = central_differences(
      Values(gammas.size()), dys, [&](const Values& at) { return oracle::layer_norm(xs, gammas, at, eps); });

  Tensor dx = dx0.clone().to(device), dgamma = dgamma0.clone().to(device), dbeta = dbeta0.clone().to(device);
  const Tensor dy_there = dy.to(device), x_there = x.to(device), gamma_there = gamma.to(device);
  ops::layer_norm_backward(dx, dgamma, dbeta, dy_there, x_there, gamma_there, eps);
  const double slack = 3e-6 * (1 + largest(by_x)), row_slack = 2e-5;
  CHECK(difference(dx, plus(by_x, doubles(dx0)), slack) == "");
  CHECK(difference(dgamma, plus(by_gamma, doubles(dgamma0)), row_slack) == "");
  CHECK(difference(dbeta, plus(by_beta, doubles(dbeta0)), row_slack) == "");

  Tensor alone = dx0.clone().to(device), none;  // parameters that do not learn
  ops::layer_norm_backward(alone, none, none, dy_there, x_there, gamma_there, eps);
  CHECK(same_bits(alone, dx));
  CHECK_FALSE(none.defined());
}

TEST_CASE("rms_norm_backward matches central differences and adds", "[ops][backward][rms_norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto [rows, cols] = GENERATE(table<int, int>({{1, 1}, {3, 31}, {33, 17}, {2, 97}}));
  const auto eps = GENERATE(1e-6f, 0.3f);
  CAPTURE(device, dtype, rows, cols, eps);
  const Tensor x = random_tensor({rows, cols}, dtype, 1, 3), dy = random_tensor({rows, cols}, dtype, 2),
               gamma = random_tensor({cols}, dtype, 3, 2);
  const Tensor dx0 = random_tensor({rows, cols}, dtype, 4), dgamma0 = random_tensor({cols}, DType::f32, 5);
  const Values xs = doubles(x), dys = doubles(dy), gammas = doubles(gamma);
  const Values by_x =
      central_differences(xs, dys, [&](const Values& at) { return oracle::rms_norm(at, gammas, eps); });
  const Values by_gamma =
      central_differences(gammas, dys, [&](const Values& at) { return oracle::rms_norm(xs, at, eps); });

  Tensor dx = dx0.clone().to(device), dgamma = dgamma0.clone().to(device);
  const Tensor dy_there = dy.to(device), x_there = x.to(device), gamma_there = gamma.to(device);
  ops::rms_norm_backward(dx, dgamma, dy_there, x_there, gamma_there, eps);
  CHECK(difference(dx, plus(by_x, doubles(dx0)), 3e-6 * (1 + largest(by_x))) == "");
  CHECK(difference(dgamma, plus(by_gamma, doubles(dgamma0)), 2e-5) == "");

  Tensor alone = dx0.clone().to(device), none;
  ops::rms_norm_backward(alone, none, dy_there, x_there, gamma_there, eps);
  CHECK(same_bits(alone, dx));
}

TEST_CASE("layer_norm_backward keeps its digits when the mean dwarfs the deviation",
          "[ops][backward][layer_norm][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  Tensor x = random_tensor({3, 200});
  for (float& value : x.data<float>()) value += 4096;
  const Tensor dy = random_tensor({3, 200}, DType::f32, 2), gamma = random_tensor({200}, DType::f32, 3);
  const Values gammas = doubles(gamma);
  const Values by_x = central_differences(
      doubles(x), doubles(dy), [&](const Values& at) { return oracle::layer_norm(at, gammas, {}, 1e-5f); });
  Tensor dx = Tensor::zeros({3, 200}, DType::f32, device), none;
  ops::layer_norm_backward(dx, none, none, dy.to(device), x.to(device), gamma.to(device), 1e-5f);
  // The mean itself is rounded to 2^-12, as in the forward pass. The step of the differences, 0.04, counts
  // too.
  CHECK(relative_error(doubles(dx), by_x) < 3e-3);
}

TEST_CASE("embedding_backward adds rows to the ids they have, repeated ones too",
          "[ops][backward][embedding][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto [vocabulary, rows, cols] =
      GENERATE(table<int, int, int>({{1, 1, 1}, {3, 40, 17}, {50, 64, 100}, {5, 0, 8}}));
  CAPTURE(device, dtype, vocabulary, rows, cols);
  const Tensor ids = random_ids({rows}, 0, vocabulary, 1), dy = random_tensor({rows, cols}, dtype, 2);
  const Tensor before = random_tensor({vocabulary, cols}, DType::f32, 3);
  Tensor dtable = before.clone().to(device);
  ops::embedding_backward(dtable, dy.to(device), ids.to(device));
  Values expected = doubles(before);
  const Values values = doubles(dy);
  const auto width = static_cast<std::size_t>(cols);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto id = static_cast<std::size_t>(ids.data<std::int32_t>()[i / width]);
    expected[id * width + i % width] += values[i];
  }
  CHECK(difference(dtable, expected, 1e-5) == "");
}

TEST_CASE("rope_backward matches central differences and undoes the rotation",
          "[ops][backward][rope][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto layout = GENERATE(ops::RopeLayout::halves, ops::RopeLayout::interleaved);
  const auto pairs = GENERATE(1, 3, 4);
  CAPTURE(device, dtype, static_cast<int>(layout), pairs);
  const std::int64_t rows = 5, heads = 3, width = 8;
  // Any numbers will do for the tables: the gradient is the transpose, whatever the matrix.
  const Tensor positions = random_ids({rows}, 0, 7, 1), cos = random_tensor({7, pairs}, DType::f32, 2),
               sin = random_tensor({7, pairs}, DType::f32, 3),
               dy = random_tensor({rows, heads, width}, dtype, 4),
               x = random_tensor({rows, heads, width}, dtype, 5);
  const Values expected = central_differences(doubles(x), doubles(dy), [&](const Values& at) {
    return naive_rope(at, positions.data<std::int32_t>(), doubles(cos), doubles(sin), 3, 8,
                      static_cast<std::size_t>(pairs), layout);
  });
  const Tensor dx =
      ops::rope_backward(dy.to(device), positions.to(device), cos.to(device), sin.to(device), layout);
  CHECK(difference(dx, expected, 1e-6) == "");
  const Tensor strided = random_tensor({rows, 2 * heads, width}, dtype, 6).to(device).slice(1, 1, 1 + heads);
  CHECK(same_bits(ops::rope_backward(strided, positions.to(device), cos.to(device), sin.to(device), layout),
                  ops::rope_backward(strided.contiguous(), positions.to(device), cos.to(device),
                                     sin.to(device), layout)));
}

TEST_CASE("cross_entropy_backward gives losses and their gradient in any dtype",
          "[ops][backward][cross_entropy][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  const auto dtype = GENERATE(from_range(float_types));
  const auto out_dtype = GENERATE(from_range(float_types));
  const auto [rows, cols] = GENERATE(table<int, int>({{1, 1}, {4, 31}, {3, 257}}));
  CAPTURE(device, dtype, out_dtype, rows, cols);
  const Tensor logits = random_tensor({rows, cols}, dtype, 1, 8).to(device);
  Tensor targets = random_ids({rows}, 0, cols, 2);
  if (rows > 1) targets.data<std::int32_t>()[1] = -100;  // ignored
  const Tensor weights = random_tensor({rows}, DType::f32, 3), classes = targets.to(device);
  const auto width = static_cast<std::size_t>(cols);
  const auto losses_at = [&](const Values& at) {
    const Values all = oracle::softmax(at, width, true);
    Values losses;
    for (const std::int32_t target : targets.data<std::int32_t>()) {
      losses.push_back(target < 0 ? 0 : -all[losses.size() * width + static_cast<std::size_t>(target)]);
    }
    return losses;
  };
  const Values expected = central_differences(doubles(logits), doubles(weights), losses_at);
  Tensor dlogits = Tensor::empty({rows, cols}, out_dtype, device);
  const Tensor before = logits.clone();
  const Tensor losses = ops::cross_entropy_backward(dlogits, logits, classes, weights.to(device));
  CHECK(difference(dlogits, expected, 1e-6) == "");
  CHECK(difference(losses, losses_at(doubles(logits)), 1e-5) == "");
  CHECK(same_bits(losses, ops::cross_entropy(logits, classes)));
  CHECK(same_bits(logits, before));
  if (dtype == out_dtype) {
    Tensor in_place = logits.clone();
    CHECK(same_bits(ops::cross_entropy_backward(in_place, in_place, classes, weights.to(device)), losses));
    CHECK(same_bits(in_place, dlogits));
  }
}

TEST_CASE("gradients have the same bits on any number of threads", "[ops][backward][rows]") {
  const auto dtype = GENERATE(DType::f32, DType::f16, DType::bf16);
  const std::int64_t rows = 131, cols = 517, vocabulary = 40;
  const Tensor x = random_tensor({rows, cols}, dtype, 1, 4), dy = random_tensor({rows, cols}, dtype, 2),
               gamma = random_tensor({cols}, dtype, 3);
  const Tensor ids = random_ids({rows}, 0, vocabulary, 4), targets = random_ids({rows}, -5, cols, 5);
  const Tensor weights = random_tensor({rows}, DType::f32, 6);
  const Tensor positions = random_ids({rows}, 0, 50, 7), cos = random_tensor({50, 20}, DType::f32, 8),
               heads = random_tensor({rows, 11, 48}, dtype, 9);
  const auto run = [&] {
    std::vector<Tensor> out;
    const auto zeros = [&](const Shape& shape, DType type) {
      out.push_back(Tensor::zeros(shape, type));
      return out.back();  // shares storage
    };
    Tensor sums = zeros({cols}, DType::f32);
    ops::sum_rows_into(sums, x);
    Tensor dx = zeros({rows, cols}, dtype), dgamma = zeros({cols}, DType::f32),
           dbeta = zeros({cols}, DType::f32);
    ops::layer_norm_backward(dx, dgamma, dbeta, dy, x, gamma, 1e-5f);
    Tensor dx2 = zeros({rows, cols}, dtype), dgamma2 = zeros({cols}, DType::f32);
    ops::rms_norm_backward(dx2, dgamma2, dy, x, gamma, 1e-5f);
    Tensor dtable = zeros({vocabulary, cols}, DType::f32);
    ops::embedding_backward(dtable, dy, ids);
    Tensor dlogits = zeros({rows, cols}, DType::bf16);
    out.push_back(ops::cross_entropy_backward(dlogits, x, targets, weights));
    Tensor dgate = zeros({rows, cols}, dtype), dup = zeros({rows, cols}, dtype);
    ops::swiglu_backward(dgate, dup, dy, x, dy.clone());
    for (const ops::Activation activation : activations) {
      out.push_back(ops::activate_backward(dy, x, activation));
    }
    out.push_back(ops::rope_backward(heads, positions, cos, cos));
    out.push_back(ops::dropout(x, 0.3f, 5, 6, dy));
    out.push_back(Tensor::from({ops::squared_norm(x)}, {1}));
    Tensor w = x.to(DType::f32).clone(), m = zeros({rows, cols}, DType::f32),
           v = zeros({rows, cols}, DType::f32), rounded = zeros({rows, cols}, DType::bf16);
    ops::adamw_step(w, m, v, rounded, dy.to(DType::f32).clone(), {.weight_decay = 0.1});
    out.push_back(w);
    return out;
  };
  set_num_threads(1);
  const std::vector<Tensor> alone = run();
  for (const int threads : {2, 3}) {
    set_num_threads(threads);
    const std::vector<Tensor> together = run();
    for (std::size_t i = 0; i < alone.size(); ++i) {
      CAPTURE(dtype, threads, i);
      CHECK(same_bits(together[i], alone[i]));
    }
  }
  set_num_threads(0);
}

TEST_CASE("the gradients of micro-batches add up to the whole batch's", "[ops][backward]") {
  const std::int64_t rows = 96, cols = 40;
  const Tensor x = random_tensor({rows, cols}, DType::f32, 1, 3),
               dy = random_tensor({rows, cols}, DType::f32, 2), gamma = random_tensor({cols}, DType::f32, 3),
               ids = random_ids({rows}, 0, 9, 4);
  struct Gradients {
    Tensor sums = Tensor::zeros({40}), layer_gamma = Tensor::zeros({40}), layer_beta = Tensor::zeros({40}),
           rms_gamma = Tensor::zeros({40}), table = Tensor::zeros({9, 40});
  };
  const auto add = [&](Gradients& g, std::int64_t begin, std::int64_t end) {
    const Tensor part = x.slice(0, begin, end), dpart = dy.slice(0, begin, end);
    Tensor dx = Tensor::zeros(part.shape());
    ops::sum_rows_into(g.sums, dpart);
    ops::layer_norm_backward(dx, g.layer_gamma, g.layer_beta, dpart, part, gamma, 1e-5f);
    ops::rms_norm_backward(dx, g.rms_gamma, dpart, part, gamma, 1e-5f);
    ops::embedding_backward(g.table, dpart, ids.slice(0, begin, end));
  };
  Gradients whole, parts;
  add(whole, 0, rows);
  for (const auto& [begin, end] : {std::pair{0, 32}, {32, 64}, {64, 96}}) add(parts, begin, end);
  // Cut between blocks of rows, the sums are the same ones.
  CHECK(same_bits(parts.sums, whole.sums));
  CHECK(same_bits(parts.layer_gamma, whole.layer_gamma));
  CHECK(same_bits(parts.layer_beta, whole.layer_beta));
  CHECK(same_bits(parts.rms_gamma, whole.rms_gamma));
  CHECK(same_bits(parts.table, whole.table));
  Gradients uneven;
  for (const auto& [begin, end] : {std::pair{0, 1}, {1, 50}, {50, 96}}) add(uneven, begin, end);
  CHECK(relative_error(doubles(uneven.sums), doubles(whole.sums)) < 1e-6);
  CHECK(relative_error(doubles(uneven.layer_gamma), doubles(whole.layer_gamma)) < 1e-6);
  CHECK(relative_error(doubles(uneven.rms_gamma), doubles(whole.rms_gamma)) < 1e-6);
  CHECK(same_bits(uneven.table, whole.table));
}
