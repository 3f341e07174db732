// Decoding with a cache: the same tokens as transformers, the same bytes however the work is cut.
#include <thread>

#include "models/golden.h"

using namespace adlib;
using namespace adlib::test;

TEST_CASE("greedy decoding gives transformers' 64 tokens", "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string name = GENERATE_COPY(from_range(golden_names(device)));
  CAPTURE(name);
  const Golden golden(name);
  const io::Json& greedy_of = golden.expected.at("greedy");
  const auto wanted = greedy_of.at("tokens").get<Ids>();
  const auto gaps = greedy_of.at("gaps").get<std::vector<double>>();

  // The golden itself must be worth comparing: varied, and clear at each step.
  REQUIRE(wanted.size() == 64);
  Ids distinct = wanted;
  std::sort(distinct.begin(), distinct.end());
  CHECK(std::unique(distinct.begin(), distinct.end()) - distinct.begin() >= 20);
  CHECK(*std::min_element(gaps.begin(), gaps.end()) > 10 * golden_bound * max_magnitude(golden.logits));

  const Decoder decoder = load_decoder(golden.dir, {.device = device, .dtype = DType::f32});
  const std::int64_t count = is_emulated(device) ? 12 : 64;
  CHECK(greedy(decoder, greedy_of.at("prompt").get<Ids>(), count) ==
        Ids(wanted.begin(), wanted.begin() + count));
}

namespace {

// The final hidden state of every token, given to the decoder in pieces of these lengths.
Tensor hidden_in_pieces(const Decoder& decoder, const Ids& ids, const std::vector<std::int64_t>& lengths) {
  Cache cache = decoder.make_cache(1);
  std::vector<Tensor> pieces;
  std::int64_t start = 0;
  for (const std::int64_t length : lengths) {
    const Row row{.sequence = 0, .start = start, .length = length};
    const auto part =
        std::span(ids).subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(length));
    pieces.push_back(decoder.hidden({.ids = ids_tensor(part), .rows = {&row, 1}}, cache));
    start += length;
  }
  REQUIRE(start == static_cast<std::int64_t>(ids.size()));
  return ops::concatenate(pieces, 0);
}

}  // namespace

TEST_CASE("prefill, chunks and single tokens agree bit for bit", "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string name = GENERATE_COPY(from_range(golden_names(device)));
  CAPTURE(name);
  const Golden golden(name);
  const Decoder decoder = load_decoder(golden.dir, {.device = device});  // in the file's own type
  // 64 tokens, so that more than one block of keys is crossed.
  Ids ids = golden.ids;
  const auto more = golden.expected.at("greedy").at("tokens").get<Ids>();
  ids.insert(ids.end(), more.begin(), more.begin() + 35);
  REQUIRE(ids.size() == 64);
  const std::int64_t n = is_emulated(device) ? 18 : 64;
  ids.resize(static_cast<std::size_t>(n));

  const Tensor whole = hidden_in_pieces(decoder, ids, {n});
  CHECK(same_bytes(whole, hidden_in_pieces(decoder, ids, {1, 7, n / 2 - 8, n / 2 - 1, 1})));
  CHECK(same_bytes(whole, hidden_in_pieces(decoder, ids, {n / 2 + 1, n / 2 - 1})));
  CHECK(same_bytes(whole, hidden_in_pieces(decoder, ids, std::vector<std::int64_t>(ids.size(), 1))));
  const Ids last{static_cast<std::int32_t>(n - 1)};
  CHECK(same_bytes(decoder.logits(whole, every_row(n)).slice(0, n - 1, n), decoder.logits(whole, last)));
}

