#include "adlib/train/batch_stream.h"

#include <algorithm>
#include <map>
#include <set>

#include "support/catch.h"
#include "support/error_of.h"
#include "train/dataset_files.h"

using namespace adlib;
using namespace adlib::test;
using namespace adlib::train;

namespace {

Dataset make(const std::string& text, const DatasetOptions& options = {}) {
  const TempDir dir;
  write_text(dir / "data.jsonl", text);
  return Dataset({dir / "data.jsonl"}, *byte_tokenizer(), options);
}

std::vector<std::string> documents(const TokenBatch& batch) {
  std::vector<std::string> out;
  for (std::int64_t d = 0; d < batch.documents(); ++d) out.push_back(shown(batch, d));
  return out;
}

bool same(const TokenBatch& a, const TokenBatch& b) {
  return a.ids == b.ids && a.targets == b.targets && a.offsets == b.offsets;
}

}  // namespace

TEST_CASE("A permutation of any size meets every element once", "[train][permutation]") {
  const auto size = GENERATE(0, 1, 2, 3, 16, 255, 256, 257, 1000, 65537);
  const Permutation order(size, 7, 3);
  std::vector<bool> met(static_cast<std::size_t>(size));
  for (std::int64_t i = 0; i < size; ++i) {
    const std::int64_t to = order(i);
    REQUIRE(to >= 0);
    REQUIRE(to < size);
    REQUIRE_FALSE(met[static_cast<std::size_t>(to)]);
    met[static_cast<std::size_t>(to)] = true;
  }
}

TEST_CASE("A permutation of a huge size takes no table", "[train][permutation]") {
  constexpr std::int64_t size = std::int64_t{1} << 60;
  const Permutation order(size, 1, 0);
  std::set<std::int64_t> met;
  for (std::int64_t i = 0; i < 1000; ++i) met.insert(order(size - 1 - i));
  CHECK(met.size() == 1000);
  CHECK(*met.begin() >= 0);
  CHECK(*met.rbegin() < size);
}

// Where element 0 of 6 lands, over 6000 epochs: each place 1000 times, give or take. The chi-square of five
// degrees of freedom is above 30 in one of 80000 fair shuffles; the draws are fixed, so the test is too.
TEST_CASE("A permutation mixes small sets evenly and differs by epoch and seed", "[train][permutation]") {
  for (const std::int64_t element : {0, 3, 5}) {
    std::map<std::int64_t, double> places;
    for (std::uint64_t epoch = 0; epoch < 6000; ++epoch) ++places[Permutation(6, 1, epoch)(element)];
    double chi_square = 0;
    for (std::int64_t place = 0; place < 6; ++place)
      chi_square += (places[place] - 1000) * (places[place] - 1000) / 1000;
    CHECK(chi_square < 30);
  }
  std::set<std::vector<std::int64_t>> orders;
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    const Permutation order(4, seed, 0);
    orders.insert({order(0), order(1), order(2), order(3)});
  }
  CHECK(orders.size() == 24);
}

TEST_CASE("A permutation is that of an implementation in Python", "[train][permutation]") {
  const Permutation order(1000, 42, 1);
  CHECK(std::vector<std::int64_t>{order(0), order(1), order(2), order(999)} ==
        std::vector<std::int64_t>{907, 956, 632, 186});
}

TEST_CASE("Each epoch has every example once, whole, in batches within the limit", "[train][batch_stream]") {
  const Dataset data = make(completions(100));
  auto expected = shown(data);
  std::sort(expected.begin(), expected.end());
  BatchStream stream(Subset(data), 64, 5);
  std::vector<std::string> read;
  std::vector<std::string> first_epoch;
  for (int epoch = 0; epoch < 3; ++epoch) {
    while (read.size() < expected.size()) {
      const TokenBatch batch = stream.next();
      CHECK(batch.tokens() <= 64);
      CHECK(batch.offsets.front() == 0);
      CHECK(std::is_sorted(batch.offsets.begin(), batch.offsets.end()));
      CHECK(batch.offsets.back() == batch.tokens());
      for (auto& document : documents(batch)) read.push_back(document);
    }
    std::vector<std::string> met(read.begin(), read.begin() + static_cast<std::ptrdiff_t>(expected.size()));
    read.erase(read.begin(), read.begin() + static_cast<std::ptrdiff_t>(expected.size()));
    if (epoch == 0) first_epoch = met;
    if (epoch == 1) CHECK(met != first_epoch);
    std::sort(met.begin(), met.end());
    CHECK(met == expected);
  }
}

