// sample: every device takes the tokens that a generator's sampler takes, and what it says of bad arguments.
#include <limits>
#include <vector>

#include "adlib/generate/sampler.h"
#include "adlib/ops.h"
#include "support/catch.h"
#include "support/devices.h"
#include "support/error_of.h"
#include "support/random.h"

namespace adlib {
namespace {

using test::error_of;

constexpr std::int64_t vocabulary = 777;

std::vector<GenerationConfig> configs() {
  std::vector<GenerationConfig> out(6);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].do_sample = i != 0;
    out[i].top_k = i % 2 == 0 ? 0 : 30;
    out[i].top_p = i % 3 == 0 ? 0.9f : 1;
    out[i].min_p = i == 2 ? 0.1f : 0;
    out[i].temperature = 0.5f + 0.3f * static_cast<float>(i);
    out[i].repetition_penalty = i == 3 ? 1.3f : 1;
    out[i].presence_penalty = i == 4 ? 0.5f : 0;
    out[i].frequency_penalty = i >= 4 ? 0.2f : 0;
    out[i].seed = 100 + i;
  }
  return out;
}

}  // namespace

TEST_CASE("sample takes the sampler's tokens on every device", "[ops][sample][device]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  const auto dtype = GENERATE(DType::f32, DType::bf16);
  const std::vector<GenerationConfig> all = configs();
  const auto n = std::ssize(all);
  const Tensor scores = test::random_tensor({n, vocabulary}, dtype, 3, 4);
  const std::vector<TokenId> ids = {5, 9, 9, 700, 5, 776, 0, 5, 5, 31};
  std::vector<SampleRow> rows;
  std::vector<TokenId> expected;
  Tensor floats = scores.to(DType::f32).clone();
  for (std::size_t r = 0; r < all.size(); ++r) {
    const logits::History history{std::span(ids).subspan(r % 3), 4};
    rows.push_back(Sampler(all[r], r).row(history));
    rows.back().history = static_cast<std::int64_t>(r % 3);
    const auto row = floats.data<float>().subspan(r * vocabulary, vocabulary);
    expected.push_back(Sampler(all[r], r)(row, history).value());
  }
  const Tensor tokens = ops::sample(scores.to(device), rows, ids);
  CHECK(tokens.device() == device);
  const Tensor host = tokens.to(Device::cpu);
  const auto values = host.data<TokenId>();
  CHECK(std::vector<TokenId>(values.begin(), values.end()) == expected);

  // The same from rows that lie on the device, and from scores with gaps.
  Tensor again = Tensor::empty({n}, DType::i32, device);
  const Tensor wide = test::random_tensor({n, 2 * vocabulary}, dtype, 4).to(device);
  Tensor part = wide.slice(1, 100, 100 + vocabulary);
  ops::copy_into(part, scores.to(device));
  ops::sample_into(again, part, ops::sample_rows(rows).to(device),
                   Tensor::from<TokenId>(ids, {std::ssize(ids)}).to(device));
  const Tensor there = again.to(Device::cpu);
  const auto same = there.data<TokenId>();
  CHECK(std::vector<TokenId>(same.begin(), same.end()) == expected);
}

TEST_CASE("sample marks rows that have no token", "[ops][sample][device]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  constexpr float inf = std::numeric_limits<float>::infinity();
  const Tensor scores = Tensor::from<float>({-inf, -inf, 1, std::nanf(""), inf, 0, 3, 4}, {4, 2}).to(device);
  const Tensor tokens = ops::sample(scores, std::vector<SampleRow>(4), {}).to(Device::cpu);
  const auto values = tokens.data<TokenId>();
  CHECK(std::vector<TokenId>(values.begin(), values.end()) ==
        std::vector<TokenId>{sampling::none, sampling::not_finite, sampling::not_finite, 1});
}

TEST_CASE("sample says what is wrong with a row", "[ops][sample][device]") {
  const auto device = GENERATE(from_range(test::available_devices()));
  const Tensor scores = Tensor::zeros({2, 5}).to(device);
  const auto error = [&](const auto& change, const std::vector<TokenId>& history = {1, 2, 3}) {
    std::vector<SampleRow> rows(2);
    change(rows[1]);
    return error_of([&] { ops::sample(scores, rows, history); });
  };
  CHECK(error([](SampleRow& row) { row.do_sample = 1, row.temperature = 0; }) ==
        "invalid_argument: sample: temperature of row 1 is 0, expected a number above 0");
  CHECK(error([](SampleRow& row) { row.top_k = -1; }) ==
        "invalid_argument: sample: top_k of row 1 is -1, expected at least 1, or 0 to keep every token");
  CHECK(error([](SampleRow& row) { row.top_p = 0; }) ==
        "invalid_argument: sample: top_p of row 1 is 0, expected a number in (0, 1]");
  CHECK(error([](SampleRow& row) { row.min_p = 1.5f; }) ==
        "invalid_argument: sample: min_p of row 1 is 1.5, expected a number in [0, 1]");
  CHECK(error([](SampleRow& row) { row.repetition_penalty = 0; }) ==
        "invalid_argument: sample: repetition_penalty of row 1 is 0, expected a number above 0");
  CHECK(error([](SampleRow& row) { row.history_length = 2, row.prompt_length = 3; }) ==
        "invalid_argument: sample: prompt_length of row 1 is 3, expected at most history_length");
  CHECK(error([](SampleRow& row) { row.history = 2, row.history_length = 2; }) ==
        "invalid_argument: sample: row 1 reads ids [2, 4) of a history of 3");
  CHECK(error([](SampleRow& row) { row.history_length = 3; }, {1, 2, 5}) ==
        "invalid_argument: sample: id 5 in the history of row 1 is outside [0, 5)");
  CHECK(error_of([&] { ops::sample(scores, std::vector<SampleRow>(3), {}); }) ==
        concat("invalid_argument: sample: rows has shape [3, ", sizeof(SampleRow), "], expected [2, ",
               sizeof(SampleRow), "]"));
  CHECK_THAT(error_of([&] { ops::sample(Tensor::zeros({5}), std::vector<SampleRow>(1), {}); }),
             ContainsSubstring("sample: scores has shape [5], expected (N, V)"));
}

}  // namespace adlib