TEST_CASE("a sequence in a ragged batch gets the bytes that it gets alone", "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string name = GENERATE_COPY(from_range(golden_names(device)));
  CAPTURE(name);
  const Golden golden(name);
  const Decoder decoder = load_decoder(golden.dir, {.device = device});
  const auto part = [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    return Ids(golden.ids.begin() + begin, golden.ids.begin() + end);
  };
  const std::vector<Ids> sequences{part(0, 29), part(3, 10), part(20, 21), part(5, 18)};

  // Sequence 3 is already half way and decodes one token while the others are prefilled, in another order.
  Cache cache = decoder.make_cache(4);
  const Row begun{.sequence = 3, .start = 0, .length = 12};
  decoder.hidden({.ids = ids_tensor(part(5, 17)), .rows = {&begun, 1}}, cache);
  const std::vector<Row> rows{{.sequence = 2, .start = 0, .length = 1},
                              {.sequence = 0, .start = 0, .length = 29},
                              {.sequence = 3, .start = 12, .length = 1},
                              {.sequence = 1, .start = 0, .length = 7}};
  Ids all = sequences[2];
  all.insert(all.end(), sequences[0].begin(), sequences[0].end());
  all.push_back(sequences[3].back());
  all.insert(all.end(), sequences[1].begin(), sequences[1].end());
  const Tensor hidden = decoder.hidden({.ids = ids_tensor(all), .rows = rows}, cache);

  const auto alone = [&](std::size_t i) {
    return hidden_in_pieces(decoder, sequences[i], {static_cast<std::int64_t>(sequences[i].size())});
  };
  CHECK(same_bytes(hidden.slice(0, 0, 1), alone(2)));
  CHECK(same_bytes(hidden.slice(0, 1, 30), alone(0)));
  CHECK(same_bytes(hidden.slice(0, 30, 31), alone(3).slice(0, 12, 13)));
  CHECK(same_bytes(hidden.slice(0, 31, 38), alone(1)));
}

TEST_CASE("going back to an earlier position forgets what stood after it", "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Golden golden("qwen2");
  const Decoder decoder = load_decoder(golden.dir, {.device = device});
  Cache cache = decoder.make_cache(1);
  const Row first{.sequence = 0, .start = 0, .length = 29};
  decoder.hidden({.ids = ids_tensor(golden.ids), .rows = {&first, 1}}, cache);
  const Ids other{7, 8, 9};
  const Row again{.sequence = 0, .start = 10, .length = 3};
  const Tensor redone = decoder.hidden({.ids = ids_tensor(other), .rows = {&again, 1}}, cache);
  CHECK(cache.length(0) == 13);

  Ids straight(golden.ids.begin(), golden.ids.begin() + 10);
  straight.insert(straight.end(), other.begin(), other.end());
  CHECK(same_bytes(redone, hidden_in_pieces(decoder, straight, {13}).slice(0, 10, 13)));
}

TEST_CASE("a copied sequence continues as its original does", "[models][golden][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Golden golden("llama3-scaled");
  const Decoder decoder = load_decoder(golden.dir, {.device = device});
  Cache cache = decoder.make_cache(3);
  const Row prompt{.sequence = 2, .start = 0, .length = 29};
  decoder.hidden({.ids = ids_tensor(golden.ids), .rows = {&prompt, 1}}, cache);
  cache.copy_sequence(2, 0);
  const std::vector<Row> rows{{.sequence = 0, .start = 29, .length = 1},
                              {.sequence = 2, .start = 29, .length = 1}};
  const Tensor hidden = decoder.hidden({.ids = ids_tensor(Ids{5, 5}), .rows = rows}, cache);
  CHECK(same_bytes(hidden.slice(0, 0, 1), hidden.slice(0, 1, 2)));
}