TEST_CASE("A batch ends only where the next example does not fit", "[train][batch_stream]") {
  const Dataset data = make(completions(100));
  BatchStream stream(Subset(data), 64, 5);
  for (int step = 0; step < 30; ++step) {
    const TokenBatch batch = stream.next();
    const auto at = stream.position();
    const Permutation order(data.size(), 5, static_cast<std::uint64_t>(at.epoch));
    CHECK(batch.tokens() + data.tokens(order(at.index)) > 64);
  }
}

TEST_CASE("A stream set to a position goes on as one that never stopped", "[train][batch_stream]") {
  const Subset subset = split(make(completions(200)), 0.2).train;
  BatchStream whole(subset, 100, 9);
  for (int stop = 0; stop < 60; ++stop) {
    BatchStream resumed(subset, 100, 9);
    resumed.seek(whole.position());
    CHECK(resumed.position() == whole.position());
    const TokenBatch batch = whole.next();
    CHECK(same(resumed.next(), batch));
    CHECK(resumed.position() == whole.position());
  }
  CHECK(whole.position().epoch > 1);
  CHECK(error_of([&] { whole.seek({0, 201}); }).find("was it saved with other data?") != std::string::npos);
}

TEST_CASE("A preference pair is never split", "[train][batch_stream]") {
  std::string lines;
  for (int i = 0; i < 50; ++i) {
    lines += concat(R"({"prompt": "#)", i, R"(:", "chosen": "good", "rejected": ")",
                    std::string(static_cast<std::size_t>(i % 9 + 1), 'x'), "\"}\n");
  }
  BatchStream stream(Subset(make(lines)), 40, 1);
  for (int step = 0; step < 40; ++step) {
    const auto met = documents(stream.next());
    REQUIRE(met.size() % 2 == 0);
    for (std::size_t i = 0; i < met.size(); i += 2) {
      CHECK(met[i].find("good") != std::string::npos);
      CHECK(met[i].substr(0, met[i].find(':')) == met[i + 1].substr(0, met[i + 1].find(':')));
    }
  }
}

TEST_CASE("A split keeps what shares a key together, whatever the order of lines", "[train][batch_stream]") {
  const std::string lines = completions(700);
  std::vector<std::string> backwards;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find('\n', at) + 1;
    backwards.insert(backwards.begin(), lines.substr(at, end - at));
    at = end;
  }
  std::string reversed;
  for (const auto& line : backwards) reversed += line;

  const auto validation = [&](const std::string& text) {
    const Split sides = split(make(text, {.split_field = "title"}), 0.25);
    CHECK(sides.train.size() + sides.validation.size() == 700);
    CHECK(sides.validation.size() > 700 * 0.10);
    CHECK(sides.validation.size() < 700 * 0.40);
    CHECK(sides.validation.size() % 7 == 0);  // seven lines share a title
    BatchPass pass(sides.validation, 1000);
    std::set<std::string> met;
    TokenBatch batch;
    while (pass.next(batch)) {
      for (const auto& document : documents(batch)) CHECK(met.insert(document).second);
    }
    CHECK(static_cast<std::int64_t>(met.size()) == sides.validation.size());
    BatchStream stream(sides.train, 1000, 1);
    while (stream.position().epoch == 0) {
      for (const auto& document : documents(stream.next())) CHECK_FALSE(met.contains(document));
    }
    return met;
  };
  CHECK(validation(lines) == validation(reversed));
}

TEST_CASE("A pass reads a subset once in order, and again after a rewind", "[train][batch_stream]") {
  const Dataset data = make(completions(30));
  BatchPass pass(Subset(data), 50);
  for (int round = 0; round < 2; ++round) {
    std::vector<std::string> met;
    TokenBatch batch;
    while (pass.next(batch)) {
      CHECK(batch.tokens() <= 50);
      for (auto& document : documents(batch)) met.push_back(document);
    }
    CHECK(met == shown(data));
    CHECK_FALSE(pass.next(batch));
    pass.rewind();
  }
}

TEST_CASE("Batches that cannot be made are refused", "[train][batch_stream]") {
  const Dataset data = make(completions(30));
  CHECK(error_of([&] {
          BatchStream(Subset(data), 10, 0);
        }).find("cannot hold the longest example, which has") != std::string::npos);
  CHECK(error_of([&] { split(data, 1.0); }).find("expected between 0 and 1") != std::string::npos);
  for (const double fraction : {1e-9, 1e-30}) {
    CHECK(error_of([&] { split(data, fraction); }).find("leaves no example for validation of 30") !=
          std::string::npos);
  }
}