TEST_CASE("one const decoder used by 8 threads gives the bytes of one thread", "[models][threads][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const std::string name = GENERATE("gpt2-d32-square", "qwen2-yarn-f16");
  CAPTURE(name);
  const Golden golden(name);
  const Decoder decoder = load_decoder(golden.dir, {.device = device});
  const auto prompt_of = [&](std::size_t i) {
    return Ids(golden.ids.begin() + static_cast<std::ptrdiff_t>(i), golden.ids.begin() + 20);
  };
  const std::int64_t count = is_emulated(device) ? 2 : 12;
  struct Answer {
    Ids tokens;
    Outputs outputs;
  };
  std::vector<Answer> alone(8);
  for (std::size_t i = 0; i < 8; ++i)
    alone[i] = {greedy(decoder, prompt_of(i), count), run(decoder, prompt_of(i))};

  // Catch's assertions are not for several threads: they run after the join, and run() asserts inside, so
  // that threads use hidden() and logits() themselves.
  std::vector<Ids> tokens(8);
  std::vector<Tensor> logits(8);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      const Ids prompt = prompt_of(i);
      tokens[i] = greedy(decoder, prompt, count);
      const auto length = static_cast<std::int64_t>(prompt.size());
      Cache cache = decoder.make_cache(1, length);
      const Row row{.sequence = 0, .start = 0, .length = length};
      const Tensor hidden = decoder.hidden({.ids = ids_tensor(prompt), .rows = {&row, 1}}, cache);
      logits[i] = decoder.logits(hidden, every_row(length)).to(DType::f32).to(Device::cpu);
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (std::size_t i = 0; i < 8; ++i) {
    CAPTURE(i);
    CHECK(tokens[i] == alone[i].tokens);
    CHECK(same_bytes(logits[i], alone[i].outputs.logits));
  }
}

TEST_CASE("misuse of the decoder is refused with what was given and what fits", "[models][device]") {
  const auto device = GENERATE(from_range(available_devices()));
  CAPTURE(device);
  const Golden golden("gpt2-d16-hub");
  const Decoder decoder = load_decoder(golden.dir, {.device = device});  // context 80
  const auto hidden_of = [&](const Ids& ids, const std::vector<Row>& rows, std::int64_t sequences = 2) {
    Cache cache = decoder.make_cache(sequences);
    return decoder.hidden({.ids = ids_tensor(ids), .rows = rows}, cache);
  };
  CHECK_THROWS_WITH(hidden_of({1, 2, 3}, {{0, 0, 2}}), ContainsSubstring("rows hold 2 tokens, ids 3"));
  CHECK_THROWS_WITH(hidden_of({1, 2}, {{0, 0, 1}, {0, 1, 1}}), ContainsSubstring("stands in two rows"));
  CHECK_THROWS_WITH(hidden_of({1}, {{5, 0, 1}}), ContainsSubstring("sequence 5 is outside"));
  CHECK_THROWS_WITH(hidden_of({1}, {{0, 3, 1}}), ContainsSubstring("would leave a gap"));
  CHECK_THROWS_WITH(hidden_of(Ids(81, 1), {{0, 0, 81}}), ContainsSubstring("context is 80"));
  CHECK_THROWS_WITH(hidden_of({199}, {{0, 0, 1}}), ContainsSubstring("199"));
  CHECK_THROWS_WITH(hidden_of({-1}, {{0, 0, 1}}), ContainsSubstring("-1"));
  CHECK_THROWS_WITH(hidden_of({1}, {{0, 0, 0}, {1, 0, 1}}), ContainsSubstring("length 0"));
  CHECK_THROWS_WITH(hidden_of({1}, {{0, -1, 1}}), ContainsSubstring("-1"));
  CHECK_THROWS_WITH(decoder.make_cache(1, 81), ContainsSubstring("context of 80"));
  CHECK_THROWS_WITH(decoder.forward(ids_tensor(Ids{1, 2})), ContainsSubstring("(B, T)"));

  // A batch that is refused leaves the cache as it was.
  Cache cache = decoder.make_cache(2, 10);
  const std::vector<Row> rows{{.sequence = 0, .start = 0, .length = 2},
                              {.sequence = 1, .start = 0, .length = 11}};
  CHECK_THROWS_AS(decoder.hidden({.ids = ids_tensor(Ids(13, 1)), .rows = rows}, cache), Error);
  CHECK(cache.length(0) == 0);
}
